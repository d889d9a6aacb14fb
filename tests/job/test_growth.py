"""What a whole plan and a whole run cost grows as the sheet does: work and bytes are counted, not timed."""

from fractions import Fraction
from pathlib import Path

from bulkjob.settings import MaxRemovals
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import foresee, rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State
from tests.support.work import lines_executed

#: Twice the sheet may be so many times the work.
LINEAR = 2.2


def exchanged(number: int) -> tuple[State, list[dict[str, object]]]:
    """A department with so many agents, and a sheet by which as many others are its agents."""
    state: State = {
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            *({"_id": f"a{place}", "username": f"agent{place}", "roles": ["livechat-agent"]} for place in range(2 * number)),
        ],
        "departments": [
            {
                "_id": "d0",
                "name": "Sales",
                "email": "sales@example.org",
                "enabled": True,
                "showOnRegistration": True,
                "showOnOfflineForm": True,
                "type": "d",
                "numAgents": number,
            }
        ],
        "departmentAgents": [
            {
                "_id": f"p{place}",
                "agentId": f"a{place}",
                "departmentId": "d0",
                "username": f"agent{place}",
                "departmentEnabled": True,
                "count": 0,
                "order": 0,
            }
            for place in range(number)
        ],
    }
    return state, [{"department": "Sales", "agent": f"agent{place}"} for place in range(number, 2 * number)]


def test_mirror_of_one_department(tmp_path: Path) -> None:
    """Twice the rows for which ``mirror`` removes twice the agents from one department are twice the work and the bytes, there and back."""
    everybody = MaxRemovals(percent=Fraction(100))
    lines: dict[int, list[int]] = {}
    sizes: dict[int, list[int]] = {}
    for number in (60, 120):
        state, rows = exchanged(number)
        folder = tmp_path / str(number)

        def plan(folder: Path = folder, state: State = state, rows: list[dict[str, object]] = rows) -> None:
            found = foresee(folder / "plan", state, rows, out=folder / "plan.json", agents="mirror", max_removals=everybody)
            assert found.exit == Exit.OK

        def run(folder: Path = folder, state: State = state, rows: list[dict[str, object]] = rows) -> None:
            ran = rehearse(folder, state, rows, agents="mirror", max_removals=everybody)
            assert (ran.exit, set(ran.column("change"))) == (Exit.OK, {"updated"})
            assert all(f"and {len(rows) - 5:,} more" in message for message in ran.column("message"))

        lines[number] = [lines_executed(plan), lines_executed(run)]
        after = rehearse(folder / "to be undone", state, rows, agents="mirror", max_removals=everybody).after

        def undo(folder: Path = folder, after: State = after, rows: list[dict[str, object]] = rows) -> None:
            back = roll_back(folder / "to be undone" / "run", after)
            assert (back.exit, {row["change"] for row in back.rows}) == (Exit.OK, {"updated"})
            assert all(f"and {len(rows) - 5:,} more" in row["message"] for row in back.rows)

        lines[number].append(lines_executed(undo))
        sizes[number] = [path.stat().st_size for path in (folder / "plan.json", folder / "run" / "journal.jsonl")]
    for few, many in zip((*lines[60], *sizes[60]), (*lines[120], *sizes[120]), strict=True):
        assert many <= LINEAR * few, (lines, sizes)
