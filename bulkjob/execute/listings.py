"""Lists that several writes share: departments, and who holds the role of a monitor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Final, Generic, Self, TypeVar

from bulkjob.records import Department, Membership, Unit
from bulkjob.rocketchat import (
    CallFailed,
    Client,
    Closed,
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
from bulkjob.rocketchat.pacing import DEFAULT_WINDOW, Ticket
from bulkjob.vocabulary import Code

T = TypeVar("T")


#: So many seconds a list waits for those whose turns come at the same time: they ask one after the other.
_SETTLING: Final = 0.01


#: So much of a rate limit's window it waits for those who will ask next, of a minute two seconds.
_PATIENCE: Final = 1 / 30


#: Two lists that are begun within so many seconds are of one time: of a minute's window less than a tenth.
_AT_ONE_TIME: Final = 5.0
_READINGS: Final = 3


#: A list of more entries costs both sides work, not only a round trip: it waits where there is no limit, too.
_LONG: Final = 1_000


_UNREADABLE = Failure(next=Next.ROW, code=Code.BAD_RESPONSE, said="the list kept changing while it was read")


def _shared(reading: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """A task that several callers may await. Once all of them are cancelled, nobody does, and its failure is not reported as forgotten."""
    task = asyncio.create_task(reading)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _result_of(task: asyncio.Task[T]) -> T:
    return await asyncio.shield(task)


class _Readers:
    """Writes that have read a list and will be looked at by another one, which is better read once for all of them."""

    def __init__(self, client: Client, *, long: bool) -> None:
        self._client = client
        self._long = long
        self._busy = 0
        self._changed = asyncio.Event()

    def busy(self, more: int) -> None:
        """So many more of them do something else than waiting for a list; fewer, if it is below 0."""
        self._busy += more
        self._changed.set()

    async def gathered(self) -> None:
        """Waits until all of them ask, but not for long; not where neither the server's limit nor the lists' length is a concern."""
        limit = self._client.limit
        if limit is None and not self._long:
            return
        window = limit.window if limit else DEFAULT_WINDOW
        await asyncio.sleep(_SETTLING)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE * window):
                while self._busy:
                    self._changed.clear()
                    await self._changed.wait()


class _List(Generic[T]):
    """One list, read afresh. Who asks before a reading has its turn shares it: it is read later than they asked."""

    def __init__(self, client: Client, route: Route, readers: _Readers, read: Callable[[Ticket, bool], Awaitable[dict[str, T]]]) -> None:
        self._client = client
        self._route = route
        self._readers = readers
        self._read = read
        self._coming: asyncio.Task[asyncio.Task[dict[str, T]]] | None = None
        """The reading that has no turn yet."""

    async def begun(self, *, finishing: bool) -> asyncio.Task[dict[str, T]]:
        """A reading whose turn has just come."""
        while True:
            if self._coming is None:
                self._coming = _shared(self._begin(finishing=finishing))
            try:
                return await asyncio.shield(self._coming)
            except Closed:
                # The reading was somebody's who had not written anything.
                if not finishing:
                    raise

    async def fresh(self, *, finishing: bool) -> Mapping[str, T]:
        while True:
            reading = await self.begun(finishing=finishing)
            try:
                return await asyncio.shield(reading)
            except Closed:
                if not finishing:
                    raise

    async def _begin(self, *, finishing: bool) -> asyncio.Task[dict[str, T]]:
        try:
            await self._readers.gathered()
            ticket = await self._client.reserve(self._route, finishing=finishing)
        finally:
            self._coming = None
        return _shared(self._pages(ticket, finishing=finishing))

    async def _pages(self, ticket: Ticket, *, finishing: bool) -> dict[str, T]:
        try:
            return await self._read(ticket, finishing)
        except NeverComplete:
            raise CallFailed(_UNREADABLE) from None


class SharedLists:
    """The lists of all departments and of all units, for all writes of a job."""

    def __init__(self, client: Client, *, departments: int) -> None:
        """``departments``: how many there are."""
        self.readers = _Readers(client, long=departments > _LONG)
        self.departments = _List(
            client,
            endpoints.LIST_DEPARTMENTS,
            self.readers,
            lambda ticket, finishing: read_departments(client, ticket=ticket, finishing=finishing),
        )
        self.units = _List(
            client,
            endpoints.LIST_UNITS,
            self.readers,
            lambda ticket, finishing: read_units(client, ticket=ticket, finishing=finishing),
        )


class Listings:
    """Fresh lists for one write. As a context: for one that is looked at by a list, too, so that others wait a little for it."""

    def __init__(self, shared: SharedLists) -> None:
        self._shared = shared
        self._looks = False
        self._asking = 0
        self._busy = False

    def __enter__(self) -> Self:
        self._looks = True
        return self

    def __exit__(self, *_: object) -> None:
        self._looks = False
        self._tell()

    async def begun(self) -> Coroutine[object, object, Mapping[str, Department]]:
        """All departments by id, to be awaited, once their reading has begun: what else is read for a write is as fresh then.

        Raises `CallFailed`, `Closed`.
        """
        with self._asks():
            return _result_of(await self._shared.departments.begun(finishing=False))

    async def fresh(self, *, finishing: bool = False) -> Mapping[str, Department]:
        """All departments by id, as they were at some moment after the call. Raises `CallFailed`, `Closed`."""
        with self._asks():
            return await self._shared.departments.fresh(finishing=finishing)

    async def units(self, *, finishing: bool = False) -> Mapping[str, Unit]:
        """All units by id, in the same way."""
        with self._asks():
            return await self._shared.units.fresh(finishing=finishing)

    async def both(self) -> tuple[Mapping[str, Unit], Mapping[str, Department]]:
        """All units and all departments by id, both as they were at one time after the call. Raises `CallFailed`, `Closed`.

        Where one of the lists has had to wait for its turn, the other one is read once more.
        """
        now = asyncio.get_running_loop().time
        with self._asks():
            for _ in range(_READINGS):
                units, begun = await self._shared.units.begun(finishing=False), now()
                departments = await self._shared.departments.begun(finishing=False)
                if now() - begun <= _AT_ONE_TIME:
                    break
            return await asyncio.shield(units), await asyncio.shield(departments)

    @asynccontextmanager
    async def waiting(self, turns: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """What the context ``turns`` gives, which may take a window to come: no list waits for this write meanwhile."""
        async with AsyncExitStack() as stack:
            with self._asks():
                given = await stack.enter_async_context(turns)
            yield given

    @contextmanager
    def _asks(self) -> Iterator[None]:
        self._asking += 1
        self._tell()
        try:
            yield
        finally:
            self._asking -= 1
            self._tell()

    def _tell(self) -> None:
        busy = self._looks and not self._asking
        if busy is not self._busy:
            self._busy = busy
            self._shared.readers.busy(1 if busy else -1)


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
