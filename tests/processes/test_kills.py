"""Killed, or told to end, at any moment: the next run with the same directory ends the work, and no report says what is not so.

KILLS and SIGTERMS say at how many moments; MOMENT names the one to look at again.
"""

import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import Done, ServedApart, looks_after, ran, started, wait_for
from tests.support.reports import done_by, journalled, report_of, writes_of

#: Bytes of the journal of a whole run, about: moments are spread over it.
_JOURNAL = 40_000

OPTIONS = ("--concurrency", "3", "--max-removals", "100%")


def moments(variable: str, default: int) -> list[int]:
    """The seeds of the moments to try."""
    if moment := os.environ.get("MOMENT"):
        return [int(moment)]
    return list(range(int(os.environ.get(variable) or default)))


def strike(process: subprocess.Popen[str], folder: Path, seed: int, number: int) -> None:
    """Sends a signal at a moment that the seed chooses: in one case of five by the clock, else by how far the journal is."""
    dice = random.Random(seed)  # noqa: S311 - for moments, not for secrets
    if dice.random() < 0.2:
        # The interpreter's own beginning is nobody's to look after.
        wait_for(lambda: looks_after(process.pid, signal.SIGTERM), process)
        wait = dice.uniform(0, 1.5)
    else:
        size = dice.randrange(_JOURNAL)
        journal = folder / "journal.jsonl"
        wait_for(lambda: journal.exists() and journal.stat().st_size >= size, process)
        wait = dice.uniform(0, 0.02)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.send_signal(number)


def resumed(shared: ServedApart, sheet: Path, folder: Path) -> Done:
    """The same command again: what the journal knew as done is not written again, and no write goes out that is not on disk."""
    known = done_by(folder)
    intents, _ = journalled(folder)
    sent = len(shared.calls())
    done = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS)
    anew = journalled(folder)[0][len(intents) :]
    assert not {written.change.target for intent in anew for written in intent.changes} & known
    assert writes_of(shared.calls()[sent:]) == Counter((intent.method, intent.path.removeprefix("/api/v1/")) for intent in anew)
    return done


@pytest.mark.parametrize("seed", moments("KILLS", 8))
def test_killed(shared: ServedApart, tmp_path: Path, seed: int) -> None:
    """After a kill -9 the run goes on where it was: every row once, the state as the sheet says, nothing done twice that was known."""
    turn, before, sent = shared.turn(), shared.state(), len(shared.calls())
    sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
    with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS) as process:
        strike(process, folder, seed, signal.SIGKILL)
        process.communicate(timeout=60)
    intents, _ = journalled(folder)
    assert writes_of(shared.calls()[sent:]) <= Counter((intent.method, intent.path.removeprefix("/api/v1/")) for intent in intents)
    done = resumed(shared, sheet, folder)
    assert done.exit == Exit.OK, done.out + done.err
    rows = report_of(folder)
    assert [row["row"] for row in rows] == [str(row) for row in range(2, len(turn.rows) + 2)]
    assert {(row["status"], row["change"]) for row in rows} == {("success", "updated")}
    assert turn.wrong(before, shared.state()) == []


@pytest.mark.parametrize("seed", moments("SIGTERMS", 5))
def test_told_to_end(shared: ServedApart, tmp_path: Path, seed: int) -> None:
    """After a SIGTERM the report is whole and true, with 75 where something is left; the next run ends the work."""
    turn, before = shared.turn(), shared.state()
    sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
    with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS) as process:
        strike(process, folder, seed, signal.SIGTERM)
        done = Done(process)
    state = shared.state()
    if folder.exists():
        rows = report_of(folder)
        assert [row["row"] for row in rows] == [str(row) for row in range(2, len(turn.rows) + 2)]
        assert done.exit == (Exit.OK if all(row["status"] == "success" for row in rows) else Exit.INTERRUPTED), done.out + done.err
        assert done.out.splitlines()[-1] == f"Report: {folder}"
        for row in rows:
            assert row["status"] in ("success", "not_sent"), row
            assert turn.holds(state, int(row["row"])) == (row["status"] == "success"), row
    else:
        assert done.exit == Exit.INTERRUPTED, done.out + done.err
    done = resumed(shared, sheet, folder)
    assert done.exit == Exit.OK, done.out + done.err
    assert {(row["status"], row["change"]) for row in report_of(folder)} == {("success", "updated")}
    assert turn.wrong(before, shared.state()) == []
