"""summary.json."""

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records.results import RowResult
from bulkjob.report.summary import Ending, RunFigures, render_summary, row_counts
from bulkjob.vocabulary import Code, Effect, Exit, Status

MakeEnding = Callable[..., Ending]

RESULTS = [
    RowResult(row=2, status=Status.SUCCESS, change=Effect.UPDATED),
    RowResult(row=3, status=Status.SUCCESS, change=Effect.UNCHANGED),
    RowResult(row=4, status=Status.SUCCESS, change=Effect.UNCHANGED),
    RowResult(row=5, status=Status.FAILED, code=Code.TIMEOUT),
    RowResult(row=7, status=Status.INVALID, code=Code.BAD_NUMBER),
    RowResult(row=8, status=Status.NOT_SENT, code=Code.STOPPED),
    RowResult(row=9, status=Status.NOT_SENT, code=Code.STOPPED),
]


def test_the_figures_are_spelt_as_promised(make_ending: MakeEnding) -> None:
    """summary.json has the promised keys with the figures of the run."""
    figures = RunFigures(
        calls=(("PUT", "livechat/department/:id", 200, 7), ("GET", "livechat/department", 200, 2)),
        retries=3,
        wait_seconds=1.23456,
        duration_seconds=61.0,
        server_version="7.0",
        warnings=("Monitor @petra will be dropped.",),
    )
    summary = json.loads(render_summary(make_ending(Exit.ROWS_NOT_DONE, figures=figures), RESULTS))
    assert summary == {
        "exit_code": 1,
        "message": "",
        "rows": {"total": 7, "success": 3, "failed": 1, "invalid": 1, "not_sent": 2},
        "changes": {"updated": 1, "unchanged": 2},
        "codes": {"bad-number": 1, "stopped": 2, "timeout": 1},
        "calls": [
            {"method": "GET", "route": "livechat/department", "status": 200, "count": 2},
            {"method": "PUT", "route": "livechat/department/:id", "status": 200, "count": 7},
        ],
        "retries": 3,
        "wait_seconds": 1.235,
        "duration_seconds": 61.0,
        "warnings": ["Monitor @petra will be dropped."],
        "sheet_sha256": "ab" * 32,
        "server_version": "7.0",
        "bulkjob_version": "0.1.0",
    }


def test_a_hidden_version_is_null(make_ending: MakeEnding) -> None:
    """A server that does not say its version is null in the summary, not a text."""
    assert json.loads(render_summary(make_ending(Exit.UNAVAILABLE, "Gone."), []))["server_version"] is None


@given(st.lists(st.sampled_from([status for status in Status if status is not Status.PLANNED])))
def test_the_counts_add_up(statuses: list[Status]) -> None:
    """Every row is counted in exactly one way."""
    results = [
        RowResult(row=row, status=status, change=Effect.UPDATED if status is Status.SUCCESS and row % 2 else Effect.UNCHANGED)
        for row, status in enumerate(statuses)
    ]
    rows = row_counts(results)
    assert rows.success + rows.failed + rows.invalid + rows.not_sent == rows.total == len(statuses)
    assert rows.failed == statuses.count(Status.FAILED)
    assert rows.updated == sum(result.status is Status.SUCCESS and result.change is Effect.UPDATED for result in results)
