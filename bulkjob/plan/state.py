"""What a run has found out so far, so that every ending can be reported, however early it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkjob.changes import Attempt, Change, Outcome, Plan
from bulkjob.plan.past import naming_of
from bulkjob.plan.renamers import renaming_rows
from bulkjob.records import NO_MEANINGS, CheckedSheet, Meanings, Naming, Problem, RowResult, Server, Workspace
from bulkjob.rundir import History


@dataclass(slots=True, kw_only=True)
class RunState:
    """The state of one run. The job makes it, the parts of the run write down what they find, the report reads it."""

    checked: CheckedSheet
    undoes: bool = False
    """Whether the job puts back what another one changed."""
    earlier: dict[int, RowResult] = field(default_factory=dict)
    """Rows that an earlier attempt brought to success; they keep their results."""
    attempts: tuple[Attempt, ...] = ()
    """What earlier attempts of the same run made, or may have made."""
    undone: History = field(default_factory=History)
    """Of a rollback: what the journal of the run that is undone tells."""
    kept: Meanings = NO_MEANINGS
    """What the sheet's texts meant when the plan was made that this run carries out; empty where it makes the first."""
    made: Mapping[str, str] = field(default_factory=dict)
    """What stood for units that were to be made → their ids, of those that earlier attempts are known to have made."""
    meanings: Meanings = NO_MEANINGS
    """What the sheet's texts mean."""
    server: Server | None = None
    workspace: Workspace | None = None
    """As it was read before the first write; None before that."""
    problems: tuple[Problem, ...] = ()
    """What the server's lists showed to be wrong with the sheet."""
    held_back: frozenset[int] = frozenset()
    """Rows that are valid, of departments that an invalid row is about."""
    plan: Plan | None = None
    """What is carried out; None before there is a plan."""
    outcomes: Mapping[Change, Outcome] | None = None
    """Of the changes that are decided; None before there is a plan."""
    repairs_left: frozenset[str] = frozenset()
    """Ids of the units whose counters the job did not get to repair; no row depends on it."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for people, in the order in which they were found."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the plan is about."""
        return self.plan.changes if self.plan else ()

    @property
    def naming(self) -> Naming:
        """How things are called, by the workspace and by what is known of before; of what nobody knows a name the id stands for itself."""
        workspace = self.workspace or Workspace(departments={}, units=None, agents={})
        meanings = self.meanings or self.kept or self.undone.names
        return naming_of(workspace, self.changes, self.attempts, undone=self.undone.attempts, meanings=meanings)

    @property
    def departments(self) -> dict[int, str]:
        """Row → what stands for its department: its id where that is known, else the sheet's word for it; without rows that have none."""
        position = self.checked.sheet.positions.get("department")
        cells = self.checked.sheet.cells
        texts = [] if position is None else cells[position].tolist()
        words = {row: text for row, text in zip(cells.index.tolist(), texts, strict=False) if text}
        told: tuple[int, ...] | None = None
        for change in self.changes:
            # All removals that `mirror` makes in a department are asked for by the same rows.
            if change.target[0] == "department" and change.rows is not told:
                told = change.rows
                words.update(dict.fromkeys(told, change.target[1]))
        return words

    @property
    def renamers(self) -> Mapping[int, frozenset[int]]:
        """Row → the rows that rename its department or its unit, without which nobody knows what it names; rows without any are absent."""
        meanings = self.meanings or self.kept
        found: dict[int, frozenset[int]] = {}
        for column, known in (("department", meanings.departments), ("unit", meanings.units)):
            for row, renaming in renaming_rows(self.checked.sheet, column, known).items():
                found[row] = found.get(row, frozenset()) | renaming
        return found
