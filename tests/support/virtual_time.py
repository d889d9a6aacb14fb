"""An asyncio event loop on virtual time: whoever sleeps wakes at once, and the clock says that the time has gone by.

For `asyncio.Runner(loop_factory=VirtualTimeLoop)`.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer whenever nothing else is to be done; its `time()` begins at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Does at once what a thread would do meanwhile: a thread takes no virtual time, and the loop must not jump past it."""
        done: asyncio.Future[_T] = self.create_future()
        try:
            done.set_result(func(*args))
        except OSError as error:
            done.set_exception(error)
        return done


class _Jump(selectors.DefaultSelector):
    """Waits for no file: instead of waiting, it moves the clock."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # Nothing is scheduled, and nothing but a signal can ever happen: in a test that is a deadlock, which shall not hang.
            raise RuntimeError("every task waits, and none for a time")
        self._loop.now += max(timeout, 0.0)
        return ready
