"""``bulkjob validate``: reads and checks a sheet, and shows what is wrong with it; no server is needed."""

import json
import sys
from pathlib import Path
from typing import Final

from bulkjob.records import CheckedSheet
from bulkjob.report import (
    Commands,
    problem_lines,
    problems_document,
    render_annotated,
    render_problems,
    step_lines,
    steps_after_validate,
    too_large,
)
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, files_of, sheet_at, with_contradictions
from bulkjob.system import remove_whole, terminal_size, writable_folder, write_whole
from bulkjob.vocabulary import Exit, Stop

PROBLEMS_FILE: Final = "problems.csv"


ANNOTATED_FILE: Final = "annotated.xlsx"


def validate(settings: Settings, source: Path | SheetAddress, *, out: Path | None, as_json: bool) -> Exit:
    """Print every problem of the sheet at ``source`` and, with ``out``, write them there as problems.csv and annotated.xlsx.

    BAD_SHEET if there is one. Raises `Stop` where the sheet cannot be read at all, or ``out`` cannot be written.
    """
    checked = with_contradictions(check(sheet_at(source, settings)))
    if out is not None:
        writable_folder(out, (PROBLEMS_FILE, ANNOTATED_FILE), inputs=files_of(source))
    written = "" if out is None else _write(out, checked)
    if as_json:
        print(json.dumps(problems_document(checked), indent=2))
    else:
        size = terminal_size()
        whole_list = str(out / PROBLEMS_FILE) if out is not None else ""
        height = size.lines - (1 if written else 0)
        steps = step_lines(steps_after_validate(Commands(sheet=source, settings=settings), valid=not checked.problems), size.columns)
        lines = problem_lines(checked, width=size.columns, height=height - len(steps) - 1, whole_list=whole_list)
        print("\n".join([*lines, "", *([written] if written else []), *steps]))
    if written and as_json:
        print(written, file=sys.stderr)
    return Exit.BAD_SHEET if checked.problems else Exit.OK


def _write(out: Path, checked: CheckedSheet) -> str:
    """Writes the list and the marked copy; returns the sentence that says so."""
    write_whole(out / PROBLEMS_FILE, render_problems(checked.problems))
    if reason := too_large(checked.sheet):
        # One from an earlier time would be taken for this sheet's.
        remove_whole(out / ANNOTATED_FILE)
        return reason
    try:
        annotated = render_annotated(checked)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Stop(Exit.CANNOT_CREATE, f"annotated.xlsx needs a temporary file, which cannot be written: {reason}.") from error
    write_whole(out / ANNOTATED_FILE, annotated)
    return f"Written to {out}: problems.csv and annotated.xlsx."
