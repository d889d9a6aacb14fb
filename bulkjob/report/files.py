"""Reports of a sheet or a plan that are asked for by name: written as a whole, or refused with a sentence."""

from collections.abc import Collection
from pathlib import Path

from bulkjob.plan import PlanDocument
from bulkjob.records import CheckedSheet
from bulkjob.report.annotated import render_annotated, too_large
from bulkjob.report.plan_workbook import render_plan_workbook
from bulkjob.report.problems import ANNOTATED_FILE, PROBLEM_FILES, PROBLEMS_FILE, render_problems
from bulkjob.system import scratch_in, write_together, write_whole
from bulkjob.vocabulary import Exit, Stop


def write_problem_files(folder: Path, checked: CheckedSheet) -> str:
    """Writes the list and the marked copy into a folder; returns the sentence why there is no marked copy, blank if there is.

    Raises `Stop` (73).
    """
    if reason := too_large(checked.sheet):
        # A copy from an earlier time would be taken for this sheet's.
        write_together({folder / PROBLEMS_FILE: render_problems(checked.problems), folder / ANNOTATED_FILE: None})
        return reason
    try:
        with scratch_in(folder) as scratch:
            annotated = render_annotated(checked, scratch=scratch)
    except OSError as error:
        raise _no_room(ANNOTATED_FILE, folder, error) from error
    write_together({folder / PROBLEMS_FILE: render_problems(checked.problems), folder / ANNOTATED_FILE: annotated})
    return ""


def remove_problem_files(folder: Path) -> None:
    """Takes away what an earlier look at a sheet left in a folder. Raises `Stop` (73)."""
    write_together({folder / name: None for name in PROBLEM_FILES})


def write_plan_workbook(path: Path, document: PlanDocument, *, with_ids: Collection[str] = ()) -> None:
    """Writes plan.xlsx. ``with_ids``: the things that are named with their ids, as others bear their names. Raises `Stop` (73)."""
    try:
        with scratch_in(path.parent) as scratch:
            data = render_plan_workbook(document, with_ids=with_ids, scratch=scratch)
    except OSError as error:
        raise _no_room(path.name, path.parent, error) from error
    write_whole(path, data)


def _no_room(name: str, folder: Path, error: OSError) -> Stop:
    return Stop(Exit.CANNOT_CREATE, f"{name} needs room for temporary files in {folder}: {error.strerror or error}.")
