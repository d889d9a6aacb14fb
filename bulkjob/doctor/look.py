"""``bulkjob doctor``: looks at sheet, run directory and server before the night, and shows what is missing. Nothing is changed anywhere."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts, SheetFacts
from bulkjob.doctor.outlook import Outlook, outlook_of
from bulkjob.plan import Directory, SheetNames, departments_to_read, units_to_read
from bulkjob.records import MANAGE_MONITORS, MANAGE_UNITS, CheckedSheet, Server, Workspace
from bulkjob.rocketchat import (
    CallFailed,
    Client,
    Connect,
    Failure,
    Page,
    Request,
    ServerStop,
    connect,
    endpoints,
    inspect_account,
    never,
    opened,
    read_version,
    read_workspace,
    reading,
    stop_for,
    units_presence,
    with_members,
    with_monitors,
)
from bulkjob.rundir import RUNS
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, sheet_at
from bulkjob.system import try_folder
from bulkjob.vocabulary import Exit, Stop

#: Departments, and units, whose own lists are read at most: more than a window of the usual rate limit would make people wait.
_LISTS_READ: Final = 10


async def gather_facts(
    settings: Settings,
    sheet: Path | SheetAddress | None,
    *,
    wrong_settings: Sequence[str] = (),
    connect: Connect = connect,
    now: Callable[[], float] = time.time,
) -> Facts:
    """Everything there is to see; ``now`` is this machine's clock in seconds since the epoch. Raises `Stop` (75) when it is interrupted."""
    facts = Facts(
        url=settings.url,
        directory=_try_directory(settings.run_dir),
        wrong_settings=tuple(wrong_settings),
        unit_route=settings.choices.unit_route,
        sheet=None if sheet is None else _read(settings, sheet),
    )
    if not (settings.url and settings.user_id and settings.auth_token):
        return facts
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(opened(settings, connect))
        except Stop as stop:
            # A --ca-file that holds no certificates; or it is said once more that a proxy cannot be used.
            return replace(facts, wrong_settings=tuple(dict.fromkeys((*facts.wrong_settings, stop.message))))
        await stack.enter_async_context(reading(client, "Interrupted. Doctor only looks, so nothing was changed."))
        return await _asked(settings, facts, client, now)


# -------------------------------------------------------------------------------------------------------- sheet, directory


def _read(settings: Settings, source: Path | SheetAddress) -> SheetFacts:
    choices = settings.choices
    facts = SheetFacts(skip_invalid=choices.skip_invalid, mirror=choices.agents == "mirror", creates_units=choices.create_units)
    try:
        return replace(facts, checked=check(sheet_at(source, settings)))
    except Stop as stop:
        return replace(facts, stop=stop)


def _try_directory(run_dir: Path | None) -> DirectoryFacts:
    """Writes a file where the run directory is, or else where it would be made, and removes it again."""
    path = run_dir or RUNS
    # (`Path.exists` raises where it may not look.)
    tried = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    facts = DirectoryFacts(path=str(path), tried=str(tried))
    try:
        try_folder(tried)
    except OSError as error:
        return replace(facts, problem=error.strerror or type(error).__name__)
    return facts


# ------------------------------------------------------------------------------------------------------------------ server


async def _asked(settings: Settings, facts: Facts, client: Client, now: Callable[[], float]) -> Facts:
    try:
        version_text = await read_version(client)
    except ServerStop as stop:
        return replace(facts, answers=ServerFacts(info=stop.failure, stop=stop))
    try:
        server = await inspect_account(client, version_text)
    except Stop as stop:
        return replace(facts, answers=ServerFacts(info=version_text, stop=stop))
    sheet = facts.sheet
    lists = await _try_lists(client, server, names_monitors=bool(sheet and sheet.checked and sheet.checked.names_monitors))
    if sheet is not None and sheet.checked is not None and _names_can_be_read(sheet.checked, lists):
        try:
            sheet = replace(sheet, outlook=await _outlook(settings, sheet.checked, client, server))
        except Stop as stop:
            sheet = replace(sheet, unread=stop)
    ahead = _clock_ahead(client, now())
    answers = ServerFacts(info=version_text, server=server, lists=lists, limit=client.limit, clock_ahead=ahead)
    return replace(facts, sheet=sheet, answers=answers)


def _clock_ahead(client: Client, now: float) -> float:
    """Seconds by which the server's clock is ahead of ours at least, below 0: behind; 0 where they may agree, or it tells no time."""
    until_now = client.seconds_until(now)
    if until_now is None:
        return 0.0
    least, most = until_now
    return -most if most < 0 else min(-least, 0.0)


async def _try_lists(client: Client, server: Server, *, names_monitors: bool) -> dict[ListName, Listed]:
    """Reads one entry of each list; ends with the first that shows the server to fail, as others would only take their time to."""
    lists: dict[ListName, Listed] = {}

    async def read(name: ListName, request: Request[Page[object]]) -> str:
        """The id of the first entry; blank if there is none."""
        final = units_presence(server).ended_by if name is ListName.UNITS else never
        try:
            page = await client.call(request, final=final)
        except CallFailed as failed:
            lists[name] = _unread(name, failed.failure, server)
            return ""
        lists[name] = Listed(total=page.total)
        return str(getattr(page.items[0], "id", "")) if page.items else ""

    department_id = await read(ListName.DEPARTMENTS, endpoints.departments(0, 1))
    if department_id and not _fails(lists):
        await read(ListName.MEMBERS, endpoints.department_agents(department_id, 0, 1))
    if not _fails(lists):
        await read(ListName.AGENTS, endpoints.agents(0, 1))
    if server.has_units and not _fails(lists):
        unit_id = await read(ListName.UNITS, endpoints.units(0, 1))
        if unit_id and server.may(MANAGE_UNITS) and server.may(MANAGE_MONITORS):
            await _try_monitors(client, server, unit_id, lists)
        if names_monitors and server.may(MANAGE_MONITORS) and not _fails(lists):
            await read(ListName.ROLE_HOLDERS, endpoints.monitors(0, 1))
    return lists


async def _try_monitors(client: Client, server: Server, unit_id: str, lists: dict[ListName, Listed]) -> None:
    try:
        lists[ListName.MONITORS] = Listed(total=len(await client.call(endpoints.unit_monitors(unit_id))))
    except CallFailed as failed:
        lists[ListName.MONITORS] = _unread(ListName.MONITORS, failed.failure, server)


def _unread(name: ListName, failure: Failure, server: Server) -> Listed:
    """A list that was not given: a run goes on without units and monitors that are withheld, and what needs them is not permitted."""
    withheld = name in (ListName.MONITORS, ListName.ROLE_HOLDERS) and failure.withholds
    if withheld or (name is ListName.UNITS and units_presence(server).withholds(failure)):
        return Listed(failure=failure, exit_code=Exit.NO_PERMISSION)
    return Listed(failure=failure, exit_code=stop_for(failure).exit_code)


def _fails(lists: dict[ListName, Listed]) -> bool:
    return any(listed.failure is not None and listed.failure.status is None for listed in lists.values())


def _names_can_be_read(checked: CheckedSheet, lists: dict[ListName, Listed]) -> bool:
    names_agents = any(assignment.agent for assignment in checked.assignments)
    needed = [ListName.DEPARTMENTS, *([ListName.AGENTS] if names_agents else [])]
    return not _fails(lists) and all(name in lists and lists[name].failure is None for name in needed)


async def _outlook(settings: Settings, checked: CheckedSheet, client: Client, server: Server) -> Outlook:
    """Reads the lists that the sheet needs, but few departments' own. Raises `Stop`."""
    workspace: Workspace = await read_workspace(client, server, names_units=checked.asks_for_units, names_agents=checked.names_agents)
    # Numbers are not compared here: only lists that decide who is meant count.
    numberless = [replace(assignment, count=None, order=None) for assignment in checked.assignments]
    directory = Directory(workspace)
    names = SheetNames(directory, checked.assignments, creates_units=settings.choices.create_units)
    deciding = departments_to_read(numberless, names, directory, mirror=False)
    members_known = len(deciding) <= _LISTS_READ
    if members_known:
        workspace = await with_members(client, workspace, deciding)
    if checked.names_monitors and not server.monitors_lack():
        units = units_to_read(checked.assignments, names)
        workspace = await with_monitors(client, workspace, units if len(units) <= _LISTS_READ else ())
    return outlook_of(
        checked,
        workspace,
        server,
        choices=settings.choices,
        max_removals=settings.max_removals,
        members_known=members_known,
    )
