"""The files for whoever approves a plan, in a directory of their own."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bulkjob.report.files import remove_problem_files, write_plan_workbook, write_problem_files
from bulkjob.report.pages import Planned, render_page, story_of_plan
from bulkjob.report.plan_listing import ambiguous
from bulkjob.report.problems import PROBLEM_FILES, with_invalid_rows
from bulkjob.system import writable_folder, write_whole

PAGE_FILE: Final = "plan.html"


WORKBOOK_FILE: Final = "plan.xlsx"


def refuse_unwritable_approval(folder: Path, *, inputs: Iterable[Path]) -> None:
    """Makes the directory, before the first call. Raises `Stop` (73) where its files cannot be written, or would replace ``inputs``."""
    writable_folder(folder, (PAGE_FILE, WORKBOOK_FILE, *PROBLEM_FILES), inputs=inputs)


def write_approval(folder: Path, planned: Planned) -> None:
    """Writes the page and the workbook and, where rows are invalid, what is to be corrected. Raises `Stop` (73)."""
    checked = with_invalid_rows(planned.state.checked, planned.state.problems, planned.results)
    if checked.problems:
        write_problem_files(folder, checked)
    else:
        remove_problem_files(folder)
    workspace = planned.prepared.workspace if planned.prepared else None
    with_ids = ambiguous(workspace) if workspace else frozenset[str]()
    write_plan_workbook(folder / WORKBOOK_FILE, planned.document, with_ids=with_ids)
    write_whole(folder / PAGE_FILE, render_page(story_of_plan(planned)))
