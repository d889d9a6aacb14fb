"""SIGTERM and SIGINT, from the program's first moment to its last.

Before there is a job they end it at once, then the job is told of them, and once the report is written they change nothing any more.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Left(KeyboardInterrupt):
    """Not `Stop`, which a reader of foreign files might take for a flaw of the file.

    And not `KeyboardInterrupt` itself: where that passes through an ``exec`` (dataclasses use it), CPython ends a program that was started
    with ``-m`` by SIGINT, whatever exit code it asks for (3.11, Python/pythonrun.c, run_eval_code_obj).
    """


def _leave(*_: object) -> NoReturn:
    raise _Left


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """While open, SIGTERM and SIGINT raise `KeyboardInterrupt`: there is nothing yet that would have to be finished or reported on.

    Without a handler SIGTERM would kill the program without a word, or, where it is a container's first process, do nothing at all.
    """
    before = {number: signal.signal(number, _leave) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told_to(interrupted: Callable[[], None]) -> Iterator[None]:
    """While open, SIGTERM and SIGINT call ``interrupted`` in the running event loop.

    Those that come afterwards find a job that has ended: where they would have left at once before, they do nothing now, so that the
    exit code is the report's.
    """
    from asyncio import get_running_loop  # noqa: PLC0415 - the command line imports this module, and --help shall not pay for asyncio

    loop = get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        loop.add_signal_handler(number, interrupted)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN if handler is _leave else handler)


def ignore_signals() -> None:
    """From here on SIGTERM and SIGINT do nothing: the program is over but for the interpreter's own end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
