"""What each kind of write knows: how its call is made, looked up after an unknown outcome, and judged."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from bulkjob.execute.compose import Composed
from bulkjob.records import Outcome, Wish
from bulkjob.rocketchat import Client, Route, Written

T = TypeVar("T")


#: Takes a sentence that people should read at once.
Warn = Callable[[str], None]


class Writing(Protocol[T]):
    """How one kind of operation is written."""

    @property
    def client(self) -> Client: ...

    @property
    def route(self) -> Route: ...

    async def compose(self) -> Composed[T]:
        """The call, made from what is read now. Raises `CallFailed`, `Closed`."""

    async def look(self, composed: Composed[T]) -> tuple[T, bool]:
        """What a write of unknown outcome would be answered now, and whether it is seen to have been carried out. Raises `CallFailed`."""

    async def judge(self, composed: Composed[T], written: Written[T]) -> Mapping[Wish, Outcome]:
        """What became of the wishes that the call carried. Raises `CallFailed`."""

    def warn(self, composed: Composed[T], written: Written[T]) -> None:
        """Says what else was seen."""
