"""The end of a run: the outcome of every row, the exit code, and the files of the report."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from bulkjob import __version__
from bulkjob.plan import RunState
from bulkjob.records import CheckedSheet, RowResult
from bulkjob.report.annotated import render_annotated, too_large
from bulkjob.report.pages import render_page, story_of_run
from bulkjob.report.problems import render_problems, with_invalid_rows
from bulkjob.report.results import render_results
from bulkjob.report.results_workbook import render_results_workbook
from bulkjob.report.retry import render_retry, render_retry_workbook
from bulkjob.report.rows import row_results
from bulkjob.report.summary import Ending, RunFigures, render_summary
from bulkjob.rundir import SUMMARY_FILE, RunDirectory
from bulkjob.system import scratch_in, write_together, write_whole
from bulkjob.vocabulary import Exit, Status, Stop

#: Written after everything else: a large sheet takes seconds to become a workbook, and a pod that is to leave may not have them.
_WORKBOOKS: Final = ("results.xlsx", "annotated.xlsx", "retry.xlsx")


#: The page for people.
_PAGE: Final = "report.html"


def exit_code_of(results: Iterable[RowResult], stop: Stop | None) -> Exit:
    """What stopped the job decides; a job that reached its end is done or not."""
    if stop is not None:
        return stop.exit_code
    return Exit.OK if all(result.status is Status.SUCCESS for result in results) else Exit.ROWS_NOT_DONE


def write_report(
    directory: RunDirectory, state: RunState, stop: Stop | None, figures: RunFigures, *, mirror: bool, owned: bool = False, undo: str = ""
) -> tuple[Ending, Mapping[int, RowResult]]:
    """Writes the report's files; returns how the run ended, also where they cannot be written (73).

    Tables and summary come first, all or none of them, then the workbooks, then the page, a defect of which costs nothing else. ``owned``:
    whether a write is in the journal. ``undo``: the command that puts back what was changed.
    """
    results = row_results(state, stop)
    if stop is not None and stop.exit_code is Exit.INTERRUPTED and not state.repairs_left and _nothing_is_left(results.values()):
        stop = None
    sheet = state.checked.sheet
    checked = with_invalid_rows(state.checked, state.problems, results)
    departments = state.departments if mirror else None
    # What a rollback could not put back is no sheet to be run: it would be done once more.
    renamers = state.renamers
    left = None if state.undoes else render_retry(sheet, results, departments=departments, renamers=renamers)
    ending = Ending(
        exit_code=exit_code_of(results.values(), stop),
        message=stop.message if stop else "",
        sheet_name=sheet.name,
        sheet_sha256=sheet.sha256,
        run_dir=str(directory),
        bulkjob_version=__version__,
        figures=_with_warning(figures, too_large(sheet) if checked.problems else ""),
        undoes=state.undoes,
        owned=owned,
        undo=undo,
        retry="" if left is None else "retry.csv",
    )
    problems = render_problems(checked.problems) if checked.problems else None
    files = {"results.csv": render_results(sheet, results), "retry.csv": left, "problems.csv": problems}
    try:
        _write_tables(directory, files, ending, results)
    except Stop as unwritable:
        return _unwritten(ending, unwritable, "No report could be written; only this summary exists.", reported=False), results
    ending = _with_workbooks(directory, checked, results, ending, departments=departments, renamers=renamers)
    return _with_page(directory, state, results, ending, stop), results


def _with_workbooks(
    directory: RunDirectory,
    checked: CheckedSheet,
    results: Mapping[int, RowResult],
    ending: Ending,
    *,
    departments: Mapping[int, str] | None,
    renamers: Mapping[int, Collection[int]],
) -> Ending:
    """Writes them; returns how the run ended, also where they cannot be written (73), which the summary then says, too."""
    try:
        return _write_workbooks(directory, checked, results, ending, departments=departments, renamers=renamers)
    except Stop as unwritable:
        return _corrected(directory, results, ending, unwritable, "The report is there as results.csv, without workbooks.")


def _with_page(directory: RunDirectory, state: RunState, results: Mapping[int, RowResult], ending: Ending, stop: Stop | None) -> Ending:
    """The same for the page, which names the workbooks that there are."""
    try:
        write_whole(directory.path / _PAGE, render_page(story_of_run(state, results, ending, stop)))
    except Stop as unwritable:
        return _corrected(directory, results, ending, unwritable, "The report is there as results.csv, without its page.")
    return ending


def _corrected(directory: RunDirectory, results: Mapping[int, RowResult], ending: Ending, unwritable: Stop, left: str) -> Ending:
    ending = _unwritten(ending, unwritable, left, reported=True)
    with suppress(Stop):
        write_whole(directory.path / SUMMARY_FILE, render_summary(ending, results.values()))
    return ending


def _with_warning(figures: RunFigures, warning: str) -> RunFigures:
    return replace(figures, warnings=(*figures.warnings, warning)) if warning else figures


def _write_tables(directory: RunDirectory, files: Mapping[str, bytes | None], ending: Ending, results: Mapping[int, RowResult]) -> None:
    """With the summary, and without the workbooks and the page of an earlier run, which would say something else. Raises `Stop` (73)."""
    named = {**files, SUMMARY_FILE: render_summary(ending, results.values()), **dict.fromkeys((*_WORKBOOKS, _PAGE))}
    write_together({directory.path / name: data for name, data in named.items()})


def _write_workbooks(
    directory: RunDirectory,
    checked: CheckedSheet,
    results: Mapping[int, RowResult],
    ending: Ending,
    *,
    departments: Mapping[int, str] | None,
    renamers: Mapping[int, Collection[int]],
) -> Ending:
    """Writes them, all or none; returns the ending that knows which of them there are. Raises `Stop` (73)."""
    sheet, files = checked.sheet, dict[str, bytes | None]()
    try:
        with scratch_in(directory.path) as scratch:
            if not ending.undoes:
                files["retry.xlsx"] = render_retry_workbook(sheet, results, departments=departments, renamers=renamers, scratch=scratch)
            if files.get("retry.xlsx") is not None:
                ending = replace(ending, retry="retry.xlsx")
            if checked.problems and not too_large(sheet):
                files["annotated.xlsx"] = render_annotated(checked, scratch=scratch)
            annotated = "annotated.xlsx" in files
            files["results.xlsx"] = render_results_workbook(sheet, results, ending, annotated=annotated, scratch=scratch)
    except OSError as error:
        message = f"The workbooks of the report need room for temporary files in {directory}: {error.strerror or error}."
        raise Stop(Exit.CANNOT_CREATE, message) from error
    write_together({directory.path / name: data for name, data in files.items()})
    return ending


def _unwritten(ending: Ending, unwritable: Stop, left: str, *, reported: bool) -> Ending:
    """The ending of a run whose report could not be written as a whole; ``left``: what there is of it."""
    message = f"{unwritable.message} {left}"
    if ending.message:
        message = f"{message} Before that: {ending.message}"
    return replace(ending, exit_code=unwritable.exit_code, message=message, reported=reported, retry=ending.retry if reported else "")


def _nothing_is_left(results: Iterable[RowResult]) -> bool:
    """Whether an interruption came too late to leave anything undone."""
    return all(result.status not in (Status.NOT_SENT, Status.FAILED) for result in results)
