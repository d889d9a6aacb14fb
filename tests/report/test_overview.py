"""Many runs in one table and one verdict."""

import json
from itertools import combinations
from typing import Any

import pytest

from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.report.overview import GRAVITY, Overview, RunSummary, overview_document, overview_lines, read_summary, unread, verdict_on_all
from bulkjob.report.summary import Ending, RowCounts, RunFigures, render_summary
from bulkjob.vocabulary import Exit
from tests.support.screens import screen, shown

ROWS = RowCounts(total=10, updated=4, unchanged=3, failed=1, invalid=0, not_sent=2)
COUNTS = {"total": 10, "success": 7, "failed": 1, "invalid": 0, "not_sent": 2}
WHOLE: dict[str, object] = {
    "exit_code": 0,
    "rows": COUNTS,
    "changes": {"updated": 4, "unchanged": 3},
}


def run(code: Exit, path: str = "a", **more: Any) -> RunSummary:
    """A run that ended so."""
    return RunSummary(path=path, exit_code=code, rows=ROWS, **more)


def changed(**members: object) -> bytes:
    """A summary of which some members are others."""
    return json.dumps(WHOLE | members).encode()


def test_gravity_is_the_documented_order() -> None:
    """Of several exit codes the whole has the first of these."""
    assert [int(code) for code in GRAVITY] == [70, 78, 77, 73, 66, 65, 69, 75, 1]
    for graver, other in combinations(GRAVITY, 2):
        assert Overview(runs=[run(Exit.OK), run(other), run(graver)]).exit_code is graver


def test_all_done_is_0() -> None:
    """If all are 0, the whole is; nothing at all is nothing that failed."""
    assert Overview(runs=[run(Exit.OK)] * 3, expected=3).exit_code is Exit.OK


@pytest.mark.parametrize(("expected", "missing", "code"), [(None, 0, 0), (0, 0, 0), (2, 0, 0), (1, 0, 0), (3, 1, 75), (40, 38, 75)])
def test_what_is_expected(expected: int | None, missing: int, code: int) -> None:
    """Runs that are missing count as interrupted; more than expected are no harm."""
    overview = Overview(runs=[run(Exit.OK), run(Exit.OK, "b")], expected=expected)
    assert (overview.missing, overview.exit_code) == (missing, code)


def test_a_summary_is_read_as_it_is_written() -> None:
    """What a run writes about itself comes back."""
    end = Ending(
        exit_code=Exit.UNAVAILABLE,
        message="The server\nis away.",
        sheet_name="",
        sheet_sha256="",
        run_dir="",
        bulkjob_version="",
        figures=RunFigures(duration_seconds=2.5),
    )
    found = read_summary("a", render_summary(end, ()))
    assert found == RunSummary(
        path="a",
        exit_code=Exit.UNAVAILABLE,
        rows=RowCounts(total=0, updated=0, unchanged=0, failed=0, invalid=0, not_sent=0),
        seconds=2.5,
        message="The server is away.",
    )
    assert read_summary("a", json.dumps(WHOLE).encode()) == run(Exit.OK)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"exit_code": 0}',
        *(changed(exit_code=code) for code in ("0", True, 2, 3, None)),
        changed(rows=[]),
        changed(rows={**COUNTS, "failed": -1}),
        changed(rows={**COUNTS, "failed": 1.5}),
        changed(changes={}),
        changed(changes=None),
    ],
)
def test_what_is_no_summary_counts_as_interrupted(data: bytes) -> None:
    """A file that is cut short, or says what no run says, is worth no more than none."""
    found = read_summary("a", data)
    assert (found.exit_code, found.known) == (Exit.INTERRUPTED, False)


def test_odd_details_are_passed_over() -> None:
    """A time or a message that makes no sense takes nothing from the rest."""
    for data in (*(changed(duration_seconds=seconds) for seconds in (float("nan"), -1, "1")), changed(message=5)):
        assert read_summary("a", data) == run(Exit.OK)


def test_the_document() -> None:
    """Machines get the code, the sums, and each run."""
    overview = Overview(runs=[run(Exit.OK), unread("b", "gone")], expected=3)
    document = json.loads(json.dumps(overview_document(overview)))
    assert {name: document[name] for name in ("exit_code", "expected", "missing", "rows", "changes")} == {
        "exit_code": 75,
        "expected": 3,
        "missing": 1,
        **{name: WHOLE[name] for name in ("rows", "changes")},
    }
    assert [(one["directory"], one["exit_code"], one["summary"], one["message"]) for one in document["runs"]] == [
        ("a", 0, True, ""),
        ("b", 75, False, "gone"),
    ]


def test_the_screen() -> None:
    """A row for each run, what is wrong by exit code, the gravest first, and one verdict at the end."""
    runs = [
        run(Exit.OK, "runs/a"),
        run(Exit.ROWS_NOT_DONE, "runs/b"),
        run(Exit.UNAVAILABLE, "runs/c", message="The server is away."),
        unread("runs/d", "its summary.json cannot be read"),
    ]
    on = screen(80)
    assert shown(overview_lines(on, Overview(runs=runs, expected=5), EXIT_MEANINGS), on) == [
        "run     exit code  rows  changed  already correct  failed  invalid  not sent",
        "runs/a          0    10        4                3       1        0         2",
        "runs/b          1    10        4                3       1        0         2",
        "runs/c         69    10        4                3       1        0         2",
        "runs/d         75     ?        ?                ?       ?        ?         ?",
        "",
        "Exit code 69: the server cannot be reached or keeps failing; try again later",
        "  runs/c: The server is away.",
        "Exit code 75: interrupted with something left undone, or another run is working",
        "in the directory; run it again",
        "  runs/d: its summary.json cannot be read",
        "Exit code 1: finished, or stopped by --max-failures, with rows that are not in",
        "place: read the report",
        "  runs/b: 1 failed, 2 not sent",
        "1 run of 5 expected is missing.",
        "",
        "4 of 5 runs are not done (exit code 69): 21 of 30 rows in place; nothing is",
        "known of 2 runs.",
    ]


def test_the_verdict() -> None:
    """One sentence, whatever there is."""
    rows = RowCounts(total=7, updated=4, unchanged=3, failed=0, invalid=0, not_sent=0)
    good = [RunSummary(path=path, exit_code=Exit.OK, rows=rows) for path in "ab"]
    assert verdict_on_all(Overview(runs=good)) == "All 2 runs are done: 14 rows in place, 8 changed and 6 already correct."
    assert verdict_on_all(Overview(runs=good[:1])) == "The only run is done: 7 rows in place, 4 changed and 3 already correct."
    lost = "1 of 1 run is not done (exit code 66): no row is known to be in place."
    assert verdict_on_all(Overview(runs=[unread("x", "gone", Exit.NO_INPUT)])) == lost
