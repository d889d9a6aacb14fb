"""The end of a run: the outcome of every row, the exit code, and the files of the report."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from bulkjob import __version__
from bulkjob.plan import RunState
from bulkjob.records import RowResult
from bulkjob.report.results import render_results
from bulkjob.report.retry import render_retry, render_retry_workbook
from bulkjob.report.rows import row_results
from bulkjob.report.summary import Ending, RunFigures, render_summary
from bulkjob.rundir import RunDirectory
from bulkjob.system import write_together
from bulkjob.vocabulary import Exit, Status, Stop

_RETRIES: Final = {"retry.csv": render_retry, "retry.xlsx": render_retry_workbook}


def exit_code_of(results: Iterable[RowResult], stop: Stop | None) -> Exit:
    """What stopped the job decides; a job that reached its end is done or not."""
    if stop is not None:
        return stop.exit_code
    return Exit.OK if all(result.status is Status.SUCCESS for result in results) else Exit.ROWS_NOT_DONE


def write_report(
    directory: RunDirectory, state: RunState, stop: Stop | None, figures: RunFigures, *, mirror: bool, owned: bool = False
) -> tuple[Ending, Mapping[int, RowResult]]:
    """Writes the report's files, all or none of them; returns how the run ended, also where they cannot be written (73).

    ``owned``: whether a write is in the journal.
    """
    results = row_results(state, stop)
    if stop is not None and stop.exit_code is Exit.INTERRUPTED and not state.repairs_left and _nothing_is_left(results.values()):
        stop = None
    sheet = state.checked.sheet
    ending = Ending(
        exit_code=exit_code_of(results.values(), stop),
        message=stop.message if stop else "",
        sheet_name=sheet.name,
        sheet_sha256=sheet.sha256,
        run_dir=str(directory),
        bulkjob_version=__version__,
        figures=figures,
        undoes=state.undoes,
        owned=owned,
    )
    departments = state.departments if mirror else None
    # What a rollback could not put back is no sheet to be run: it would be done once more.
    left: dict[str, bytes | None] = {}
    if not state.undoes:
        renamers = state.renamers
        left = {name: render(sheet, results, departments=departments, renamers=renamers) for name, render in _RETRIES.items()}
    files = {"results.csv": render_results(sheet, results), **left, "summary.json": render_summary(ending, results.values())}
    ending = replace(ending, retry=next((name for name in ("retry.xlsx", "retry.csv") if left.get(name) is not None), ""))
    try:
        write_together({directory.path / name: data for name, data in files.items()})
    except Stop as unwritable:
        message = f"{unwritable.message} No report could be written; only this summary exists."
        if stop is not None:
            message = f"{message} Before that: {stop.message}"
        ending = replace(ending, exit_code=unwritable.exit_code, message=message, reported=False, retry="")
    return ending, results


def _nothing_is_left(results: Iterable[RowResult]) -> bool:
    """Whether an interruption came too late to leave anything undone."""
    return all(result.status not in (Status.NOT_SENT, Status.FAILED) for result in results)
