"""``bulkjob plan``: what a sheet would change, what that costs, and what cannot be done; nothing is written on the server."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.plan import Preparation, RunState, document_of_plan, pieces_of_plan, warnings_of_dropped_monitors
from bulkjob.records import RowResult
from bulkjob.report import (
    Commands,
    Planned,
    ambiguous,
    exit_code_of,
    plan_lines,
    planned_results,
    refuse_unwritable_approval,
    render_results,
    steps_after_plan,
    write_approval,
)
from bulkjob.rocketchat import Connect, connect, opened, reading
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, files_of, given_once, sheet_at
from bulkjob.system import console_on, refuse_unwritable, show, write_whole
from bulkjob.vocabulary import Exit, Status, Stop

#: Endings that say something about the sheet, so that there is a plan, or a list of rows, to show.
_TELLING = (Exit.BAD_SHEET, Exit.NO_PERMISSION)


def plan(
    settings: Settings, sheet: Path | SheetAddress, *, out: Path | None = None, csv: Path | None = None, as_json: bool = False
) -> Exit:
    """Print the plan for a sheet; with ``out``, write it there for ``run --plan``; with ``csv``, write the rows with their statuses there.

    The exit code is that of a run all of whose calls succeed. Raises `Stop` where there is nothing to show.
    """
    return asyncio.run(planned(settings, sheet, out=out, csv=csv, as_json=as_json))


async def planned(
    settings: Settings,
    sheet: Path | SheetAddress,
    *,
    out: Path | None = None,
    csv: Path | None = None,
    as_json: bool = False,
    connect: Connect = connect,
) -> Exit:
    """As `plan`, in a loop that is running already."""
    checked = check(sheet_at(sheet, settings))
    for path in filter(None, (out, csv)):
        refuse_unwritable(path, inputs=files_of(sheet))
    if settings.report is not None:
        refuse_unwritable_approval(settings.report, inputs=files_of(sheet))
    state = RunState(checked=checked, warnings=list(checked.warnings))
    preparation = Preparation(settings, state)
    stop: Stop | None = None
    try:
        preparation.check()
        async with (
            opened(settings, connect) as client,
            reading(client, "Interrupted. A plan only reads, so nothing was changed."),
        ):
            state.warnings += await warnings_of_dropped_monitors(
                client, await preparation.plan(client, state.warnings.append), always=settings.report is not None
            )
    except Stop as reason:
        if reason.exit_code not in _TELLING:
            raise
        stop = reason
    prepared = preparation.prepared
    results = planned_results(state, prepared.plan if prepared else None, stop)
    document = document_of_plan(settings, state, prepared, results.values(), stop)
    if csv is not None:
        write_whole(csv, render_results(checked.sheet, results))
    if out is not None and stop is None:
        write_whole(out, pieces_of_plan(document))
    if settings.report is not None:
        moment = datetime.now(UTC)
        known = Planned(state=state, document=document, prepared=prepared, results=results, stop=stop, moment=moment)
        write_approval(settings.report, known)
    if as_json:
        sys.stdout.writelines(piece.decode() for piece in pieces_of_plan(document))
    else:
        files: dict[str, list[str | Path]] = {"plan": ["--csv", csv] if csv else []}
        commands = Commands(sheet=sheet, settings=settings, files=files, given_once=given_once(sheet))
        steps = steps_after_plan(document, commands, out, stop)
        workspace = prepared.workspace if prepared else None
        console = console_on(sys.stdout)
        show(console, plan_lines(console, document, with_ids=ambiguous(workspace) if workspace else frozenset(), steps=steps))
    return stop.exit_code if stop else exit_code_of((_as_carried_out(result) for result in results.values()), None)


def _as_carried_out(result: RowResult) -> RowResult:
    """What a row would be after a run all of whose calls succeed."""
    return RowResult(row=result.row, status=Status.SUCCESS) if result.status is Status.PLANNED else result
