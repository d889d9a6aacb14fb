"""``bulkjob export``: reads what the workspace holds and writes it as a sheet; changes nothing on the server."""

import asyncio
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.export import MOST_WORKBOOK_ROWS, Export, Origin, export_of, render_csv, render_xlsx
from bulkjob.phrases import counted
from bulkjob.records import Workspace
from bulkjob.report import step_lines, steps_after_export
from bulkjob.rocketchat import Client, Connect, connect, inspect_server, opened, read_workspace, reading, with_members
from bulkjob.settings import Settings
from bulkjob.system import refuse_unwritable, terminal_size, write_whole
from bulkjob.vocabulary import Exit, Stop

log = logging.getLogger("bulkjob")


def export(settings: Settings, path: Path, *, with_counts: bool, force: bool) -> Exit:
    """Write the workspace's assignments to ``path`` and say so on standard output.

    Raises `Stop`: 73 where ``path`` cannot be written, or is there and not to be replaced (seen before the server is asked); else as the
    server gives cause to.
    """
    return asyncio.run(exported(settings, path, with_counts=with_counts, force=force))


async def exported(settings: Settings, path: Path, *, with_counts: bool, force: bool, connect: Connect = connect) -> Exit:
    """As `export`, in a loop that is running already."""
    _refuse_unwritable(path, force=force)
    async with opened(settings, connect) as client, reading(client, "Interrupted; no file was written."):
        workspace = await _everything(client)
    export = export_of(workspace)
    for sentence in (*_cautions(workspace), *export.left_out):
        log.warning("%s", sentence)
    data = _rendered(export, path, Origin(url=settings.url, moment=datetime.now(UTC)), with_counts=with_counts)
    # Reading may have taken an hour, in which somebody else may have put something there.
    _refuse_unwritable(path, force=force)
    write_whole(path, data)
    print("\n".join([_written(export, path), *step_lines(steps_after_export(path, settings), terminal_size().columns)]), flush=True)
    return Exit.OK


async def _everything(client: Client) -> Workspace:
    """The whole workspace, with the agents of every department that is not archived."""
    server = await inspect_server(client)
    workspace = await read_workspace(client, server, names_units=True, names_agents=True)
    present = [department.id for department in workspace.departments.values() if not department.archived]
    log.info("Reading the agents of %s.", counted(len(present), "department"))
    return await with_members(client, workspace, present)


def _refuse_unwritable(path: Path, *, force: bool) -> None:
    """Raises `Stop` (73) if nothing can be written at ``path``, or something is there that ``force`` does not give up."""
    if os.path.lexists(path) and not path.is_dir() and not force:
        raise Stop(Exit.CANNOT_CREATE, f"{path} already exists. Choose another name, or replace it with --force.")
    refuse_unwritable(path)


def _cautions(workspace: Workspace) -> list[str]:
    """What whoever works with the sheet should know about how it was made."""
    if workspace.units is None and any(department.parent_id for department in workspace.departments.values()):
        return ["This account cannot list units, so the sheet has their ids instead of their names."]
    return []


def _rendered(export: Export, path: Path, origin: Origin, *, with_counts: bool) -> bytes:
    if path.suffix.lower() == ".csv":
        return render_csv(export, with_counts=with_counts)
    if len(export.rows) > MOST_WORKBOOK_ROWS:
        message = f"{counted(len(export.rows), 'row')} are too many for a workbook (at most {MOST_WORKBOOK_ROWS:,}). Export to a .csv file."
        raise Stop(Exit.CANNOT_CREATE, message)
    return render_xlsx(export, origin, with_counts=with_counts)


def _written(export: Export, path: Path) -> str:
    written = f"{counted(len(export.rows), 'row')} of {counted(export.departments, 'department')}"
    return f"Wrote {written} to {path}."
