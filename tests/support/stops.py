"""What a guard says."""

from collections.abc import Callable
from typing import ParamSpec

from bulkjob.vocabulary import Stop

P = ParamSpec("P")


def stop_of(guard: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Stop | None:
    """How a guard ends the job; None if it lets it go on."""
    try:
        guard(*args, **kwargs)
    except Stop as stop:
        return stop
    return None
