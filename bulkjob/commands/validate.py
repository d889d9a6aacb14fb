"""``bulkjob validate``: reads and checks a sheet, and shows what is wrong with it; no server is needed."""

import json
import sys
from pathlib import Path

from rich.text import Text

from bulkjob.phrases import listed
from bulkjob.records import CheckedSheet
from bulkjob.report import (
    PROBLEM_FILES,
    PROBLEMS_FILE,
    Commands,
    problem_lines,
    problems_document,
    step_lines,
    steps_after_validate,
)
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, files_of, given_once, sheet_at, with_contradictions
from bulkjob.system import console_on, show, writable_folder
from bulkjob.vocabulary import Exit


def validate(settings: Settings, source: Path | SheetAddress, *, out: Path | None, as_json: bool) -> Exit:
    """Print every problem of the sheet at ``source`` and, with ``out``, write them there as problems.csv and annotated.xlsx.

    BAD_SHEET if there is one. Raises `Stop` where the sheet cannot be read at all, or ``out`` cannot be written.
    """
    checked = with_contradictions(check(sheet_at(source, settings)))
    if out is not None:
        writable_folder(out, PROBLEM_FILES, inputs=files_of(source))
    written = "" if out is None else _write(out, checked)
    if as_json:
        print(json.dumps(problems_document(checked), indent=2))
    else:
        console = console_on(sys.stdout)
        whole_list = str(out / PROBLEMS_FILE) if out is not None else ""
        files: dict[str, list[str | Path]] = {"validate": ["--out", out] if out else []}
        commands = Commands(sheet=source, settings=settings, files=files, given_once=given_once(source))
        steps = step_lines(console, steps_after_validate(commands, valid=not checked.problems))
        below = [Text(""), *([Text(written)] if written else []), *steps]
        show(console, [*problem_lines(console, checked, height=console.height - len(below), whole_list=whole_list), *below])
    if written and as_json:
        print(written, file=sys.stderr)
    return Exit.BAD_SHEET if checked.problems else Exit.OK


def _write(out: Path, checked: CheckedSheet) -> str:
    """Writes the list and the marked copy; returns the sentence that says so."""
    from bulkjob.report import write_problem_files  # noqa: PLC0415 - a workbook's library is not for whoever wants none

    return write_problem_files(out, checked) or f"Written to {out}: {listed(PROBLEM_FILES)}."
