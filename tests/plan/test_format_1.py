"""A plan's document as the first version wrote it."""

import json
from pathlib import Path

import msgspec
import pytest

from bulkjob.changes.change import Place
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.document import FORMAT
from bulkjob.plan.file import parse_plan, pieces_of_plan

RECORDED = (Path(__file__).parent.parent / "recorded" / "journal-1" / "plan.json").read_bytes()


def test_a_plan_of_the_first_format_is_read() -> None:
    """A plan that the first version wrote is the plan that it was: operations, what was found and what is wanted."""
    document, told = parse_plan(RECORDED), json.loads(RECORDED)
    assert document.format == 1
    assert [operation.changes for operation in document.operations] == [tuple(each["wishes"]) for each in told["operations"]]
    assert len(document.changes) == len(told["wishes"]) > 50
    for entry, old in zip(document.changes, told["wishes"], strict=True):
        change = entry.change()
        assert (change.target[1], entry.status, list(entry.rows)) == (old["department"]["id"], old["status"], old["rows"])
        for seen, was in ((change.wanted, old["wanted"]), (entry.prior(), old["found"])):
            if isinstance(change, DepartmentUnit):
                assert seen == (was["id"] if was else None)
            else:
                assert isinstance(change, DepartmentAgent)
                assert (change.agent_id, change.username) == (old["agent"]["id"], old["agent"]["name"])
                assert seen == (Place(**was) if was else None)


def test_it_can_be_written_and_read_again() -> None:
    """Read from the first format and written, it is a plan of the format of today."""
    document = parse_plan(RECORDED)
    today = msgspec.structs.replace(document, format=FORMAT)
    assert parse_plan(b"".join(pieces_of_plan(today))) == today


@pytest.mark.parametrize(
    "damage",
    [
        {"wishes": None},
        {"wishes": [7]},
        {"operations": None},
        {"operations": [7]},
        {"operations": {"id": "unit/a"}},
        {"operations": [{"id": "unit/a"}]},
        {"rows": None},
    ],
)
def test_damage_is_seen(damage: dict[str, object]) -> None:
    """A damaged plan of the first format is told as such, whatever is damaged."""
    with pytest.raises(ValueError, match="damaged"):
        parse_plan(json.dumps({**json.loads(RECORDED), **damage}).encode())


@pytest.mark.parametrize("missing", ["wishes", "operations"])
def test_what_is_missing_is_seen(missing: str) -> None:
    """So is one without one of its lists."""
    document = json.loads(RECORDED)
    del document[missing]
    with pytest.raises(ValueError, match="damaged"):
        parse_plan(json.dumps(document).encode())
