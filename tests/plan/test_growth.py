"""What planning costs grows as the sheet does: work is counted, not timed."""

from collections.abc import Callable

import pytest

from bulkjob.plan.decide import make_plan
from bulkjob.plan.wanted import Wanted
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.settings import Choices
from tests.plan.test_decide import FIELDS, server, unit_row
from tests.support.work import lines_executed

BY_DEPARTMENT = Choices(unit_route="department")
#: Twice the sheet may be so many times the work: sorting and hash tables that grow come on top of what is linear.
LINEAR = 2.2


def there_of(parents: list[str | None]) -> Workspace:
    """A workspace of departments in units."""
    departments = [
        Department(id=f"d{number}", name=f"d{number}", parent_id=parent, archived=False, required=FIELDS)
        for number, parent in enumerate(parents)
    ]
    names = {parent for parent in parents if parent} | {"u0"}
    units = {name: Unit(id=name, name=name, visibility="public") for name in sorted(names)}
    return Workspace(departments={each.id: each for each in departments}, units=units, agents={})


def emptied(number: int) -> tuple[list[Wanted], Workspace]:
    """All departments leave their units, of which there is one for every 25."""
    rows = [unit_row(place, f"d{place}", None) for place in range(number)]
    return rows, there_of([f"u{place % (number // 25)}" for place in range(number)])


def exchanged(number: int) -> tuple[list[Wanted], Workspace]:
    """Half of the departments leave a unit for none, and the other half come into it."""
    half = number // 2
    rows = [unit_row(place, f"d{place}", None if place < half else "u0") for place in range(number)]
    return rows, there_of(["u0" if place < half else "u1" for place in range(number + 1)])


@pytest.mark.parametrize("shape", [emptied, exchanged])
@pytest.mark.parametrize("choices", [BY_DEPARTMENT, Choices()], ids=["department route", "unit route"])
def test_work_of_moves_is_linear(shape: Callable[[int], tuple[list[Wanted], Workspace]], choices: Choices) -> None:
    """Twice the departments are twice the work, whichever unit they leave or come to, on either route."""

    def work(number: int) -> int:
        rows, there = shape(number)
        return lines_executed(lambda: make_plan(rows, there, server(), choices))

    assert work(400) <= LINEAR * work(200)


def test_a_plan_does_not_name_everybody_for_each() -> None:
    """Where many leave a unit for none and as many come, the plan holds one line of waiting for each that comes, not one for each pair."""
    rows, there = exchanged(200)
    plan = make_plan(rows, there, server(), BY_DEPARTMENT)
    assert len(plan.operations) == 200
    assert sum(len(operation.after) for operation in plan.operations) == 100
