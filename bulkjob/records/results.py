"""What is known of a run at any moment, and the outcome of each row."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkjob.records.naming import Naming
from bulkjob.records.plan import Outcome, Wish
from bulkjob.records.sheet import CheckedSheet, Problem
from bulkjob.vocabulary import Change, Code, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """One row's outcome: the outcome columns of the report."""

    row: int
    status: Status
    change: Change = Change.NONE
    code: Code | None = None
    message: str = ""
    attempts: int | None = None
    http_status: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a run has found out by its end, however early that is."""

    checked: CheckedSheet
    problems: tuple[Problem, ...] = ()
    """What the server's lists showed."""
    held_back: frozenset[int] = frozenset()
    """Rows that are valid, of departments that an invalid row is about."""
    wishes: tuple[Wish, ...] = ()
    outcomes: Mapping[Wish, Outcome] | None = None
    """Of the wishes that were settled; None before there is a plan."""
    naming: Naming | None = None
    earlier: Mapping[int, RowResult] = field(default_factory=dict)
    """Rows that an earlier attempt brought to success; they keep their results."""
    undoes: bool = False
    """Whether the job puts back what another one changed."""
    repairs_left: frozenset[str] = frozenset()
    """Ids of the units whose counters the job did not come to put right, though no row hangs on it."""

    @property
    def departments(self) -> dict[int, str]:
        """Row → what stands for its department: its id where that is known, else the sheet's word for it."""
        position = self.checked.sheet.positions["department"]
        cells = self.checked.sheet.cells
        words = dict(zip(cells.index.tolist(), cells[position].tolist(), strict=True))
        return words | {row: wish.department_id for wish in self.wishes for row in wish.rows}
