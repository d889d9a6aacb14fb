"""An event loop that can be stopped, interrupted or left behind between any two of its steps."""

import asyncio
import signal
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from tests.support.virtual_time import VirtualTimeLoop

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

#: More than any attempt takes.
STEPS = 50_000


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


class Loop(VirtualTimeLoop):
    """Counts its steps, so that it can be stopped between any two; takes signals by hand."""

    _ready: deque[asyncio.Handle]
    """Of asyncio: what the next step does."""

    def __init__(self, sync: float) -> None:
        super().__init__()
        self.on_step: Callable[[], None] = lambda: None
        self.handlers: dict[int, Callable[[], object]] = {}
        self._seconds_to_sync = sync
        self._steps = 0
        self._never: list[object] = []

    def add_signal_handler(self, sig: int, callback: Callable[[*_Ts], object], *args: *_Ts) -> None:
        self.handlers[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.handlers.pop(sig, None) is not None

    def interrupt(self) -> bool:
        """Whether there was anybody to take the signal."""
        handler = self.handlers.get(signal.SIGTERM)
        if handler is not None:
            handler()
        return handler is not None

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Does what a thread would do, after the time that a disk takes."""
        done: asyncio.Future[_T] = self.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(func(*args))

        self.call_later(self._seconds_to_sync, finish)
        return done

    def _run_once(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            message = "it goes on for ever"
            raise RuntimeError(message)
        self.on_step()
        super()._run_once()  # type: ignore[misc]  # asyncio has no public step

    def run_only(self, handles: int) -> None:
        """Takes a part of the next step, by the number of callbacks that are ready."""
        while len(self._ready) > handles:
            # Kept, or a task that waits for nothing else would be gone before its time.
            self._never.append(self._ready.pop())
        if handles and self._ready:
            super()._run_once()  # type: ignore[misc]  # asyncio has no public step

    @property
    def ready(self) -> int:
        """The callbacks of the next step."""
        return len(self._ready)

    def waiting(self) -> str:
        """Where each task stands, for whoever has to find out why they do."""
        places = []
        for task in asyncio.all_tasks(self):
            at: Any = task.get_coro()
            while inner := getattr(at, "cr_await", None):
                if getattr(inner, "cr_frame", None) is None:
                    break
                at = inner
            places.append(f"{task.get_name()} at {at.__qualname__} {Path(at.cr_code.co_filename).name}:{at.cr_frame.f_lineno}")
        return "; ".join(places)

    def abandon(self) -> None:
        """Throws away every task as it stands; none of them gets to do anything that is seen outside."""
        self.set_exception_handler(lambda *_: None)
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - a killed process warns of nothing
            coroutine: Any = task.get_coro()
            for _ in range(20):
                try:
                    coroutine.close()
                except RuntimeError:
                    # It waits for something else on its way out, which will never come.
                    continue
                except BaseException:  # noqa: BLE001, S110 - whatever it says, nobody is there to hear it
                    pass
                break
        self._ready.clear()
        self._never.clear()
        # What is thrown away with the rest, or later, may wake others on its way out, who are gone.
        self._check_closed = lambda: None
        self.close()
