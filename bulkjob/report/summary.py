"""summary.json: the run in figures, for scripts and dashboards."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bulkjob.records import RowResult
from bulkjob.vocabulary import Effect, Exit, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpent:
    """What the seconds went on in which calls were under way, or waited for; each second counts once."""

    reading: float = 0.0
    """Reading what is there, before the first write."""
    changing: float = 0.0
    """A write was under way."""
    checking: float = 0.0
    """Reading before and after writes, and no write was under way."""
    waiting: float = 0.0
    """No call was under way, and the program did nothing: for a rate limit, or before trying again."""

    @property
    def total(self) -> float:
        """All of them."""
        return self.reading + self.changing + self.checking + self.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What a run counted on its way, beside the rows' results."""

    calls: tuple[tuple[str, str, int, int], ...] = ()
    """(method, route as ``livechat/department/:id``, HTTP status, how many); status 0 for a call that was never answered."""
    retries: int = 0
    """Calls sent once more because the one before failed."""
    wait_seconds: float = 0.0
    """Spent waiting for a rate limit, added up over the routes, which wait side by side."""
    duration_seconds: float = 0.0
    server_version: str | None = None
    """As the server says it; None where it does not."""
    warnings: tuple[str, ...] = ()
    spent: TimeSpent = TimeSpent()
    started: datetime | None = None
    """In UTC."""
    server_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a run, as its summaries tell it."""

    exit_code: Exit
    message: str = ""
    """The sentence that stopped the job; blank if it reached its end."""
    sheet_name: str
    """The file's name without folders."""
    sheet_sha256: str
    run_dir: str
    """As it was given or made, for people to open and for ``--run-dir``."""
    bulkjob_version: str
    figures: RunFigures
    undoes: bool = False
    """Whether the run put back what another one had changed."""
    reported: bool = True
    """False where the report's files could not be written."""
    owned: bool = False
    """Whether the run directory belongs to its sheet: this run, or an earlier one in it, has journalled a write."""
    undo: str = ""
    """The command that puts back what the run changed; blank where that is not to be offered."""
    retry: str = ""
    """The file of the run directory with the rows that are left; blank where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """How many rows ended in which way."""

    total: int
    updated: int
    unchanged: int
    failed: int
    invalid: int
    not_sent: int

    @property
    def success(self) -> int:
        """The rows that are in place, whether or not that took a write."""
        return self.updated + self.unchanged

    @property
    def as_json(self) -> dict[str, object]:
        """``rows`` and ``changes`` of ``summary.json``."""
        return {
            "rows": {
                "total": self.total,
                "success": self.success,
                "failed": self.failed,
                "invalid": self.invalid,
                "not_sent": self.not_sent,
            },
            "changes": {"updated": self.updated, "unchanged": self.unchanged},
        }


def row_counts(results: Iterable[RowResult]) -> RowCounts:
    """Return the counts of ``results``; those of a plan that has not run (``planned``) are in ``total`` alone."""
    ways = Counter((result.status, result.change is Effect.UPDATED) for result in results)
    statuses: Counter[Status] = Counter()
    for (status, _), count in ways.items():
        statuses[status] += count
    updated = ways[Status.SUCCESS, True]
    return RowCounts(
        total=statuses.total(),
        updated=updated,
        unchanged=statuses[Status.SUCCESS] - updated,
        failed=statuses[Status.FAILED],
        invalid=statuses[Status.INVALID],
        not_sent=statuses[Status.NOT_SENT],
    )


def render_summary(ending: Ending, results: Iterable[RowResult]) -> bytes:
    """Return summary.json."""
    results = list(results)
    rows = row_counts(results)
    figures = ending.figures
    codes = Counter(str(result.code) for result in results if result.code is not None)
    summary = {
        "exit_code": int(ending.exit_code),
        "message": ending.message,
        **rows.as_json,
        "codes": dict(sorted(codes.items())),
        "calls": [
            {"method": method, "route": route, "status": status, "count": count} for method, route, status, count in sorted(figures.calls)
        ],
        "retries": figures.retries,
        "wait_seconds": round(figures.wait_seconds, 3),
        "duration_seconds": round(figures.duration_seconds, 3),
        "warnings": list(figures.warnings),
        "sheet_sha256": ending.sheet_sha256,
        "server_version": figures.server_version,
        "bulkjob_version": ending.bulkjob_version,
    }
    return (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode("utf-8", errors="replace")
