"""Lists that several writes share: departments, and who holds the role of a monitor."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Generic, TypeVar

from bulkjob.records import Department, Membership, Unit
from bulkjob.rocketchat import (
    CallFailed,
    Client,
    Failure,
    NeverComplete,
    Next,
    Route,
    endpoints,
    read_departments,
    read_members,
    read_pages,
    read_units,
)
from bulkjob.rocketchat.pacing import Ticket
from bulkjob.vocabulary import Code

T = TypeVar("T")


_UNREADABLE = Failure(next=Next.ROW, code=Code.BAD_RESPONSE, said="the list kept changing while it was read")


def _shared(reading: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """A task that several callers may await. Once all of them are cancelled, nobody does, and its failure is not reported as forgotten."""
    task = asyncio.create_task(reading)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class _Shared(Generic[T]):
    """One list, read afresh. Who asks while a reading is waiting for its turn shares it: it is read later than they asked."""

    def __init__(self, client: Client, route: Route, read: Callable[[Ticket, bool], Awaitable[dict[str, T]]]) -> None:
        self._client = client
        self._route = route
        self._reader = read
        self._waiting: dict[bool, asyncio.Task[dict[str, T]]] = {}

    async def fresh(self, *, finishing: bool) -> Mapping[str, T]:
        if finishing not in self._waiting:
            self._waiting[finishing] = _shared(self._read(finishing=finishing))
        return await asyncio.shield(self._waiting[finishing])

    async def _read(self, *, finishing: bool) -> dict[str, T]:
        try:
            ticket = await self._client.reserve(self._route, finishing=finishing)
        finally:
            del self._waiting[finishing]
        try:
            return await self._reader(ticket, finishing)
        except NeverComplete:
            raise CallFailed(_UNREADABLE) from None


class Listings:
    """Fresh lists of all departments and of all units, which writes share."""

    def __init__(self, client: Client) -> None:
        self._departments = _Shared(
            client,
            endpoints.LIST_DEPARTMENTS,
            lambda ticket, finishing: read_departments(client, ticket=ticket, finishing=finishing),
        )
        self._units = _Shared(
            client, endpoints.LIST_UNITS, lambda ticket, finishing: read_units(client, ticket=ticket, finishing=finishing)
        )

    async def fresh(self, *, finishing: bool = False) -> Mapping[str, Department]:
        """All departments by id, as they were at some moment after the call. Raises `CallFailed`, `Closed`."""
        return await self._departments.fresh(finishing=finishing)

    async def units(self, *, finishing: bool = False) -> Mapping[str, Unit]:
        """All units by id, in the same way."""
        return await self._units.fresh(finishing=finishing)


class Monitors:
    """Who holds the role of a monitor; asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading: asyncio.Task[frozenset[str] | None] | None = None

    async def holders(self) -> frozenset[str] | None:
        """Their ids; None where that list is not available. Raises `CallFailed` where no call will succeed, `Closed`."""
        if self._reading is None:
            self._reading = _shared(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> frozenset[str] | None:
        try:
            return frozenset(await read_pages(self._client, endpoints.monitors, lambda monitor: monitor.id))
        except NeverComplete:
            return None
        except CallFailed as failed:
            # Only a warning hangs on this list: a refusal of it is no reason to end the job.
            if failed.failure.next is Next.JOB and failed.failure.status != 403:
                raise
            return None


async def members_of(
    client: Client, department_id: str, *, ticket: Ticket | None = None, finishing: bool = False
) -> Mapping[str, Membership]:
    """A department's agents by id, for one write. Raises `CallFailed`, `Closed`."""
    try:
        return await read_members(client, department_id, ticket=ticket, finishing=finishing)
    except NeverComplete:
        raise CallFailed(_UNREADABLE) from None
