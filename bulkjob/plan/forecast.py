"""What a plan costs: how many calls of which kind, and how long they take at the pace that the server allows."""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Final

from bulkjob.changes import Operation, Stage, Terms, under_way
from bulkjob.phrases import counted
from bulkjob.plan.order import sorter_of
from bulkjob.records import BYPASS_RATE_LIMIT
from bulkjob.rocketchat import Route, endpoints
from bulkjob.rocketchat.pacing import DEFAULT_WINDOW, Limit

#: Seconds that a call is taken to last. Not measured, so that the same plan has the same forecast; of weight only where nothing limits it.
_CALL: Final = 0.2


#: Up to so many minutes a duration is told in minutes alone.
_MINUTES: Final = 119


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Calls of one method and route."""

    route: Route
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run of a plan comes down to."""

    calls: tuple[Costs, ...]
    """Those that the plan's operations cost; writes first, then by route."""
    reading: int
    """Calls before the first write: a run reads the lists anew."""
    busiest: Costs | None
    """The route with the most calls in all, those before the first write included; None where nothing is to be sent."""
    limit: Limit | None
    """None where the server announced none."""
    reading_seconds: float
    """Until the first write can go out."""
    seconds: float
    """Of the whole run."""
    unlimited_seconds: float
    """Of the whole run, if the account were not limited."""


def forecast_of(
    operations: Sequence[Operation], terms: Terms, *, reading: Mapping[Route, int], limit: Limit | None, concurrency: int
) -> Forecast:
    """The forecast for operations, by walking through them; each comes behind those it waits for.

    ``reading``: the calls that were made to read server and workspace. ``concurrency``: requests in flight at most.
    """
    listing = max(1, reading.get(endpoints.LIST_DEPARTMENTS, 1))
    limited = _Rehearsal(terms, limit, concurrency=concurrency, listing=listing)
    limited.read(reading)
    began = limited.now
    limited.send(operations)
    unlimited = replace(terms, shares_lists=False)
    free = limited
    if limit is not None or terms != unlimited:
        free = _Rehearsal(unlimited, None, concurrency=concurrency, listing=listing)
        free.read(reading)
        free.send(operations)
    costs = tuple(Costs(route=route, count=number) for route, number in sorted(limited.calls.items(), key=lambda call: _place(call[0])))
    total = limited.calls + Counter(dict(reading))
    busiest = min(costs, key=lambda cost: (-total[cost.route], _place(cost.route)), default=None)
    return Forecast(
        calls=costs,
        reading=sum(reading.values()),
        busiest=Costs(route=busiest.route, count=total[busiest.route]) if busiest else None,
        limit=limit,
        reading_seconds=began,
        # Lists that are shared under a limit save calls; that a limit makes a run shorter is promised to nobody.
        seconds=max(limited.now, free.now),
        unlimited_seconds=free.now,
    )


def duration_text(forecast: Forecast) -> str:
    """How long it takes and why: ``About 3 minutes: PUT … is called 30 times, and the server allows 10 a minute``, and more."""
    if forecast.busiest is None:
        return "Nothing to send."
    limit, busiest = forecast.limit, forecast.busiest
    if limit is None:
        return f"{_about(forecast.seconds).capitalize()} (no rate limit for this account)."
    rate = f"{limit.calls} a minute" if limit.window == DEFAULT_WINDOW else f"{limit.calls} in {limit.window:g} s"
    route = f"{busiest.route.method} {busiest.route.pattern}"
    text = f"{_about(forecast.seconds).capitalize()}: {route} is called {_times(busiest.count)}, and the server allows {rate}."
    if forecast.seconds >= 60:
        minutes = max(1, math.ceil(forecast.unlimited_seconds / 60))
        text += f" About {counted(minutes, 'minute')} if the account had {BYPASS_RATE_LIMIT}."
    if forecast.reading_seconds >= 60:
        text += f" {_about(forecast.reading_seconds).capitalize()} of it is reading, before the first change."
    if not limit.certain:
        text += f" How long the server's window lasts is not known yet; {limit.window:g} s is assumed."
    return text


class _Rehearsal:
    """A run as it would go if each window began with the run, and nobody else called."""

    def __init__(self, terms: Terms, limit: Limit | None, *, concurrency: int, listing: int) -> None:
        """``listing``: calls that one list of all departments takes."""
        self.now = 0.0
        self.calls: Counter[Route] = Counter()
        self._terms = terms
        self._limit = limit
        self._concurrency = concurrency
        self._listing = listing
        self._listed = (-1.0, -1.0)
        """When the latest list of departments got its turn, and when the last of its pages did."""
        self._events: list[tuple[float, int, Operation, tuple[Stage, ...]]] = []
        """Moment, a number that is never the same, and the stages that are left: when there are none, the operation has ended."""
        self._numbers = count()
        self._busy: Counter[type[Operation]] = Counter()
        self._queues: dict[type[Operation], deque[Operation]] = defaultdict(deque)
        self._slots: Counter[Route] = Counter()
        """Route → its next place, counted through all windows, those that nobody used included."""

    def read(self, calls: Mapping[Route, int]) -> None:
        """Goes through what is read before the first write."""
        ends = [self._turn(route, 0.0, number) for route, number in calls.items()]
        self.now = max(ends, default=0.0) + sum(calls.values()) * _CALL / self._concurrency
        self.calls.clear()

    def send(self, operations: Sequence[Operation]) -> None:
        """Goes through the operations, as many of a kind at a time as there are workers for it."""
        began = self.now
        by_id = {operation.id: operation for operation in operations}
        waits = sorter_of(operations)
        for identifier in waits.get_ready():
            self._start(by_id[identifier], began)
        while self._events:
            at, _, operation, stages = heappop(self._events)
            if stages:
                self._later(self._end_of(stages[0], at), operation, stages[1:])
                continue
            self.now = max(self.now, at)
            self._end(operation, at)
            waits.done(operation.id)
            for identifier in waits.get_ready():
                self._start(by_id[identifier], at)
        self.now = max(self.now, began + self.calls.total() * _CALL / self._concurrency)

    def _start(self, operation: Operation, at: float) -> None:
        kind = type(operation)
        if self._busy[kind] < under_way(kind, self._terms, self._concurrency):
            self._busy[kind] += 1
            self._later(at, operation, operation.stages(self._terms))
        else:
            self._queues[kind].append(operation)

    def _end(self, operation: Operation, at: float) -> None:
        kind = type(operation)
        self._busy[kind] -= 1
        if self._queues[kind]:
            self._start(self._queues[kind].popleft(), at)

    def _later(self, at: float, operation: Operation, stages: tuple[Stage, ...]) -> None:
        heappush(self._events, (at, next(self._numbers), operation, stages))

    def _end_of(self, stage: Stage, at: float) -> float:
        """When a stage is over that begins at a moment."""
        turns = [self._turn(route, at) for route in stage.routes]
        if stage.lists_departments:
            turns.append(self._list(at))
        return max(turns, default=at) + stage.trips * _CALL

    def _list(self, at: float) -> float:
        """When a list of all departments that is asked for at a moment is read: one that still waits for its turn is shared."""
        if self._listed[0] < at:
            first = self._turn(endpoints.LIST_DEPARTMENTS, at)
            self._listed = first, self._turn(endpoints.LIST_DEPARTMENTS, first, self._listing - 1) if self._listing > 1 else first
        return self._listed[1]

    def _turn(self, route: Route, at: float, number: int = 1) -> float:
        """When the last of so many calls that ask for a turn at a moment gets it."""
        self.calls[route] += number
        if self._limit is None:
            return at
        window, allowed = self._limit.window, self._limit.calls
        first = max(self._slots[route], math.floor(at / window) * allowed)
        self._slots[route] = first + number
        return max(at, (first + number - 1) // allowed * window)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _place(route: Route) -> tuple[bool, str, str]:
    return route.method == "GET", route.pattern, route.method


def _about(seconds: float) -> str:
    """A duration as people say it, rounded up."""
    if seconds < 60:
        return "less than a minute"
    minutes = math.ceil(seconds / 60)
    if minutes <= _MINUTES:
        return f"about {counted(minutes, 'minute')}"
    hours, minutes = divmod(minutes, 60)
    return f"about {counted(hours, 'hour')}" + (f" and {counted(minutes, 'minute')}" if minutes else "")
