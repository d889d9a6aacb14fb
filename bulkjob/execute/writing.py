"""What each kind of write knows: how its call is made, what is looked at afterwards, and what else is worth saying."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from bulkjob.changes import Change, Outcome
from bulkjob.execute.compose import Composed
from bulkjob.records import Workspace
from bulkjob.rocketchat import Client, Route, Written

T = TypeVar("T")


#: Takes a sentence that people should read at once.
Warn = Callable[[str], None]


class Writing(Protocol[T]):
    """How one kind of operation is written."""

    @property
    def client(self) -> Client:
        """What it is sent by."""

    @property
    def route(self) -> Route:
        """The route of its write."""

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """What is said of changes that the server ignored, where more is known of the reason."""

    async def compose(self) -> Composed[T]:
        """The call, made from what is read now. Raises `CallFailed`, `Closed`."""

    async def look(self) -> Workspace:
        """What the server holds of what the call was to change. Raises `CallFailed`."""

    def answer(self, after: Workspace) -> T:
        """The answer that would have told the same as a look."""

    async def judged(self, composed: Composed[T], written: Written[T]) -> Workspace:
        """What the server holds after the write: by its answer where that is proof, else by a look. Raises `CallFailed`."""

    def warn(self, composed: Composed[T], written: Written[T]) -> None:
        """Says what else was seen."""
