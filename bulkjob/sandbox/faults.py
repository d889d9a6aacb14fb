"""What goes wrong on purpose.

A specification is a list of items separated by commas::

    KIND[=VALUE][:PROBABILITY][@[METHOD ]ROUTE][+SKIP][xTIMES]

``reset-after:0.1`` drops one answer in ten after the work is done; ``502@PUT livechat/department/:id+3x2`` lets three PUTs
pass and answers 502 to the next two; ``restart+40x1`` restarts the server at the 41st call. The table of KINDs says what each
does. A route is spelt as in ``/_sandbox/calls`` and may hold ``*``; without one an item is about every call. PROBABILITY is 1
unless given. SKIP and TIMES count the calls that the item is about; for a PROBABILITY below 1, TIMES counts those that were hit.

A VALUE that is a length of time is a number, ``LOW-HIGH`` (drawn evenly) or ``exp(MEAN)`` (mostly short, with a long tail).
``skew`` and ``processes`` are about the whole server and have nothing but their value.

A write that breaks off has changed some documents and not the others, in the order in which Rocket.Chat changes them, as there are no
transactions; a call that is refused before its first change is refused as ever. STEPS is how many were changed; without it, at least
the first, and not the last of several. WORDS say whose sentence a 400 is, none of which has an ``errorType``: ``network`` (the driver's
about the network; also if left out), ``driver`` (its own, or the database's) or ``other``. ``400-half=2@PUT``, ``400-after=other:0.1`` and
``400-half=2/driver@POST livechat/units/:idx1`` are spelt right.

The first item that hits wins; ``latency`` and ``editor`` add to what happens else, of each the first that hits. So
``latency=3000:0.01, latency=exp(40), 503:0.05`` makes one call in a hundred very slow, the others as they come, and refuses some.

Whether a call is hit, and by how much, follows from the seed, the item, the method, the path and how often that method and path
came before. So a run with the same calls meets the same faults, in whatever order they arrive.

What a workspace can be is not a fault but a state: counters that are wrong, monitors without the role, archived departments in a
unit, fields that are missing stand in the state file. The server's own 429 comes from the rate limit. What the colleague of
``editor`` has done is listed under ``/_sandbox/edits``.
"""

import inspect
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from bulkjob.sandbox.kinds import BROKEN, EDITOR, HALF, KINDS, LATENCY, NETWORK, OF_WRITES, PROCESSES, SKEW, WORDS, Fault

_FAULTS: Final = frozenset(fault.value for fault in Fault)
#: Kinds that take a length of time, and what it is unless given.
_LASTING: Final = {Fault.SLOW.value: "5", Fault.REFUSE.value: "1", LATENCY: ""}
#: Kinds whose value is WORDS, or STEPS, or both.
_BREAKING: Final = BROKEN | HALF

_NAMES: Final = [re.split(r"\W*=", kind)[0] for kind in KINDS]
_NUMBER: Final = r"\d+(?:\.\d+)?"
_ITEM: Final = re.compile(
    rf"(?P<kind>{'|'.join(sorted(_NAMES, reverse=True))})"
    rf"(?:=(?P<value>(?:\d+/)?(?:{'|'.join(WORDS)})|exp\({_NUMBER}\)|{_NUMBER}-{_NUMBER}|-?{_NUMBER}))?"
    rf"(?P<when>(?::(?P<probability>{_NUMBER}))?"
    r"(?:@(?:(?P<method>[A-Z]+)(?:[ ]|(?=[+x]|$)))?(?P<route>[^+]*?))?"
    r"(?:\+(?P<skip>\d+))?(?:x(?P<times>\d+))?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault that hits a call."""

    fault: Fault
    seconds: float = 0.0
    """How long it lasts, for those that last."""
    words: str = ""
    """What the server says broke."""
    steps: int | None = None
    """After how many steps the work ends, where the specification says it."""
    share: float = 0.0
    """Else after which share of them: at least 0, below 1."""

    def last_step(self, of: int) -> int:
        """After how many of so many steps the work ends; if none is specified, at least one and fewer than all."""
        return 1 + int(self.share * (of - 1)) if self.steps is None else self.steps


@dataclass(slots=True, kw_only=True)
class _Item:
    kind: str
    amount: Callable[[random.Random], float]
    """Draws the VALUE of those that last."""
    words: tuple[str, ...]
    steps: int | None
    probability: float
    method: str
    route: str
    skip: int
    times: int | None
    met: int = 0
    hit: int = 0
    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def strikes(self, seed: str, method: str, route: str, path: str) -> random.Random | None:
        """The generator of all else that this call meets, None if it is not hit; counts the call."""
        if (self.method and self.method != method) or (self.route and not fnmatchcase(route, self.route)):
            return None
        if self.kind in OF_WRITES and method == "GET":
            return None
        self.met += 1
        if self.met <= self.skip or (self.times is not None and self.hit >= self.times):
            return None
        nth = self.seen[method, path] = self.seen.get((method, path), 0) + 1
        # Chance here is a test's, and must be the same again for the same seed.
        chance = random.Random(f"{seed}:{method}:{path}:{nth}")  # noqa: S311
        if self.probability < 1 and chance.random() >= self.probability:
            return None
        self.hit += 1
        return chance


class Faults:
    """The faults of one specification, and how often each has struck."""

    def __init__(self, spec: str | None = None, *, seed: int = 0) -> None:
        """Read `spec`; raise ValueError with one sentence if it cannot be understood."""
        self._seed = seed
        self._items: list[_Item] = []
        self.skew = 0.0
        """Seconds by which the server's clock is ahead."""
        self.processes: int | None = None
        """How many processes the server has, if the specification says it."""
        for text in (spec or "").split(","):
            if text.strip():
                self._take(text.strip())

    def _take(self, text: str) -> None:
        found = _ITEM.fullmatch(text)
        if found is None:
            kinds = ", ".join(KINDS)
            raise ValueError(f"the fault {text!r} is not KIND[=VALUE][:PROBABILITY][@[METHOD ]ROUTE][+SKIP][xTIMES] with a KIND of {kinds}")
        if found["kind"] not in (SKEW, PROCESSES):
            self._items.append(_item(text, found))
            return
        if found["when"] or found["value"] is None:
            raise ValueError(f"the fault {text!r} is not {found['kind']}=VALUE alone")
        if found["kind"] == SKEW:
            self.skew = _number(text, r"-?[\d.]+", found["value"])
        else:
            self.processes = int(_number(text, r"0*[1-9]\d*", found["value"]))

    def decide(self, method: str, route: str, path: str) -> Strike | None:
        """What happens to this call."""
        struck = self._first(_FAULTS, method, route, path)
        if struck is None:
            return None
        item, chance = struck
        seconds, share, words = item.amount(chance), chance.random(), chance.choice(item.words)
        return Strike(fault=Fault(item.kind), seconds=seconds, words=words, steps=item.steps, share=share)

    def latency(self, method: str, route: str, path: str) -> float:
        """Seconds that this call takes beyond what it would."""
        struck = self._first(frozenset({LATENCY}), method, route, path)
        if struck is None:
            return 0.0
        item, chance = struck
        return item.amount(chance) / 1000

    def editor(self, method: str, route: str, path: str) -> random.Random | None:
        """Where a colleague comes in before this call: the generator of what he does."""
        struck = self._first(frozenset({EDITOR}), method, route, path)
        return None if struck is None else struck[1]

    def _first(self, kinds: frozenset[str], method: str, route: str, path: str) -> tuple[_Item, random.Random] | None:
        for number, item in enumerate(self._items):
            if item.kind in kinds:
                chance = item.strikes(f"{self._seed}:{number}", method, route, path)
                if chance is not None:
                    return item, chance
        return None


def explanation() -> str:
    """The grammar and all kinds, for people."""
    width = max(map(len, KINDS))
    table = "\n".join(f"{kind:{width}}  {meaning}" for kind, meaning in KINDS.items())
    return f"{inspect.cleandoc(__doc__ or '').replace('``', '').replace('::', ':')}\n\n{table}"


def _item(text: str, found: re.Match[str]) -> _Item:
    kind, value = found["kind"], found["value"]
    steps, words = None, NETWORK
    if kind in _BREAKING and value is not None:
        steps, words = _breaking(text, kind, value)
        value = None
    if value is None:
        value = _LASTING.get(kind, "0")
    elif kind not in _LASTING:
        raise ValueError(f"the fault {text!r} has a value, but {kind} takes none")
    probability = float(found["probability"] or 1)
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of the fault {text!r} is not between 0 and 1")
    return _Item(
        kind=kind,
        amount=_amount(text, value),
        words=WORDS[words],
        steps=steps,
        probability=probability,
        method=found["method"] or "",
        route=found["route"] or "",
        skip=int(found["skip"] or 0),
        times=int(found["times"]) if found["times"] else None,
    )


def _breaking(text: str, kind: str, value: str) -> tuple[int | None, str]:
    """The STEPS and WORDS of a kind that may have either."""
    first, _, second = value.partition("/")
    steps, words = (first, second) if first.isdecimal() else (None, first)
    if (steps is not None and kind not in HALF) or (words and (words not in WORDS or kind not in BROKEN)):
        takes = " or ".join(name for name, those in (("STEPS", HALF), ("WORDS", BROKEN)) if kind in those)
        raise ValueError(f"the value of the fault {text!r} is not its {takes}")
    return None if steps is None else int(steps), words or NETWORK


def _amount(text: str, value: str) -> Callable[[random.Random], float]:
    if value.startswith("exp("):
        mean = float(value[4:-1])
        return lambda chance: mean * chance.expovariate(1.0)
    low, _, high = value.partition("-")
    if not low or float(high or low) < float(low):
        raise ValueError(f"the fault {text!r} needs a length of time: a number, LOW-HIGH or exp(MEAN)")
    return lambda chance: chance.uniform(float(low), float(high or low))


def _number(text: str, pattern: str, value: str) -> float:
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise ValueError(f"the value of the fault {text!r} is none that it can have")
    return float(value)
