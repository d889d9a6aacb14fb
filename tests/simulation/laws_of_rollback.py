"""What must hold of a rollback whatever happens; each law returns a sentence for each time that it is broken."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulation.history import Picture, Target
from tests.simulation.laws import ABSENT, Asked, allowed_by_sheet, goes_by_department
from tests.simulation.more import ACCOUNTS
from tests.simulation.scenario import Scenario
from tests.simulation.world import Server

EMPTY = Picture({})


def allowed_back(target: Target, old: Any, new: Any, goal: Any, ever: list[Any]) -> bool:
    """Whether a rollback may turn one value into another: to what it was, number by number, or to one that it had on the way."""
    if target[0] == "unit":
        return new == goal or new in ever
    if target[0] != "place":
        return False
    known = [*ever, goal, old]
    if new is ABSENT:
        return ABSENT in [goal, *ever]
    there = [value for value in known if value is not ABSENT]
    return all(new[number] in {value[number] for value in there} for number in (0, 1)) and any(
        value is not ABSENT for value in (goal, *ever)
    )


def allowed_late(asked: Asked, server: Server, target: Target, old: Any, new: Any, *, goals: list[Picture]) -> bool:
    """Whether a late commit may turn one value into another: as the run might, or a rollback, whichever has sent it."""
    if target not in asked.units and target not in asked.places and not asked.unnamed(target):
        return False
    ever = [*server.record.ever(target), *([new] if asked.holds(target, new) else [])]
    return allowed_by_sheet(asked, target, old, new) or any(
        allowed_back(target, old, new, goal.values.get(target), ever) for goal in goals or [EMPTY]
    )


def parts(value: Any) -> dict[str, Any]:
    """A value of a unit or a place as what can be told apart in it."""
    if not isinstance(value, tuple):
        return {"there": value is not ABSENT, "itself": value}
    return {"there": True, "count": value[0], "order": value[1]}


def overwrites(asked: Asked, server: Server, target: Target, old: Any, new: Any, *, read: int, goals: list[Picture]) -> bool:
    """Whether a rollback's write turns what somebody else had made of a target, before it was read for that write, into something else.

    A value that the job has written or was to write tells nobody whose it is, nor does one that was there before and that it may have been
    about to put back with a call that got lost, nor a count that has risen, as with a chat.
    """
    moments = [edit.moment for edit in server.record.edits if edit.target == target and not edit.chat]
    entries = server.record.history.get(target, [])
    if not moments or old == new or server.record.ever(target, max(moments))[0] != old or max(moments) > read:
        return False
    ours = [parts(ABSENT if not entries or entries[0][0] > 0 else entries[0][1])]
    ours += [parts(value) for moment, value in entries if moment < max(moments) or moment not in moments]
    ours += [parts(goal.values.get(target)) for goal in goals]
    if target in asked.units:
        ours.append(parts(asked.units[target]))
    if asked.unnamed(target):
        ours.append(parts(ABSENT))
    elif target in asked.places:
        wanted = asked.places[target]
        ours.append({"there": wanted.present} | ({"count": wanted.count or 0, "order": wanted.order or 0} if wanted.present else {}))
    was, becomes = parts(old), parts(new)
    for part, value in was.items():
        known = [each[part] for each in ours if part in each]
        risen = part == "count" and any(value > each for each in known)
        if becomes.get(part) != value and value not in known and not risen:
            return True
    return False


def success_is_back(
    scenario: Scenario,
    asked: Asked,
    server: Server,
    goal: Picture,
    rows: list[dict[str, str]],
    *,
    during: tuple[int, int],
    seen: Mapping[str, int],
) -> Iterable[str]:
    """What a successful row of a rollback is about is as it was; ``during``: from which moment to which the run went on.

    A department that somebody has deleted takes with it all that was to be put back there. ``seen``: row → when the attempt began that
    first said that it is success; a late commit that came after that is nobody's fault, nor is one of a job before the one that is undone.
    """
    for number, (row, reported) in enumerate(zip(scenario.rows, rows, strict=True), start=2):
        if reported["status"] == "success" and not row.invalid:
            there = ("fields of department", row.department) in server.now.values
            for target in asked.targets_of(row, server.record.history) if there else ():
                if server.record.strayed(target, during[0]):
                    continue
                if not is_back(server, target, goal.values.get(target), seen[reported["row"]]):
                    yield f"row {number} is success, and {target} is {server.now.values.get(target)}, not {goal.values.get(target)}"
                if not was_back(server, target, goal.values.get(target), during):
                    yield f"row {number} is success, and {target} is somebody else's: {server.now.values.get(target)}"


def was_back(server: Server, target: Target, goal: Any, during: tuple[int, int]) -> bool:
    """Whether what the job has changed in a target was put back at some moment of the rollback.

    That is to what was there before, or to what somebody made of it while the run went on. What a write did to an edit
    that came in its round trip, no journal knows: a later attempt finds what is left of it, and that is what it puts back.
    """
    record, (since, begun) = server.record, during
    moments = {edit.moment for edit in record.edits if edit.target == target}
    entries = [(0, ABSENT), *record.history.get(target, [])]
    changed: set[str] = set()
    for (_, old), (moment, new) in itertools.pairwise(entries):
        if since < moment <= begun and moment not in moments and (target, moment) not in record.crossed:
            was, became = parts(old), parts(new)
            changed |= {part for part in (was | became) if was.get(part) != became.get(part)}
    others = moments | {moment for crossed, moment in record.crossed if crossed == target}
    fine = [parts(goal), *(parts(value) for moment, value in entries if moment in others and since < moment <= begun)]
    held = [parts(value) for value in record.ever(target, begun)]
    if record.touched(target):
        changed.discard("count")

    def is_fine(value: dict[str, Any], part: str) -> bool:
        return part not in value or any(one.get(part, value[part]) == value[part] for one in fine)

    return any(all(is_fine(value, part) for part in changed) for value in held)


def is_back(server: Server, target: Target, goal: Any, since: int) -> bool:
    """Whether a target is as it was, as far as that is anybody's business: somebody else's edits are theirs, chats go on.

    Where a late commit has changed it since a moment, it need only have been so.
    """
    now, record = server.now.values.get(target), server.record
    for value in record.ever(target, since) if record.late_since(target, since) else [now]:
        if record.touched(target, chats=False) or value == goal:
            return True
        if record.touched(target) and value is not ABSENT and goal is not ABSENT and value[1] == goal[1]:
            return True
    return False


def all_back(scenario: Scenario, server: Server, goal: Picture, rows: list[dict[str, str]], *, since: int, begun: int) -> Iterable[str]:
    """Undisturbed, and with nobody else at work, everything is as it was; ``begun``: when the rollback began, ``since``: the run.

    Two things cannot be: an account that is restricted to its own units may not give a department back to another, and whom the
    workspace does not know any more is taken into no department.
    """
    people = {target[1] for target in server.now.values if target[0] == "person"}
    gone = {target[2] for target in goal.values if target[0] == "place"} - people
    excuses = {"last-department-in-unit", "rejected"} if goes_by_department(scenario) else set()
    excuses |= {"unit-not-permitted", "refused", "stopped"} if scenario.user in ACCOUNTS else set()
    excuses |= {"not-applied", "stopped"} if gone else set()
    # What a late commit has made of things after they were put back passes for somebody else's work.
    strayed = any(server.record.strayed(target, since) for target in goal.values | server.now.values)
    excuses |= {"changed-meanwhile"} if strayed or server.record.unsettled(begun) else set()
    for number, reported in enumerate(rows, start=2):
        if reported["status"] != "success" and reported["code"] not in excuses:
            yield f"row {number} of the rollback is {reported['status']} ({reported['code']}: {reported['message']})"
    failed = {row.department for row, reported in zip(scenario.rows, rows, strict=True) if reported["code"] in excuses}
    for target in goal.values | server.now.values:
        late = server.record.late_since(target, begun) or server.record.strayed(target, since)
        if not (is_back(server, target, goal.values.get(target), begun) or late or target[1] in failed):
            yield f"{target} is {server.now.values.get(target)} after the rollback, and was {goal.values.get(target)}"
