"""The figures in Prometheus' text format."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bulkjob.report.metrics import gateway_address, render_metrics
from bulkjob.report.summary import Ending, RowCounts, RunFigures
from bulkjob.vocabulary import Exit

ROWS = RowCounts(total=10, updated=4, unchanged=3, failed=1, invalid=0, not_sent=2)
FIGURES = RunFigures(
    calls=(("GET", "me", 200, 1), ("PUT", "livechat/department/:id", 0, 2)),
    retries=5,
    wait_seconds=1.5,
    duration_seconds=60.25,
    server_version='7.0"\n\ud800',
    warnings=("one",),
)


def ending(code: Exit = Exit.ROWS_NOT_DONE, *, undoes: bool = False) -> Ending:
    """The end of a run."""
    return Ending(exit_code=code, sheet_name="s.csv", sheet_sha256="", run_dir="run", bulkjob_version="1.2", figures=FIGURES, undoes=undoes)


def samples(data: bytes) -> dict[tuple[str, ...], float]:
    """What a parser of Prometheus' reads: name and values of the labels → value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(data.decode())
        for sample in family.samples
    }


def test_the_figures() -> None:
    """Every figure of the summary is there, by the names that the conventions ask for."""
    found = samples(render_metrics(ending(), ROWS, now=1e9))
    assert {name: value for name, value in found.items() if name[0] != "bulkjob_info"} == {
        ("bulkjob_exit_code",): 1,
        ("bulkjob_rows", "success"): 7,
        ("bulkjob_rows", "failed"): 1,
        ("bulkjob_rows", "invalid"): 0,
        ("bulkjob_rows", "not_sent"): 2,
        ("bulkjob_changes", "updated"): 4,
        ("bulkjob_changes", "unchanged"): 3,
        ("bulkjob_calls_total", "GET", "me", "200"): 1,
        ("bulkjob_calls_total", "PUT", "livechat/department/:id", "0"): 2,
        ("bulkjob_retries_total",): 5,
        ("bulkjob_wait_seconds",): 1.5,
        ("bulkjob_duration_seconds",): 60.25,
        ("bulkjob_warnings",): 1,
        ("bulkjob_last_run_timestamp_seconds",): 1e9,
    }
    [info] = [name for name in found if name[0] == "bulkjob_info"]
    assert {*info[1:]} == {"run", "1.2", '7.0" \\ud800'}


def test_no_name_is_missing() -> None:
    """Each name has a sample, also after a run without a call: a Pushgateway would go on showing those of the run before."""
    nothing = replace(ending(), figures=RunFigures())
    families = [*text_string_to_metric_families(render_metrics(nothing, ROWS, now=1e9).decode())]
    assert [family.name for family in families if not family.samples] == []
    assert {family.name for family in families} == {
        family.name for family in text_string_to_metric_families(render_metrics(ending(), ROWS, now=1e9).decode())
    }


def test_the_last_success_is_kept() -> None:
    """A run that succeeds is the last success; one that does not, and a rollback, leave the one that was; where none was, there is none."""
    name = ("bulkjob_last_success_timestamp_seconds",)
    good = render_metrics(ending(Exit.OK), ROWS, now=1.7959464517557223e9)
    assert samples(good)[name] == 1.7959464517557223e9
    bad = render_metrics(ending(), ROWS, now=2e9, earlier=good)
    assert samples(bad)[name] == 1.7959464517557223e9
    assert samples(render_metrics(ending(Exit.OK, undoes=True), ROWS, now=2e9, earlier=bad))[name] == 1.7959464517557223e9
    assert name not in samples(render_metrics(ending(), ROWS, now=2e9))
    assert name not in samples(render_metrics(ending(), ROWS, now=2e9, earlier=b"bulkjob_last_success_timestamp_seconds e+\n\xff"))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
def test_promtool_finds_nothing() -> None:
    """Prometheus' own check of names and form has nothing to say."""
    data = render_metrics(ending(Exit.OK), ROWS, now=1e9)
    done = subprocess.run(["promtool", "check", "metrics"], input=data, capture_output=True, check=False)  # noqa: S607 - the system's own
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("http://push:9091", "http://push:9091/metrics/job/bulkjob"),
        ("https://me:pw@push.example/x/", "https://me:pw@push.example/x/metrics/job/bulkjob"),
        ("http://push:9091/?tenant=a", "http://push:9091/metrics/job/bulkjob?tenant=a"),
    ],
)
def test_the_group_is_the_job(given: str, whole: str) -> None:
    """A Pushgateway keeps the figures of all runs in one group, the job's."""
    assert gateway_address(given) == whole
