"""``bulkjob summary``: one table and one verdict over the summaries of many runs; no server is needed."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.report import Overview, RunSummary, overview_document, overview_lines, read_summary, unread
from bulkjob.rundir import JOURNAL_FILE, LOCK, REPORT_FILES, ROLLBACK, SUMMARY_FILE, read_summary_file
from bulkjob.system import console_on, show
from bulkjob.vocabulary import Exit

#: Folders that lie beside run directories without being one: of a file system, and a run's own way back.
_NO_RUNS: Final = frozenset({ROLLBACK, "lost+found"})


def summary(directories: Sequence[Path], *, as_json: bool, expected: int | None) -> Exit:
    """Print what became of the runs in ``directories``, and return the exit code of all of them together.

    ``expected``: how many runs there should be.
    """
    overview = Overview(runs=[*_runs(directories)], expected=expected)
    if as_json:
        print(json.dumps(overview_document(overview), indent=2))
    else:
        console = console_on(sys.stdout)
        show(console, overview_lines(console, overview, EXIT_MEANINGS))
    return overview.exit_code


def _runs(directories: Sequence[Path]) -> Iterator[RunSummary]:
    """Each run once, in the order of the directories, and within one by its name."""
    seen: set[str] = set()
    for given in directories:
        try:
            found = _run_directories(given)
        except OSError as error:
            yield unread(str(given), f"there is no such directory ({error.strerror})", Exit.NO_INPUT)
            continue
        for directory in found:
            if (real := os.path.realpath(directory)) not in seen:
                seen.add(real)
                yield _run(directory)


def _run_directories(given: Path) -> list[Path]:
    """A run directory itself, or those that lie directly in it. Raises `OSError` where no directory is, or none that may be looked into."""
    names = {entry.name: entry for entry in given.iterdir()}
    if names.keys() & {SUMMARY_FILE, JOURNAL_FILE, LOCK, *REPORT_FILES}:
        return [given]
    inside = [path for name, path in names.items() if not name.startswith(".") and name not in _NO_RUNS and path.is_dir()]
    # One that holds nothing is that of a run that never began.
    return sorted(inside, key=lambda path: _by_number(path.name)) or [given]


def _by_number(name: str) -> tuple[bool, int, str]:
    """Numbers first and by their value: the pods of an Indexed Job are counted, and 10 comes after 9."""
    numbered = name.isascii() and name.isdigit()
    return not numbered, int(name[:18]) if numbered else 0, name


def _run(directory: Path) -> RunSummary:
    try:
        data = read_summary_file(directory)
    except FileNotFoundError:
        return unread(str(directory), "it has no summary.json: the run is still going on, or was killed, or never began")
    except OSError as error:
        return unread(str(directory), f"its summary.json cannot be read ({error.strerror})")
    return read_summary(str(directory), data)
