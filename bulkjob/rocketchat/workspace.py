"""Reads the workspace's lists to their end: departments, units, agents, and single departments' agents."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from bulkjob.records import (
    MANAGE_UNITS,
    TRANSFER_GUESTS,
    VIEW_DEPARTMENTS,
    Agent,
    Department,
    Membership,
    Monitor,
    Server,
    Unit,
    Workspace,
    doubled,
)
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.attempts import never
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.call_group import CallGroup
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.endpoints import PAGE_SIZE
from bulkjob.rocketchat.failures import CallFailed, Failure, stop_for
from bulkjob.rocketchat.pacing import Ticket
from bulkjob.rocketchat.payloads import Page
from bulkjob.rocketchat.presence import units_presence
from bulkjob.vocabulary import Exit, Stop

T = TypeVar("T")


#: Times that a list is read anew when it does not hold what its ``total`` says: somebody is changing it.
_READINGS = 3


#: Pages in a row that may bring nothing new, or a greater ``total`` than the page before: such a list has no end.
_PAGES_IN_VAIN = 100


#: Entries of a list at most.
_LONGEST: Final = 1_000_000


class NeverComplete(Exception):
    """A list never held as many entries as the server said it has; the message says so as the end of a sentence that begins with it."""

    def __init__(self, found: str = "keeps changing while it is read") -> None:
        super().__init__(found)


async def read_pages(
    client: Client,
    page: Callable[[int, int], Request[Page[T]]],
    key: Callable[[T], str],
    *,
    whole: bool = True,
    repeated: Callable[[T, T], T] | None = None,
    ticket: Ticket | None = None,
    finishing: bool = False,
    final: Callable[[Failure], bool] = never,
) -> dict[str, T]:
    """All entries of a list by key, in the server's order.

    ``whole``: try ``count=0`` first, which is one call where the server hands out whole lists, and its first page elsewhere. ``repeated``:
    makes one entry of two with the same key; without it the number of keys must be the list's ``total``. ``ticket`` is for the first
    call. ``final``: failures that would be the same another time. Raises `CallFailed`, `NeverComplete`.
    """
    for _ in range(_READINGS):
        found: dict[str, T] = {}
        totals: set[int] = set()
        offset = in_vain = 0
        while True:
            request = page(offset, 0 if whole and offset == 0 else PAGE_SIZE)
            part = await client.call(request, ticket=ticket, finishing=finishing, final=final)
            ticket = None
            before, grown = len(found), bool(totals) and part.total > max(totals)
            for item in part.items:
                first = found.get(key(item))
                found[key(item)] = item if first is None or repeated is None else repeated(first, item)
            offset += len(part.items)
            totals.add(part.total)
            in_vain = in_vain + 1 if grown or len(found) == before else 0
            if offset >= part.total or not part.items:
                break
            _refuse_endless(max(part.total, len(found)), in_vain)
        # An entry that went while the pages were read has moved another from a later page into one that was read before.
        if totals == {offset if repeated else len(found)}:
            return found
    raise NeverComplete


def _refuse_endless(entries: int, in_vain: int) -> None:
    if entries > _LONGEST:
        raise NeverComplete(f"has no end: it would be of more than {_LONGEST:,} entries")
    if in_vain == _PAGES_IN_VAIN:
        raise NeverComplete(f"has no end: {_PAGES_IN_VAIN} pages in a row only made it longer")


async def read_departments(client: Client, *, ticket: Ticket | None = None, finishing: bool = False) -> dict[str, Department]:
    """All departments by id, archived ones included. Raises `CallFailed`, `NeverComplete`."""
    return await read_pages(client, endpoints.departments, lambda department: department.id, ticket=ticket, finishing=finishing)


async def read_units(client: Client, *, ticket: Ticket | None = None, finishing: bool = False) -> dict[str, Unit]:
    """All units by id. Raises `CallFailed`, `NeverComplete`."""
    return await read_pages(client, endpoints.units, lambda unit: unit.id, ticket=ticket, finishing=finishing)


async def read_members(
    client: Client, department_id: str, *, ticket: Ticket | None = None, finishing: bool = False
) -> dict[str, Membership]:
    """A department's agents by id; empty for a department that is not there. Raises `CallFailed`, `NeverComplete`.

    Nothing keeps the server from storing an agent twice in a department (the collection has no unique index).
    """

    def page(offset: int, count: int) -> Request[Page[Membership]]:
        return endpoints.department_agents(department_id, offset, count)

    return await read_pages(client, page, lambda member: member.agent_id, repeated=doubled, ticket=ticket, finishing=finishing)


async def read_workspace(client: Client, server: Server, *, names_units: bool, names_agents: bool) -> Workspace:
    """The lists that a sheet needs, read side by side.

    Raises `Stop`: 77 where the account may not read one of them, 69 where one cannot be read to its end. Units that cannot be listed
    are left out; whether the sheet can do without them is decided once its names are known.
    """

    async def agents() -> dict[str, Agent]:
        return await read_pages(client, endpoints.agents, lambda agent: agent.id, whole=False) if names_agents else {}

    async def units() -> dict[str, Unit] | None:
        return await _units(client, server) if names_units and server.has_units else None

    async with CallGroup() as group:
        departments = group.start(_needed(read_departments(client), "departments", VIEW_DEPARTMENTS))
        found_agents = group.start(_needed(agents(), "live-chat agents", TRANSFER_GUESTS))
        found_units = group.start(units())
    return Workspace(
        departments=departments.result(), units=found_units.result(), all_units=server.may(MANAGE_UNITS), agents=found_agents.result()
    )


async def with_units_outside(client: Client, workspace: Workspace, unit_ids: Iterable[str]) -> Workspace:
    """The workspace with those of the listed units that this account, which is restricted to its own units, cannot read by id.

    Raises `Stop` (69, 77).
    """

    async def reads(unit_id: str) -> bool:
        return await _needed(client.call(endpoints.unit(unit_id)), "a unit", MANAGE_UNITS) is not None

    wanted = sorted(set(unit_ids) & (workspace.units or {}).keys())
    async with CallGroup() as group:
        tasks = {unit_id: group.start(reads(unit_id)) for unit_id in wanted}
    return replace(workspace, outside=frozenset(unit_id for unit_id, task in tasks.items() if not task.result()))


async def monitors_without_role(client: Client, unit_ids: Iterable[str]) -> dict[str, tuple[Monitor, ...]]:
    """Unit id → its monitors who no longer hold the role of one, of those units that have any. Raises `CallFailed`, `NeverComplete`."""
    async with CallGroup() as group:
        holders = group.start(read_pages(client, endpoints.monitors, lambda monitor: monitor.id))
        tasks = {unit_id: group.start(client.call(endpoints.unit_monitors(unit_id))) for unit_id in unit_ids}
    known = holders.result()
    found = {unit_id: tuple(one for one in task.result() if one.id not in known) for unit_id, task in tasks.items()}
    return {unit_id: monitors for unit_id, monitors in found.items() if monitors}


async def with_monitors(client: Client, workspace: Workspace, unit_ids: Iterable[str]) -> Workspace:
    """The workspace with who holds the role of a monitor, and with the monitors of these units.

    Without them where the account may not see them. Raises `Stop` (69, 77).
    """

    async def holders() -> dict[str, Monitor]:
        return await read_pages(client, endpoints.monitors, lambda monitor: monitor.id)

    async def monitors(unit_id: str) -> dict[str, Monitor]:
        return {monitor.id: monitor for monitor in await client.call(endpoints.unit_monitors(unit_id))}

    async def seen(reading: Awaitable[dict[str, Monitor]]) -> dict[str, Monitor] | None:
        try:
            return await reading
        except NeverComplete as incomplete:
            raise _stop_for_incomplete("monitors", incomplete) from None
        except CallFailed as failed:
            failure = failed.failure
            if failure.withholds:
                return None
            raise stop_for(failure) from None

    async with CallGroup() as group:
        role = group.start(seen(holders()))
        tasks = {unit_id: group.start(seen(monitors(unit_id))) for unit_id in sorted(set(unit_ids))}
    found = {unit_id: listed for unit_id, task in tasks.items() if (listed := task.result()) is not None}
    return replace(workspace, role_holders=role.result(), monitors={**workspace.monitors, **found})


async def with_members(client: Client, workspace: Workspace, department_ids: Iterable[str]) -> Workspace:
    """The workspace with the agents of these departments read as well. Raises `Stop` (69, 77)."""

    async def members(department_id: str) -> dict[str, Membership]:
        return await _needed(read_members(client, department_id), "a department's agents", VIEW_DEPARTMENTS)

    wanted = sorted(set(department_ids) - workspace.members.keys())
    async with CallGroup() as group:
        tasks = {department_id: group.start(members(department_id)) for department_id in wanted}
    return replace(workspace, members={**workspace.members, **{department_id: task.result() for department_id, task in tasks.items()}})


async def _needed(reading: Awaitable[T], what: str, permission: str) -> T:
    """A list that the job cannot do without."""
    try:
        return await reading
    except NeverComplete as incomplete:
        raise _stop_for_incomplete(what, incomplete) from None
    except CallFailed as failed:
        if failed.failure.forbids:
            message = f"This account may not list {what} ({failed.failure.said}). Grant one of its roles the permission {permission}."
            raise Stop(Exit.NO_PERMISSION, message) from None
        raise stop_for(failed.failure) from None


def _stop_for_incomplete(what: str, incomplete: NeverComplete) -> Stop:
    message = f"The list of {what} {incomplete}. Nothing was sent; run again when nobody is editing the workspace."
    return Stop(Exit.UNAVAILABLE, message)


async def _units(client: Client, server: Server) -> dict[str, Unit] | None:
    """The units by id; None where this account may not list them, or the server has no list of them."""
    presence = units_presence(server)
    try:
        return await read_pages(client, endpoints.units, lambda unit: unit.id, final=presence.ended_by)
    except NeverComplete as incomplete:
        raise _stop_for_incomplete("units", incomplete) from None
    except CallFailed as failed:
        failure = failed.failure
        if presence.withholds(failure):
            return None
        raise stop_for(failure) from None
