"""SIGTERM, SIGINT and SIGHUP at each stage of the program."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkjob.system.signals import SIGNALS, leaving_at_once, on_signals


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """What is set up here is for the test alone."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.parametrize("number", SIGNALS)
def test_before_there_is_a_job(number: int) -> None:
    """A signal ends whatever is going on."""
    with leaving_at_once(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


def test_the_exit_code_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    """A signal that comes while code is made (as dataclasses do, in a command's imports) does not end the process by itself in the end."""
    (tmp_path / "program.py").write_text(
        """
import os, signal, sys
from bulkjob.system.signals import leaving_at_once
try:
    with leaving_at_once():
        exec("os.kill(os.getpid(), signal.SIGTERM)")
except KeyboardInterrupt:
    sys.exit(75)
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), *sys.path]))}
    assert subprocess.run([sys.executable, "-m", "program"], env=environment, check=False).returncode == 75


@pytest.mark.parametrize("number", SIGNALS)
def test_the_job_is_told_and_afterwards_nobody(number: int) -> None:
    """While there is a job, it is told; a signal that comes when it has ended does nothing, whatever it would have done before."""
    told: list[int] = []

    async def job() -> None:
        with on_signals(lambda: told.append(number), finally_ignored=True):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), number)

    with leaving_at_once():
        try:
            asyncio.run(job())
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            pytest.fail("it was not over")
    assert told == [number]


@pytest.mark.parametrize("number", SIGNALS)
def test_what_follows_a_reading_can_be_left(number: int) -> None:
    """Where nothing was said of the end, a signal after the told ones ends what is going on, as before them."""

    async def read_then_write() -> None:
        with on_signals(lambda: None):
            pass
        os.kill(os.getpid(), number)

    with leaving_at_once(), pytest.raises(KeyboardInterrupt):
        asyncio.run(read_then_write())


def test_an_ignored_hangup_stays_ignored() -> None:
    """Who starts the program to outlive the terminal (``nohup``) gets that: the end of the terminal ends nothing."""
    told: list[int] = []

    async def job() -> None:
        with on_signals(lambda: told.append(1)):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.01)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with leaving_at_once():
            os.kill(os.getpid(), signal.SIGHUP)
            asyncio.run(job())
    finally:
        signal.signal(signal.SIGHUP, before)
    assert told == []


def test_the_last_words_are_not_interrupted() -> None:
    """When the program is over, signals do nothing any more."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with leaving_at_once(finally_ignored=True):
            pass
        for number in SIGNALS:
            os.kill(os.getpid(), number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_others_get_their_handlers_back() -> None:
    """Where somebody else looks after signals, that is as before when the job has ended."""

    def own(*_: object) -> None:
        """Nothing."""

    async def job() -> None:
        with on_signals(lambda: None):
            assert signal.getsignal(signal.SIGTERM) != own

    before = signal.signal(signal.SIGTERM, own)
    try:
        asyncio.run(job())
        assert signal.getsignal(signal.SIGTERM) == own
    finally:
        signal.signal(signal.SIGTERM, before)
