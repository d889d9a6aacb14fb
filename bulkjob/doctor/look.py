"""``bulkjob doctor``: looks at sheet, run directory and server before the night, and shows what is missing. Nothing is changed anywhere."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts, SheetFacts
from bulkjob.doctor.listening import Observed
from bulkjob.doctor.outlook import Outlook, outlook_of
from bulkjob.plan import departments_to_read
from bulkjob.records import MANAGE_MONITORS, MANAGE_UNITS, CheckedSheet, Server, Workspace
from bulkjob.rocketchat import (
    CallFailed,
    Client,
    Connect,
    Failure,
    Page,
    Request,
    connect,
    endpoints,
    inspect_server,
    is_no_endpoint,
    opened,
    read_workspace,
    stop_for,
    with_members,
)
from bulkjob.rundir import RUNS
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, sheet_at
from bulkjob.system import try_folder
from bulkjob.vocabulary import Exit, Stop

log = logging.getLogger("bulkjob")


#: Departments whose own lists are read at most: more than a window of the usual rate limit would make people wait.
_LISTS_READ: Final = 10


#: Seconds between two lines about a wait.
_TICK: Final = 5.0


async def gather_facts(
    settings: Settings,
    sheet: Path | SheetAddress | None,
    *,
    wrong_settings: Sequence[str] = (),
    connect: Connect = connect,
    now: Callable[[], float] = time.time,
) -> Facts:
    """Everything there is to see; ``now`` is this machine's clock in seconds since the epoch."""
    facts = Facts(
        url=settings.url,
        directory=_try_directory(settings.run_dir),
        wrong_settings=tuple(wrong_settings),
        unit_route=settings.choices.unit_route,
        sheet=None if sheet is None else _read(settings, sheet),
    )
    if not (settings.url and settings.user_id and settings.auth_token):
        return facts
    observed = Observed(now)
    try:
        async with opened(settings, lambda given: observed.listening(connect(given))) as client:
            with _waiting_said(client):
                return await _asked(settings, facts, client, observed)
    except Stop as stop:
        # Only the connection itself can say so: a --ca-file that holds no certificates; or it says once more that a proxy cannot be used.
        return replace(facts, wrong_settings=tuple(dict.fromkeys((*facts.wrong_settings, stop.message))))


# -------------------------------------------------------------------------------------------------------- sheet, directory


def _read(settings: Settings, source: Path | SheetAddress) -> SheetFacts:
    facts = SheetFacts(path=str(source), skip_invalid=settings.choices.skip_invalid, mirror=settings.choices.agents == "mirror")
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


async def _asked(settings: Settings, facts: Facts, client: Client, observed: "Observed") -> Facts:
    try:
        server = await inspect_server(client)
    except Stop as stop:
        return replace(facts, answers=ServerFacts(info=observed.info, stop=stop, account_failure=observed.account_failure))
    lists = await _try_lists(client, server)
    sheet = facts.sheet
    if sheet is not None and sheet.checked is not None and _names_can_be_read(sheet.checked, lists):
        try:
            sheet = replace(sheet, outlook=await _outlook(settings, sheet.checked, client, server))
        except Stop as stop:
            sheet = replace(sheet, unread=stop)
    answers = ServerFacts(info=observed.info, server=server, lists=lists, windows=tuple(observed.windows), clock_ahead=observed.clock_ahead)
    return replace(facts, sheet=sheet, answers=answers)


async def _try_lists(client: Client, server: Server) -> dict[ListName, Listed]:
    """Reads one entry of each list; ends with the first that shows the server to fail, as others would only take their time to."""
    lists: dict[ListName, Listed] = {}

    async def read(name: ListName, request: Request[Page[object]]) -> str:
        """The id of the first entry; blank if there is none."""
        # Where the licence is not known, units may be no endpoint at all, and repeating changes nothing.
        perhaps_none = name is ListName.UNITS and server.modules is None
        try:
            page = await (client.call(request, final=is_no_endpoint) if perhaps_none else client.call(request))
        except CallFailed as failed:
            lists[name] = Listed(failure=failed.failure, exit_code=_exit_code(failed.failure))
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
            await _try_monitors(client, unit_id, lists)
    return lists


async def _try_monitors(client: Client, unit_id: str, lists: dict[ListName, Listed]) -> None:
    try:
        lists[ListName.MONITORS] = Listed(total=len(await client.call(endpoints.unit_monitors(unit_id))))
    except CallFailed as failed:
        lists[ListName.MONITORS] = Listed(failure=failed.failure, exit_code=_exit_code(failed.failure))


def _exit_code(failure: Failure) -> Exit:
    return stop_for(failure).exit_code


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
    deciding = departments_to_read(numberless, workspace, mirror=False)
    members_known = len(deciding) <= _LISTS_READ
    if members_known:
        workspace = await with_members(client, workspace, deciding)
    return outlook_of(
        checked,
        workspace,
        server,
        choices=settings.choices,
        max_removals=settings.max_removals,
        members_known=members_known,
    )


@contextmanager
def _waiting_said(client: Client) -> Iterator[None]:
    """Logs every few seconds what keeps the calls back, as long as the context lasts."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            if client.waiting_for:
                log.info("waiting for %s", client.waiting_for)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
