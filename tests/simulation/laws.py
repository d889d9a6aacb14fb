"""What must hold whatever happens; each law returns a sentence for each time that it is broken."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.rundir.format import Concluded, Intent, Written, records_of
from bulkjob.vocabulary import OUTCOME_COLUMNS, Exit, Status
from tests.simulation.history import Picture, Target
from tests.simulation.more import ACCOUNTS, own_units
from tests.simulation.scenario import KEEP, Row, Scenario, Wanted
from tests.simulation.world import Server

ABSENT = None


@dataclass(slots=True)
class Asked:
    """What a sheet asks for, by target."""

    units: dict[Target, str | None] = field(default_factory=dict)
    places: dict[Target, Wanted] = field(default_factory=dict)
    mirrored: set[str] = field(default_factory=set)
    """Departments in which nobody else may stay."""
    held_back: set[str] = field(default_factory=set)
    """Departments that an invalid row is about."""

    @classmethod
    def of(cls, scenario: Scenario) -> "Asked":
        asked = cls()
        for row in scenario.rows:
            if row.invalid:
                asked.held_back.add(row.department)
                continue
            if row.unit != KEEP:
                asked.units["unit", row.department] = row.unit
            if row.wanted is not None:
                asked.places["place", row.department, row.agent] = row.wanted
                if row.wanted.present and scenario.settings["agents"] == "mirror":
                    asked.mirrored.add(row.department)
        return asked

    def unnamed(self, target: Target) -> bool:
        """Whether `mirror` removes whoever is in this place."""
        return target[0] == "place" and target[1] in self.mirrored and target not in self.places

    def targets_of(self, row: Row, known: Iterable[Target]) -> list[Target]:
        """What decides a row; ``known`` are the targets that there ever were."""
        targets: list[Target] = []
        if row.unit != KEEP:
            targets.append(("unit", row.department))
        if row.wanted is not None:
            targets.append(("place", row.department, row.agent))
            if row.wanted.present:
                targets += [target for target in known if self.unnamed(target) and target[1] == row.department]
        return targets

    def holds(self, target: Target, value: Any, *, chats: bool = False) -> bool:
        """Whether a value is what the sheet asks for; with ``chats``, the count may be higher."""
        if target[0] == "unit":
            return bool(value == self.units[target])
        if self.unnamed(target):
            return value is ABSENT
        wanted = self.places[target]
        if value is ABSENT or not wanted.present:
            return (value is not ABSENT) == wanted.present
        count, order = value
        return wanted.order in (None, order) and (wanted.count in (None, count) or (chats and count > wanted.count))


# ----------------------------------------------------------------------------------------------------------------- a write


def allowed_by_sheet(asked: Asked, target: Target, old: Any, new: Any) -> bool:
    """Whether a run may turn one value into another: to what the sheet asks for, and what it does not give stays."""
    if target[0] == "unit":
        return target in asked.units and asked.holds(target, new)
    if target[0] != "place" or not (asked.unnamed(target) or target in asked.places):
        return False
    if new is ABSENT or asked.unnamed(target):
        return asked.holds(target, new)
    count, order = (0, 0) if old is ABSENT else old
    wanted = asked.places[target]
    return bool(
        wanted.present
        and new[0] == (count if wanted.count is None else wanted.count)
        and new[1] == (order if wanted.order is None else wanted.order)
    )


def within_own_units(own: frozenset[str] | None, target: Target, write: tuple[Any, Any], path: str) -> bool:
    """Whether a write of an account that is restricted to its own units changes no other: the unit of the call, or a department's two."""
    if own is None or target[0] != "unit":
        return True
    named = {path.rsplit("/", 1)[-1]} if "/units/" in path else {unit for unit in write if unit}
    return named <= own


# ---------------------------------------------------------------------------------------------------------------- a report


def results_of(folder: Path) -> list[dict[str, str]]:
    """The rows of results.csv, outcome columns by name."""
    text = (folder / "results.csv").read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def every_row_once(scenario: Scenario, rows: list[dict[str, str]], summary: Mapping[str, Any], code: int) -> Iterable[str]:
    """The report has the sheet's rows in the sheet's order, and its figures are theirs."""
    if [row["row"] for row in rows] != [str(number) for number in range(2, 2 + len(scenario.rows))]:
        yield f"results.csv has the rows {[row['row'] for row in rows]} of {len(scenario.rows)}"
        return
    if not set(OUTCOME_COLUMNS) <= rows[0].keys():
        yield f"results.csv lacks a column: {list(rows[0])}"
    statuses = [row["status"] for row in rows]
    figures = {name: statuses.count(name) for name in ("success", "failed", "invalid", "not_sent")}
    if {"total": len(rows), **figures} != summary["rows"]:
        yield f"summary.json counts {summary['rows']}, results.csv {figures}"
    if summary["exit_code"] != code:
        yield f"summary.json says exit {summary['exit_code']}, the program {code}"
    for number, row in enumerate(rows, start=2):
        success = row["status"] == "success"
        if success != (row["code"] == "") or success != (row["change"] in ("updated", "unchanged")):
            yield f"row {number} is {row['status']} with change {row['change']!r} and code {row['code']!r}"
        if row["status"] in ("invalid", "not_sent") and (row["attempts"], row["http_status"], row["seconds"]) != ("", "", ""):
            yield f"row {number} is {row['status']} and has figures of a write"
        if row["status"] not in ("success", "failed", "invalid", "not_sent"):
            yield f"row {number} is {row['status']}"


#: Code of the rows that were not sent, by exit code.
_UNSENT = {
    Exit.ROWS_NOT_DONE: {"stopped", "refused"},
    Exit.BAD_SHEET: {"refused"},
    Exit.NO_PERMISSION: {"refused"},
    Exit.BAD_SETTING: {"refused"},
    Exit.UNAVAILABLE: {"unavailable"},
    Exit.INTERRUPTED: {"interrupted"},
}


def exit_code_fits(rows: list[dict[str, str]], code: int, possible: set[int], *, held_back: bool, repairs: bool) -> Iterable[str]:
    """The exit code is one that this attempt can have, and agrees with the rows; ``repairs``: there may be writes that no row hangs on.

    What stopped the job decides, also where an earlier attempt had left nothing undone: so it is with a server that cannot be reached,
    and with an account that is refused.
    """
    statuses = {row["status"] for row in rows}
    unsent = {row["code"] for row in rows if row["status"] == "not_sent"} - ({"refused"} if held_back else set())
    if code not in possible:
        yield f"exit {code}, possible are {sorted(possible)}"
    stopped = code in (Exit.UNAVAILABLE, Exit.BAD_SETTING, Exit.NO_PERMISSION) or (code == Exit.INTERRUPTED and repairs)
    if (code == Exit.OK) != (statuses == {"success"}) and not (stopped and statuses == {"success"}):
        yield f"exit {code} with rows that are {sorted(statuses)}"
    if not unsent <= _UNSENT.get(Exit(code), set()):
        yield f"exit {code} with unsent rows of code {sorted(unsent)}"
    if code == Exit.INTERRUPTED and not statuses & {"not_sent", "failed"} and not repairs:
        yield "exit 75 with nothing left undone"


def success_is_held(
    scenario: Scenario, asked: Asked, server: Server, start: int, rows: list[dict[str, str]], *, since: Mapping[str, int]
) -> Iterable[str]:
    """What a successful row asks for is so, or was at some moment of the run where somebody else has edited it since.

    ``since``: row → when the attempt began that first said so. What a late commit has made of it after that, nobody has seen.
    """
    record = server.record
    for number, (row, reported) in enumerate(zip(scenario.rows, rows, strict=True), start=2):
        if reported["status"] != "success":
            continue
        if row.invalid or row.department in asked.held_back:
            yield f"row {number} is success, and is invalid or held back"
            continue
        targets = asked.targets_of(row, record.history)
        for target in targets:
            chats = record.touched(target)
            edited = record.touched(target, chats=False)
            late = record.late_since(target, since[reported["row"]])
            values = record.ever(target, start if edited else since[reported["row"]]) if edited or late else [server.now.values.get(target)]
            if not any(asked.holds(target, value, chats=chats) for value in values):
                yield f"row {number} is success, and {target} is {server.now.values.get(target)}"
        if not any(record.touched(target) for target in targets):
            was = all(asked.holds(target, record.ever(target, start)[0]) for target in targets)
            if was != (reported["change"] == "unchanged"):
                yield f"row {number} is {reported['change']}, and was {'' if was else 'not '}so at the beginning"


def success_stays(done: Mapping[str, dict[str, str]], rows: list[dict[str, str]]) -> Iterable[str]:
    """A row that an earlier attempt in the same directory reported as success is reported just so by every later one."""
    for row in rows:
        if row["row"] in done and done[row["row"]] != row:
            before = done[row["row"]]
            different = {name: (before[name], row[name]) for name in row if before[name] != row[name]}
            yield f"row {row['row']} was success, and is reported otherwise now: {different}"


# ----------------------------------------------------------------------------------------------------------------- the end


def nothing_done_twice(journal: Path, server: Server) -> Iterable[str]:
    """What the journal says is done is not written again, unless somebody else has edited it."""
    if not journal.exists():
        return
    records, _ = records_of(journal.read_bytes())
    intents: dict[int, Intent] = {}
    done: set[Target] = set()
    for record in records:
        if isinstance(record, Intent):
            if record.number in intents:
                yield f"the journal has two intents with the number {record.number}"
            intents[record.number] = record
            for change in record.changes:
                strayed = server.record.strayed(_target(change))
                if _target(change) in done and not (server.record.touched(_target(change)) or strayed):
                    yield f"{_target(change)} was done and is written again by intent {record.number}"
        elif isinstance(record, Concluded):
            changes = intents[record.number].changes
            done.update(_target(each) for each, outcome in zip(changes, record.outcomes, strict=True) if outcome.status is Status.SUCCESS)


def _target(written: Written) -> Target:
    match written.change:
        case DepartmentAgent(department_id=department, agent_id=agent):
            return "place", department, agent
        case DepartmentUnit(department_id=department):
            return "unit", department
        case change:
            return change.target


def goes_by_department(scenario: Scenario) -> bool:
    """Whether departments are moved one by one: as the settings say, or because the account may not write units."""
    return scenario.settings["unit_route"] == "department" or (scenario.settings["unit_route"] == "auto" and scenario.user == "plain")


def reaches(scenario: Scenario, wanted: str | None, was: str | None) -> bool:
    """Whether the account can move a department from one unit to another, either of which may be none.

    Who writes whole units needs the one that is written; ``departmentUnit`` is for monitors of both.
    """
    own = own_units(scenario)
    if own is None:
        return True
    if goes_by_department(scenario):
        return ACCOUNTS[scenario.user].monitors and {wanted, was} - {None} <= own
    return scenario.user != "plain" and {wanted or was} <= own


def finished(scenario: Scenario, asked: Asked, server: Server, start: Picture, rows: list[dict[str, str]]) -> Iterable[str]:
    """Undisturbed, and with nobody else at work, a run ends with the workspace as the sheet says, and every row that can be is success.

    What an archived department or a unit that the account does not reach stands against stays as it was, and its row says so.
    """
    archived = {department["_id"] for department in scenario.state["departments"] if department["archived"]}

    def possible(target: Target) -> bool:
        was = start.values.get(target)
        permitted = target[0] != "unit" or reaches(scenario, asked.units[target], was)
        return asked.holds(target, was) or (target[1] not in archived and permitted)

    yield from _rows_finished(scenario, asked, server, rows, possible)
    failed = {row.department for row, reported in zip(scenario.rows, rows, strict=True) if reported["status"] != "success"}
    excused = failed if goes_by_department(scenario) or scenario.user in ACCOUNTS else set()
    for target in start.values | server.now.values | asked.units | asked.places:
        was, now = start.values.get(target), server.now.values.get(target)
        wanted = target in asked.units or target in asked.places or (asked.unnamed(target) and target in start.values)
        if not (wanted and target[1] not in asked.held_back and possible(target)):
            if now != was and not server.record.touched(target) and target[1] not in excused:
                yield f"{target} was {was}, is {now}, and should have stayed"
        elif target in server.record.late:
            # After it was seen to be as the sheet says, or a row would have been success that was not seen so.
            continue
        elif not asked.holds(target, now, chats=server.record.touched(target)) and target[1] not in excused:
            yield f"{target} is {now}, and the sheet asks for something else"


def _rows_finished(
    scenario: Scenario, asked: Asked, server: Server, rows: list[dict[str, str]], possible: Callable[[Target], bool]
) -> Iterable[str]:
    excuses = _excuses(scenario)
    found_by_trying = excuses - {"unit-not-permitted"} if scenario.user != "plain" else {"unit-not-permitted", *excuses}
    known = [target for target, values in server.record.history.items() if values[0][0] == 0]
    for number, (row, reported) in enumerate(zip(scenario.rows, rows, strict=True), start=2):
        targets = asked.targets_of(row, known)
        if row.invalid or row.department in asked.held_back:
            expected = "invalid" if row.invalid else "not_sent"
        else:
            expected = "success" if all(map(possible, targets)) else "failed"
        chats = any(server.record.touched(target) for target in targets)
        if reported["status"] != expected and not chats and reported["code"] not in excuses:
            yield f"row {number} is {reported['status']} ({reported['code']}: {reported['message']}), and should be {expected}"
        foretold = reported["code"] in ("department-archived", "unit-not-permitted") and reported["attempts"] == ""
        if expected == "failed" and not (chats or foretold or reported["code"] in found_by_trying):
            yield f"row {number} is {reported['code']} after {reported['attempts'] or 'no'} attempts, and that was to be known before"


def _excuses(scenario: Scenario) -> set[str]:
    """The codes of rows that could have been success but for the route or the account."""
    excuses = {"last-department-in-unit", "rejected"} if goes_by_department(scenario) else set()
    if scenario.user == "plain":
        # It is shown its own units at most, so that others are found out by trying.
        excuses |= {"unit-not-permitted", "stopped"}
    elif scenario.user in ACCOUNTS and not ACCOUNTS[scenario.user].monitors:
        # Whoever is a monitor without the role is dropped by the first write of the unit, and reaches it no longer.
        excuses |= {"unit-not-permitted", "stopped"}
    return excuses


def token_is_secret(token: str, said: Iterable[str], folder: Path) -> Iterable[str]:
    """The token is in no file and in nothing that was printed or logged."""
    if any(token in text for text in said):
        yield "the token was printed"
    for path in folder.rglob("*"):
        if path.is_file() and token.encode() in path.read_bytes():
            yield f"the token is in {path.name}"


def whole_files(folder: Path, rows: int) -> Iterable[str]:
    """After a crash, what there is of a report is whole, and nothing lies beside it."""
    if list(folder.rglob("*.part")):
        yield "a part of a file is left"
    if (folder / "results.csv").exists() and len(results_of(folder)) != rows:
        yield "results.csv is not whole"
    if (folder / "summary.json").exists():
        json.loads((folder / "summary.json").read_bytes())
