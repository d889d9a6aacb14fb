"""What a run directory says of its run, read back."""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bulkjob.rundir import JOURNAL_FILE
from bulkjob.rundir.format import Concluded, Intent, records_of
from bulkjob.vocabulary import OUTCOME_COLUMNS, Status


def writes_of(calls: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each thing was written."""
    return Counter((call["method"], call["path"].removeprefix("/api/v1/")) for call in calls if call["method"] != "GET")


def report_of(folder: Path) -> list[dict[str, str]]:
    """The rows of results.csv, which is whole, and says the same as summary.json."""
    text = (folder / "results.csv").read_bytes().decode("utf-8-sig")
    assert text.endswith("\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[-len(OUTCOME_COLUMNS) :] == list(OUTCOME_COLUMNS)
    results = [dict(zip(header, row, strict=True)) for row in rows]
    summary = json.loads((folder / "summary.json").read_bytes())
    counts = Counter(row["status"] for row in results)
    assert {name: count for name, count in summary["rows"].items() if count and name != "total"} == counts
    left = [row["row"] for row in results if row["status"] != "success"]
    assert (folder / "retry.csv").exists() == (bool(left) and folder.name != "rollback")
    assert not list(folder.glob(".*.part"))
    return results


def journalled(folder: Path) -> tuple[list[Intent], dict[int, Concluded]]:
    """The intents of a run's journal, and the outcomes by number; nothing in it is damaged."""
    path = folder / JOURNAL_FILE
    records = records_of(path.read_bytes())[0] if path.exists() else []
    return [record for record in records if isinstance(record, Intent)], {
        record.number: record for record in records if isinstance(record, Concluded)
    }


def done_by(folder: Path) -> set[tuple[str, ...]]:
    """The targets of the changes that the journal knows as done."""
    intents, concluded = journalled(folder)
    return {
        written.change.target
        for intent in intents
        if intent.number in concluded
        for written, outcome in zip(intent.changes, concluded[intent.number].outcomes, strict=True)
        if outcome.status is Status.SUCCESS
    }
