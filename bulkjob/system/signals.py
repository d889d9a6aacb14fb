"""SIGTERM, SIGINT and SIGHUP, from the program's first moment to its last: the one place that decides what they do.

They end a command at once, wherever it is, with the exit code of an interruption; files are written whole or not at all, so that nothing
is left half done. While calls are under way they are handed to whoever made them, so that what is in flight is finished or given up in
order. When a job is about to report, they change nothing any more.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Left(KeyboardInterrupt):
    """Not `Stop`, which a reader of foreign files might take for a flaw of the file.

    And not `KeyboardInterrupt` itself: where that passes through an ``exec`` (dataclasses use it), CPython ends a program that was started
    with ``-m`` by SIGINT, whatever exit code it asks for (3.11, Python/pythonrun.c, run_eval_code_obj).
    """


def _leave(*_: object) -> NoReturn:
    raise _Left


@contextmanager
def leaving_at_once(*, finally_ignored: bool = False) -> Iterator[None]:
    """While open, the signals raise `KeyboardInterrupt`: there is nothing that would have to be finished or reported on.

    Without a handler SIGTERM would kill the program without a word, or, where it is a container's first process, do nothing at all.
    ``finally_ignored``: afterwards the program is over but for its last words and the interpreter's own end, and signals do nothing.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        if not _meant_to_be_ignored(number):
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if finally_ignored else handler)


@contextmanager
def on_signals(interrupted: Callable[[], None], *, finally_ignored: bool = False) -> Iterator[None]:
    """While open, the signals call ``interrupted`` in the running event loop; afterwards they do what they did before.

    ``finally_ignored``: afterwards, where they would have left at once before, they do nothing: they find a job that has ended, and the
    exit code is the report's.
    """
    from asyncio import get_running_loop  # noqa: PLC0415 - the command line imports this module, and --help shall not pay for asyncio

    loop = get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS if not _meant_to_be_ignored(number)}
    for number in before:
        loop.add_signal_handler(number, interrupted)
    try:
        yield
    finally:
        # The loop gives a signal back to the system, which would end the program at once, before ours is put in its place again.
        signal.pthread_sigmask(signal.SIG_BLOCK, before)
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN if finally_ignored and handler is _leave else handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, before)


def _meant_to_be_ignored(number: signal.Signals) -> bool:
    """Whether the program was started to outlive its terminal, as ``nohup`` does."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
