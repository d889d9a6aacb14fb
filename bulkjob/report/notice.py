"""The end in a few lines, for those who do not see the terminal: a chat room, and whoever asks Kubernetes about the pod."""

import json
from dataclasses import dataclass
from typing import Final

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line
from bulkjob.report.summary import Ending, RowCounts
from bulkjob.report.terminal import verdict_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told of an end."""

    ending: Ending
    """With the exit code that the program leaves with."""
    rows: RowCounts
    verdict: str
    """In a sentence, without names."""
    published: str = ""
    """Where the run directory's files were copied, to be shown; blank: nowhere."""
    unpublished: str = ""
    """Why they could not be, in a sentence; blank if they could, or were not to be."""


def verdict_on(ending: Ending, rows: RowCounts) -> str:
    """As the terminal has it, with what it is about."""
    return f"bulkjob {'rollback' if ending.undoes else 'run'}: {verdict_of(ending, rows)}"


def render_notice(notice: Notice) -> bytes:
    """What an incoming webhook is posted: verdict, what is left, where the report lies; neither names of people nor of departments."""
    left = notice.rows.total - notice.rows.success
    lines = [notice.verdict, f"Left: {counted(left, 'row')}." if left else "", *_places(notice)]
    if notice.unpublished:
        lines.append(f"The report could not be copied to its store (exit code {int(notice.ending.exit_code)}).")
    return json.dumps({"text": "\n".join(filter(None, lines))}).encode()


def termination_text(notice: Notice) -> str:
    """What ``kubectl describe`` shows of the end."""
    lines = [
        notice.verdict,
        one_line(notice.ending.message, MESSAGE_LIMIT),
        one_line(notice.unpublished, MESSAGE_LIMIT),
        *_places(notice),
        f"Exit code: {int(notice.ending.exit_code)}",
    ]
    return "".join(f"{line}\n" for line in dict.fromkeys(filter(None, lines)))


_NO_REPORT: Final = "No report was written."


def _places(notice: Notice) -> list[str]:
    report = f"Report: {one_line(notice.ending.run_dir)}" if notice.ending.reported else _NO_REPORT
    return [report, *([f"Copied to: {one_line(notice.published)}"] if notice.published else [])]
