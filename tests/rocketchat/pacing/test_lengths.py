"""How long windows last, told by first calls."""

import pytest

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.lengths import WindowLength
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW

EPOCH = 1_800_000_000.0
"""The server's time when ours is 0."""
TRIP = 0.04
"""Seconds that a call takes."""


def length(*, clock: bool = True) -> WindowLength:
    """Of a server whose time is known to the second by its ``Date``, or not at all."""
    server = ServerClock()
    if clock:
        server.observe(sent=0.0, received=TRIP, earliest=EPOCH, latest=EPOCH + 1.2)
    return WindowLength(server)


def first(of: WindowLength, moment: float, *, ends: float) -> None:
    of.first(sent=moment, received=moment + TRIP, reset=EPOCH + ends)


@pytest.mark.parametrize("window", [1.0, 5.0, 20.0, 60.0, 90.0, 300.0])
def test_windows_that_calls_have_opened_are_whole(window: float) -> None:
    """Two windows that end as far apart as the calls that they count first were made last as somebody may have typed."""
    told = length()
    first(told, 0.5, ends=0.52 + window)
    assert told.seconds()[1] is False
    first(told, 0.9, ends=0.92 + window)
    assert told.seconds() == (window, True)


def test_windows_that_were_open_tell_nothing() -> None:
    """Forty seconds after a server's start all windows end at one instant: they say nothing about how long they last."""
    told = length()
    for moment in (0.2, 0.5, 0.9, 1.4):
        first(told, moment, ends=20.0)
    assert told.seconds() == (DEFAULT_WINDOW, False)


def test_a_window_that_ends_too_early_was_open() -> None:
    """One that ends sooner than the calls are apart was begun by somebody else; those that follow it are whole."""
    told = length()
    first(told, 0.5, ends=0.52 + 20.0)
    first(told, 3.5, ends=9.0)
    assert told.seconds() == (DEFAULT_WINDOW, False)
    first(told, 9.1, ends=9.12 + 20.0)
    assert told.seconds() == (20.0, True)


def test_calls_at_one_moment_tell_nothing() -> None:
    """Windows that were open and windows that are opened in one moment look alike."""
    told = length()
    first(told, 0.5, ends=20.5)
    first(told, 0.51, ends=20.51)
    assert told.seconds() == (DEFAULT_WINDOW, False)


def test_what_is_left_is_the_least_that_a_window_lasts() -> None:
    """A window of which more is left than the default lasts longer than that."""
    told = length()
    first(told, 0.5, ends=250.0)
    seconds, certain = told.seconds()
    assert (seconds >= 248, certain) == (True, False)


def test_without_a_clock_no_length_is_known() -> None:
    """Where nothing tells the server's time, the default is reckoned with."""
    told = length(clock=False)
    first(told, 0.5, ends=5.52)
    first(told, 0.9, ends=5.92)
    assert told.seconds() == (DEFAULT_WINDOW, False)
