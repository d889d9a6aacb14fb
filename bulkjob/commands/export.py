"""``bulkjob export``: reads what the workspace holds and writes it as a sheet; changes nothing on the server."""

import asyncio
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from bulkjob.export import MOST_WORKBOOK_ROWS, Export, Extent, Origin, export_of, render_csv, render_xlsx
from bulkjob.phrases import counted
from bulkjob.records import MANAGE_MONITORS, MANAGE_UNITS, Workspace
from bulkjob.report import step_lines, steps_after_export
from bulkjob.rocketchat import Client, Connect, connect, inspect_server, opened, read_workspace, reading, with_members, with_monitors
from bulkjob.settings import Settings
from bulkjob.system import console_on, refuse_unwritable, show, tell, warn, write_whole
from bulkjob.vocabulary import Event, Exit, Stop


def export(settings: Settings, path: Path, extent: Extent, *, force: bool) -> Exit:
    """Write the workspace's assignments to ``path`` and say so on standard output.

    Raises `Stop`: 73 where ``path`` cannot be written, or is there and not to be replaced (seen before the server is asked); else as the
    server gives cause to.
    """
    return asyncio.run(exported(settings, path, extent, force=force))


async def exported(settings: Settings, path: Path, extent: Extent, *, force: bool, connect: Connect = connect) -> Exit:
    """As `export`, in a loop that is running already."""
    _refuse_unwritable(path, force=force)
    async with opened(settings, connect) as client, reading(client, "Interrupted; no file was written."):
        workspace = await _everything(client, full=extent.full)
    export = export_of(workspace, full=extent.full)
    for caution in (*_cautions(workspace, full=extent.full), *export.left_out):
        warn(Event.EXPORT_WARNING, caution)
    data = _rendered(export, path, extent, Origin(url=settings.url, moment=datetime.now(UTC)))
    # Reading may have taken an hour, in which somebody else may have put something there.
    _refuse_unwritable(path, force=force)
    write_whole(path, data)
    console = console_on(sys.stdout)
    show(console, [Text(_written(export, path)), *step_lines(console, steps_after_export(path, settings))])
    return Exit.OK


async def _everything(client: Client, *, full: bool) -> Workspace:
    """The whole workspace, with the agents of every department that is not archived; ``full``: with the monitors of every unit."""
    server = await inspect_server(client)
    if full and (lacks := server.monitors_lack()):
        raise _no_monitors(lacks)
    workspace = await read_workspace(client, server, names_units=True, names_agents=True)
    if full:
        workspace = await _with_all_monitors(client, workspace)
    present = [department.id for department in workspace.departments.values() if not department.archived]
    tell(Event.CALLS_READING, f"Reading the agents of {counted(len(present), 'department')}.", calls=client.figures.calls.total())
    return await with_members(client, workspace, present)


async def _with_all_monitors(client: Client, workspace: Workspace) -> Workspace:
    """The workspace with who holds the role of a monitor, and with every unit's monitors. Raises `Stop` (77) where they cannot be read."""
    units = (workspace.units or {}).keys()
    tell(Event.CALLS_READING, f"Reading the monitors of {counted(len(units), 'unit')}.", calls=client.figures.calls.total())
    workspace = await with_monitors(client, workspace, units)
    if workspace.role_holders is None or units - workspace.monitors.keys():
        raise _no_monitors([f"the server refused a call that needs the permission {MANAGE_MONITORS}"])
    return workspace


def _no_monitors(lacks: Iterable[str]) -> Stop:
    message = f"A full export needs to read who monitors which unit, which this account cannot: {'; '.join(lacks)}. No file was written."
    return Stop(Exit.NO_PERMISSION, message, ("Have what is missing granted, or export without --full.",))


def _refuse_unwritable(path: Path, *, force: bool) -> None:
    """Raises `Stop` (73) if nothing can be written at ``path``, or something is there that ``force`` does not give up."""
    if os.path.lexists(path) and not path.is_dir() and not force:
        raise Stop(Exit.CANNOT_CREATE, f"{path} already exists. Choose another name, or replace it with --force.")
    refuse_unwritable(path)


def _cautions(workspace: Workspace, *, full: bool) -> list[str]:
    """What whoever works with the sheet should know about how it was made."""
    if workspace.units is None and any(department.parent_id for department in workspace.departments.values()):
        return ["This account cannot list units, so the sheet has their ids instead of their names."]
    if full and not workspace.all_units:
        return [f"Without {MANAGE_UNITS} this account sees only the units that it monitors; the sheet has no rows about others."]
    return []


def _rendered(export: Export, path: Path, extent: Extent, origin: Origin) -> bytes:
    if path.suffix.lower() == ".csv":
        return render_csv(export, extent)
    if len(export.rows) > MOST_WORKBOOK_ROWS:
        message = f"{counted(len(export.rows), 'row')} are too many for a workbook (at most {MOST_WORKBOOK_ROWS:,}). Export to a .csv file."
        raise Stop(Exit.CANNOT_CREATE, message)
    return render_xlsx(export, extent, origin)


def _written(export: Export, path: Path) -> str:
    units = f" and {counted(export.units, 'unit')}" if export.units else ""
    written = f"{counted(len(export.rows), 'row')} of {counted(export.departments, 'department')}{units}"
    return f"Wrote {written} to {path}."
