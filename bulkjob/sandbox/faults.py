"""What goes wrong on purpose.

A specification is a list of items separated by commas::

    KIND[:PROBABILITY][@[METHOD ]ROUTE][+SKIP][xTIMES]

``reset-after:0.1`` drops one answer in ten after the work is done; ``502@PUT livechat/department/:id+3x2`` lets three PUTs
pass and answers 502 to the next two; ``restart+40x1`` restarts the server at the 41st call. A route is spelt as in
``/_sandbox/calls`` and may hold ``*``; without one an item is about every call. PROBABILITY is 1 unless given. SKIP and TIMES
count the calls that the item is about; for a PROBABILITY below 1, TIMES counts those that were hit. The first item that hits wins.

Whether a call is hit follows from the seed, the item, the method, the path and how often that method and path came before. So a
run with the same calls meets the same faults, in whatever order they arrive.
"""

import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final


class Fault(StrEnum):
    """What happens to a call."""

    RESET_BEFORE = "reset-before"
    """The connection is reset; nothing was done."""
    RESET_AFTER = "reset-after"
    """The work is done, then the connection is reset."""
    TIMEOUT = "timeout"
    """No answer ever; nothing was done."""
    TIMEOUT_AFTER = "timeout-after"
    """The work is done, but no answer ever comes."""
    TOO_MANY = "429"
    """A proxy's 429: HTML, none of the server's rate-limit headers."""
    ERROR = "500"
    """The server's 500, as JSON."""
    BAD_GATEWAY = "502"
    """A proxy's page."""
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    TRUNCATE = "truncate"
    """The work is done; the answer's body ends in the middle."""
    FORGET = "forget"
    """A write is answered with 200 and not done; a read is not touched."""
    RESTART = "restart"
    """The server restarts: this call and all in flight are dropped, the rate limiter's windows begin anew."""


#: Faults after which the client gets no answer at all.
LOST: Final = frozenset({Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.TIMEOUT, Fault.TIMEOUT_AFTER, Fault.RESTART})

#: Faults whose call is carried out all the same.
DONE: Final = frozenset({Fault.RESET_AFTER, Fault.TIMEOUT_AFTER, Fault.TRUNCATE})

#: Faults that are a proxy's HTML page, with its title; nothing was done.
PAGES: Final = {
    Fault.TOO_MANY: "Too Many Requests",
    Fault.BAD_GATEWAY: "Bad Gateway",
    Fault.UNAVAILABLE: "Service Unavailable",
    Fault.GATEWAY_TIMEOUT: "Gateway Timeout",
}

_KINDS: Final = [fault.value for fault in Fault]
_ITEM: Final = re.compile(
    rf"(?P<kind>{'|'.join(sorted(_KINDS, reverse=True))})"
    r"(?::(?P<probability>\d+(?:\.\d+)?))?"
    r"(?:@(?:(?P<method>[A-Z]+)(?:[ ]|(?=[+x]|$)))?(?P<route>[^+]*?))?"
    r"(?:\+(?P<skip>\d+))?(?:x(?P<times>\d+))?",
    re.ASCII,
)


@dataclass(slots=True, kw_only=True)
class _Item:
    fault: Fault
    probability: float
    method: str
    route: str
    skip: int
    times: int | None
    met: int = 0
    hit: int = 0
    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def strikes(self, seed: str, method: str, route: str, path: str) -> bool:
        """Whether this call is hit; counts it."""
        if (self.method and self.method != method) or (self.route and not fnmatchcase(route, self.route)):
            return False
        if self.fault is Fault.FORGET and method == "GET":
            return False
        self.met += 1
        if self.met <= self.skip or (self.times is not None and self.hit >= self.times):
            return False
        if self.probability < 1:
            nth = self.seen[method, path] = self.seen.get((method, path), 0) + 1
            # Chance here is a test's, and must be the same again for the same seed.
            if random.Random(f"{seed}:{method}:{path}:{nth}").random() >= self.probability:  # noqa: S311
                return False
        self.hit += 1
        return True


class Faults:
    """The faults of one specification, and how often each has struck."""

    def __init__(self, spec: str | None = None, *, seed: int = 0) -> None:
        """Read `spec`; raise ValueError with one sentence if it cannot be understood."""
        self._seed = seed
        self._items = [_read(item.strip()) for item in (spec or "").split(",") if item.strip()]

    def decide(self, method: str, route: str, path: str) -> Fault | None:
        """What happens to this call."""
        for number, item in enumerate(self._items):
            if item.strikes(f"{self._seed}:{number}", method, route, path):
                return item.fault
        return None


def _read(text: str) -> _Item:
    found = _ITEM.fullmatch(text)
    if found is None:
        raise ValueError(f"the fault {text!r} is not KIND[:PROBABILITY][@[METHOD ]ROUTE][+SKIP][xTIMES] with a KIND of {', '.join(_KINDS)}")
    probability = float(found["probability"] or 1)
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of the fault {text!r} is not between 0 and 1")
    return _Item(
        fault=Fault(found["kind"]),
        probability=probability,
        method=found["method"] or "",
        route=found["route"] or "",
        skip=int(found["skip"] or 0),
        times=int(found["times"]) if found["times"] else None,
    )
