"""How long it took and on what, as one bar."""

from collections.abc import Iterable, Sequence
from typing import Final

from bulkjob.phrases import span
from bulkjob.plan import PlanDocument
from bulkjob.report.pages.story import Calls, Segment, Time
from bulkjob.report.summary import RunFigures

_LENGTH: Final = 1000.0


def time_of_run(figures: RunFigures) -> Time:
    """Of a run or a rollback: what the seconds of this attempt went on."""
    spent = figures.spent
    waiting = (
        "Waiting for Rocket.Chat's rate limit"
        if figures.wait_seconds
        else "Waiting before trying again"
        if figures.retries
        else "In between"
    )
    parts = (
        ("reading", "Reading what is there", spent.reading),
        ("changing", "Changing", spent.changing),
        ("checking", "Checking what was changed", spent.checking),
        ("waiting", waiting, spent.waiting),
        ("own", "bulkjob's own work", max(figures.duration_seconds - spent.total, 0.0)),
    )
    longest = max(parts, key=lambda part: part[2])
    took = _length(figures.duration_seconds)
    total = sum(count for *_, count in figures.calls)
    text = f"{total:,} calls to Rocket.Chat, {sum(count for method, _, _, count in figures.calls if method != 'GET'):,} of them changes."
    if figures.duration_seconds >= 1 and longest[2] >= figures.duration_seconds / 2:
        text = f"Most of it went on this: {longest[1][0].lower()}{longest[1][1:]}. {text}"
    calls = tuple(
        Calls(method=method, route=route, status=str(status or "no answer"), number=count)
        for method, route, status, count in sorted(figures.calls)
    )
    return Time(title=f"Why it took {took}", text=text, segments=_segments(parts), calls=calls)


def time_of_plan(document: PlanDocument) -> Time | None:
    """Of a run that is planned; None where nothing would be sent."""
    forecast = document.forecast
    if forecast is None or not document.calls:
        return None
    working = min(forecast.unlimited_seconds, forecast.seconds)
    parts = (
        ("changing", "Reading, changing and checking", working),
        ("waiting", "Waiting for Rocket.Chat's rate limit", forecast.seconds - working),
    )
    calls = tuple(Calls(method=each.method, route=each.route, status="", number=each.count) for each in document.calls)
    return Time(title="How long it will take, and why", text=forecast.text, segments=_segments(parts), calls=calls)


def _segments(parts: Sequence[tuple[str, str, float]]) -> tuple[Segment, ...]:
    """The parts that can be seen, side by side."""
    total = sum(seconds for *_, seconds in parts)
    return tuple(_laid(parts, total)) if total > 0 else ()


def _laid(parts: Iterable[tuple[str, str, float]], total: float) -> Iterable[Segment]:
    x = 0.0
    for name, word, seconds in parts:
        width = _LENGTH * seconds / total
        if width >= 1:
            yield Segment(name=name, word=word, text=_length(seconds), x=round(x, 1), width=round(width, 1))
        x += width


def _length(seconds: float) -> str:
    return span(seconds) if seconds >= 0.5 else "less than a second"
