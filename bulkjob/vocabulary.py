"""The words that scripts depend on: exit codes, statuses, reason codes, sheet and report columns.

Nothing here decides anything; every other module spells these words by importing them.
"""

from enum import IntEnum, StrEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes of every command; what stopped the job decides."""

    OK = 0
    ROWS_NOT_DONE = 1
    USAGE = 2
    BAD_SHEET = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    DEFECT = 70
    CANNOT_CREATE = 73
    INTERRUPTED = 75
    NO_PERMISSION = 77
    BAD_SETTING = 78


class Status(StrEnum):
    """What became of a row."""

    SUCCESS = "success"
    FAILED = "failed"
    INVALID = "invalid"
    NOT_SENT = "not_sent"
    PLANNED = "planned"


class Effect(StrEnum):
    """What the report says in its column `change`: whether a successful row needed a write."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    NONE = ""


class Code(StrEnum):
    """Machine-readable reasons of a row that is not a success; of several why a row is invalid, the report has the first of these."""

    # The sheet alone shows these.
    MISSING_DEPARTMENT = "missing-department"
    NOTHING_TO_DO = "nothing-to-do"
    BAD_NUMBER = "bad-number"
    BAD_ACTION = "bad-action"
    AGENT_NEEDED = "agent-needed"
    CONFLICTING_UNIT = "conflicting-unit"
    CONFLICTING_AGENT = "conflicting-agent"
    CONFLICTING_MONITOR = "conflicting-monitor"
    CONFLICTING_VALUE = "conflicting-value"
    UNIT_NEEDED = "unit-needed"
    BAD_VALUE = "bad-value"
    RAGGED_ROW = "ragged-row"
    EXCEL_DATE = "excel-date"
    EXCEL_ERROR = "excel-error"
    EXCEL_NUMBER = "excel-number"
    EXCEL_FORMULA = "excel-formula"
    # The server's lists show these, before the first write.
    UNKNOWN_DEPARTMENT = "unknown-department"
    UNKNOWN_UNIT = "unknown-unit"
    UNKNOWN_AGENT = "unknown-agent"
    UNKNOWN_MONITOR = "unknown-monitor"
    AMBIGUOUS_DEPARTMENT = "ambiguous-department"
    AMBIGUOUS_UNIT = "ambiguous-unit"
    AMBIGUOUS_AGENT = "ambiguous-agent"
    AMBIGUOUS_MONITOR = "ambiguous-monitor"
    NAME_TAKEN = "name-taken"
    # A row that failed.
    NOT_APPLIED = "not-applied"
    AGENTS_NOT_PERMITTED = "agents-not-permitted"
    DEPARTMENT_NOT_PERMITTED = "department-not-permitted"
    UNIT_NOT_PERMITTED = "unit-not-permitted"
    LAST_DEPARTMENT_IN_UNIT = "last-department-in-unit"
    DEPARTMENT_ARCHIVED = "department-archived"
    DEPARTMENT_GONE = "department-gone"
    REJECTED = "rejected"
    RATE_LIMITED = "rate-limited"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server-error"
    BAD_RESPONSE = "bad-response"
    CHANGED_MEANWHILE = "changed-meanwhile"
    # A row for which no write went out.
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"


class Event(StrEnum):
    """The names of the log's lines; docs/logs.md says what each means and which fields it has."""

    SETTING_NOTE = "setting.note"
    SHEET_NOTE = "sheet.note"
    CALLS_READING = "calls.reading"
    RUN_STARTED = "run.started"
    RUN_PROGRESS = "run.progress"
    RUN_WARNING = "run.warning"
    RUN_ENDED = "run.ended"
    ROW_FAILED = "row.failed"
    EXPORT_WARNING = "export.warning"
    STORE_RETRY = "store.retry"
    PUBLISH_COPIED = "publish.copied"
    PUBLISH_WARNING = "publish.warning"
    PUBLISH_FAILED = "publish.failed"
    NOTICE_FAILED = "notice.failed"
    DEFECT = "defect"
    LIBRARY = "library"


#: Code of the rows for which no write went out, by the exit code the job ends with.
UNSENT_CODE: Final[dict[Exit, Code]] = {
    Exit.ROWS_NOT_DONE: Code.STOPPED,
    Exit.BAD_SHEET: Code.REFUSED,
    Exit.NO_PERMISSION: Code.REFUSED,
    Exit.BAD_SETTING: Code.REFUSED,
    Exit.UNAVAILABLE: Code.UNAVAILABLE,
    Exit.DEFECT: Code.INTERRUPTED,
    Exit.CANNOT_CREATE: Code.INTERRUPTED,
    Exit.INTERRUPTED: Code.INTERRUPTED,
}

#: The columns of the sheet that mean something, in the order of the documentation.
SHEET_COLUMNS: Final = (
    "department",
    "unit",
    "agent",
    "count",
    "order",
    "action",
    "unit monitor",
    "unit visibility",
    "new unit name",
    "new department name",
    "department enabled",
    "department show on registration",
    "department show on offline form",
    "department email",
    "department description",
)

#: The columns that a report adds behind the sheet's own, in this order.
OUTCOME_COLUMNS: Final = (
    "row",
    "status",
    "change",
    "code",
    "message",
    "attempts",
    "http_status",
    "seconds",
)

#: The last column of annotated.xlsx; like the outcome columns it is not read.
REMEDY_COLUMN: Final = "What to do"

#: In the ``unit`` column: take the department out of its unit.
NO_UNIT: Final = "-"


class Stop(Exception):
    """The job cannot go on: ends the program with ``exit_code``.

    ``message`` is one sentence for the person who reads the terminal; it never holds a secret. ``advice``: lines to print below it, what to
    do next and with which command.
    """

    def __init__(self, exit_code: Exit, message: str, advice: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.advice = advice
