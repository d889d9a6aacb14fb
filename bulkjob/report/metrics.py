"""The figures of a run in Prometheus' text format, by the names that its conventions ask for."""

import re
from collections.abc import Iterable
from typing import Final, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from bulkjob.phrases import one_line
from bulkjob.report.summary import Ending, RowCounts
from bulkjob.vocabulary import Effect, Exit, Status

#: What `render_metrics` returns, for whoever is sent it.
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


#: What they begin with: a file that begins otherwise is somebody else's.
METRICS_BEGIN: Final = b"# HELP bulkjob_"


_SUCCEEDED: Final = re.compile(rb"^bulkjob_last_success_timestamp_seconds ([0-9.e+]{1,30})$", re.MULTILINE)


def render_metrics(ending: Ending, rows: RowCounts, *, now: float, earlier: bytes = b"") -> bytes:
    """The metrics of a run that has just ended.

    ``now``: seconds since the epoch. ``earlier``: the metrics of the run before, whose success is the last one if this run is none.
    """

    class Figures:
        def collect(self) -> Iterable[Metric]:
            return _families(ending, rows, now, _last_success(ending, now, earlier))

    # A registry is whatever has this one method.
    return generate_latest(cast("CollectorRegistry", Figures()))


def gateway_address(text: str) -> str:
    """Where a Pushgateway takes the metrics of all runs: one group, whatever pod they ran in, so that none is left behind."""
    parts = urlsplit(text.strip())
    return parts._replace(path=f"{parts.path.rstrip('/')}/metrics/job/bulkjob").geturl()


def _last_success(ending: Ending, now: float, earlier: bytes) -> float | None:
    """When a run last put all rows in place; None where nobody knows of any. What a rollback achieves is no success of the sheet's."""
    if ending.exit_code is Exit.OK and not ending.undoes:
        return now
    found = _SUCCEEDED.search(earlier)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _families(ending: Ending, rows: RowCounts, now: float, last_success: float | None) -> Iterable[Metric]:
    figures = ending.figures
    yield _gauge("exit_code", "Exit code of the latest run", ending.exit_code)
    statuses = {
        Status.SUCCESS: rows.success,
        Status.FAILED: rows.failed,
        Status.INVALID: rows.invalid,
        Status.NOT_SENT: rows.not_sent,
    }
    yield _gauges("rows", "Rows of the sheet by what became of them", "status", statuses)
    changes = {Effect.UPDATED: rows.updated, Effect.UNCHANGED: rows.unchanged}
    yield _gauges("changes", "Rows in place by whether that took a change", "change", changes)
    calls = CounterMetricFamily("bulkjob_calls", "Calls to the server; status 0: never answered", labels=["method", "route", "status"])
    # A Pushgateway keeps what it was last pushed under a name that is pushed no more: without a call there is a nought.
    for method, route, status, count in sorted(figures.calls) or [_NO_CALL]:
        calls.add_metric([method, route, str(status)], count)
    yield calls
    yield CounterMetricFamily("bulkjob_retries", "Calls that were sent once more after an error", value=figures.retries)
    yield _gauge("wait_seconds", "Time spent waiting for rate limits, added up over the routes", figures.wait_seconds)
    yield _gauge("duration_seconds", "How long the run took", figures.duration_seconds)
    yield _gauge("warnings", "Warnings of the run", len(figures.warnings))
    yield _gauge("last_run_timestamp_seconds", "When the latest run ended", now)
    if last_success is not None:
        yield _gauge("last_success_timestamp_seconds", "When a run last ended with every row in place", last_success)
    versions = {"version": ending.bulkjob_version, "server_version": one_line(figures.server_version or "")}
    yield InfoMetricFamily("bulkjob", "What ran", value=versions | {"command": "rollback" if ending.undoes else "run"})


_NO_CALL: Final = ("GET", "info", 0, 0)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"bulkjob_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: dict[Status, int] | dict[Effect, int]) -> Metric:
    family = GaugeMetricFamily(f"bulkjob_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([str(value)], count)
    return family
