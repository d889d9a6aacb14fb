"""Calls side by side, of which the first failure ends the others."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class CallGroup:
    """Coroutines side by side: ends when all have ended, and the first failure is raised by itself and ends the others.

    A `TaskGroup` wraps what went wrong, and before Python 3.13 a failure leaves its task marked as cancelled, so that nobody can tell it
    from one that is cancelled from outside at the same moment.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, coroutine: Coroutine[object, object, T]) -> "asyncio.Task[T]":
        """Starts one; its result is there when all have ended."""
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None and self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
                for task in self._tasks:
                    if task.done():
                        task.result()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
