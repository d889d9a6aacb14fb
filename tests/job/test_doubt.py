"""Writes of unknown outcome: each row is told as it is found."""

from pathlib import Path
from typing import Any

import pytest

from bulkjob.rocketchat import Failure, Next, NoAnswer
from bulkjob.vocabulary import Code, Exit
from tests.support.pasts import told
from tests.support.rehearsal import Ran, rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State, parents, places


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (
            [{"department": "gamma", "agent": "ann"}, {"department": "gamma", "agent": "bob"}],
            {"upsert": [{"agentId": "u-ann", "username": "ann", "count": 0, "order": 0}], "remove": []},
        ),
        (
            [{"department": "alpha", "agent": "ann", "action": "remove"}, {"department": "alpha", "agent": "cid"}],
            {"upsert": [], "remove": [{"agentId": "u-ann", "username": "ann"}]},
        ),
    ],
    ids=["PUT", "POST agents"],
)
def test_a_write_that_was_done_in_part_is_told_row_by_row(
    small: State, tmp_path: Path, rows: list[dict[str, str]], part: dict[str, Any]
) -> None:
    """Of a write that broke off half-way, the rows whose part is seen to hold are changed, the others have failed; both can be undone."""

    def meddle(transport: Any, request: Any) -> None:
        if request.writes:
            assert transport.call("POST", f"/api/v1/livechat/department/{rows[0]['department']}/agents", part).status == 200
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer", undecided=True))

    ran = rehearse(tmp_path, small, rows, meddle=meddle, retries=1)
    assert ran.exit == Exit.ROWS_NOT_DONE
    assert ran.column("status") == ["success", "failed"]
    assert ran.column("change") == ["updated", ""]
    assert ran.column("code") == ["", "timeout"]
    assert ran.column("attempts") == ["1", "1"]


@pytest.mark.parametrize("route", ["unit", "department"])
def test_what_somebody_changed_before_the_look_is_not_said_to_be_untouched(small: State, tmp_path: Path, route: str) -> None:
    """The row has failed, as it is not as asked; its rollback says that somebody has changed it, not that the run changed nothing."""

    def meddle(transport: Any, request: Any) -> None:
        last = next((call for call in reversed(transport.sandbox.calls()) if call["method"] != "GET"), None)
        if last and last["route"] == "livechat/units/:id":
            transport.sandbox.store.update("alpha", {"parentId": "third", "ancestors": ["third"]})
        if last and last["route"] == "livechat/department/:id/agents":
            transport.sandbox.store.save_row("beta", "u-ann", {"username": "ann", "count": 0, "order": 4})

    small["units"].append({**small["units"][0], "_id": "third", "name": "Third", "numDepartments": 0})
    rows = [{"department": "beta", "agent": "ann", "order": "7"}, {"department": "beta", "agent": "bob", "action": "remove"}]
    rows += [{"department": "alpha", "unit": "south"}] if route == "unit" else []
    ran = rehearse(tmp_path, small, rows, meddle=meddle, unit_route=route)
    assert ran.column("code") == ["not-applied", "", *(["not-applied"] if route == "unit" else [])]
    back = roll_back(tmp_path / "run", ran.after)
    assert [row["code"] for row in back.rows] == ["changed-meanwhile", "", *(["changed-meanwhile"] if route == "unit" else [])]


@pytest.mark.parametrize("late", ["all", "a part"])
def test_a_write_that_was_carried_out_after_the_look_has_its_figures(small: State, tmp_path: Path, late: str) -> None:
    """A look finds nothing, the next attempt finds it done: that is the work of the call, which has an answer and took its time."""
    kept: list[tuple[str, str, Any]] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.writes:
            agents = [one for one in request.body["agents"] if late == "all" or one["agentId"] == "u-ann"]
            kept.append((request.route.method, request.path, {**request.body, "agents": agents}))
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.SERVER_ERROR, said="bad gateway", status=502, undecided=True))
        if len(kept) == 1 and transport.sandbox.calls()[-1]["method"] == "GET":
            looks.append(request.path)
            if len(looks) == 2:
                transport.call(*kept[0])

    looks: list[str] = []
    rows = [{"department": "gamma", "agent": "ann"}, {"department": "gamma", "agent": "bob"}]
    ran = rehearse(tmp_path, small, rows, meddle=meddle, retries=2)
    figures = [(row["status"], row["change"], row["attempts"], row["http_status"], bool(row["seconds"])) for row in ran.rows]
    if late == "all":
        assert figures == [("success", "updated", "1", "502", True)] * 2
    else:
        assert figures == [("success", "updated", "2", "502", True), ("failed", "", "2", "502", True)]


@pytest.mark.parametrize(
    ("then", "code", "words"), [("forget", "not-applied", "said yes"), ("archive", "department-archived", "archived, so the server did")]
)
def test_a_write_that_arrives_after_all_is_undone(small: State, tmp_path: Path, then: str, code: str, words: str) -> None:
    """Its first sending gets no answer, the second one comes to nothing, then the first one is carried out: the rollback puts it back."""
    sent: list[tuple[str, str, Any]] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.writes and not sent:
            sent.append((request.route.method, request.path, request.body))
            if then == "archive":
                transport.sandbox.store.update("gamma", {"archived": True, "enabled": False})
            else:
                transport.sandbox.set_faults("forget@PUT")
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer", undecided=True))

    ran = rehearse(tmp_path, small, [{"department": "gamma", "agent": "ann"}], meddle=meddle)
    assert ran.column("code") == [code]
    assert words in ran.rows[0]["message"]
    assert ran.rows[0]["attempts"] == ("2" if then == "forget" else "1")
    arrived(ran, sent[0][2]["agents"][0])


def test_agents_whom_an_old_server_stores_late_are_undone(small: State, tmp_path: Path) -> None:
    """Before 6.6 a PUT is answered before its agents are stored, however long that takes."""
    bodies: list[Any] = []
    rows = [{"department": "gamma", "agent": "ann"}]
    ran = rehearse(
        tmp_path,
        small,
        rows,
        version="6.5",
        faults="forget@PUT",
        meddle=lambda _, request: bodies.append(request.body) if request.writes else None,
    )
    assert ran.column("code") == ["not-applied"]
    arrived(ran, bodies[0]["agents"][0])


def arrived(ran: Ran, agent: dict[str, Any]) -> None:
    """An agent is stored after all that the run has seen: its rollback takes them out again."""
    departments = [{**each, "archived": False, "enabled": True} if each["_id"] == "gamma" else each for each in ran.after["departments"]]
    late = {**agent, "departmentId": "gamma", "_id": "late"}
    state = {**ran.after, "departments": departments, "departmentAgents": [*ran.after["departmentAgents"], late]}
    back = roll_back(ran.folder, state)
    assert [(row["status"], row["change"]) for row in back.rows] == [("success", "updated")]
    assert not [row for row in back.after["departmentAgents"] if row["_id"] == "late"]


def test_a_unit_that_is_made_while_the_lists_are_read_is_not_made_twice(small: State, tmp_path: Path) -> None:
    """The list of units is read before its making arrives, that of the departments after: there is one unit, and the past is told right."""
    kept: list[tuple[str, str, Any]] = []
    lists: list[str] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.writes and not kept:
            kept.append((request.route.method, request.path, request.body))
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer", undecided=True))
        if kept and len(lists) < 4:
            lists.append(request.path)
            if len(lists) == 4:
                # Units and departments were looked at, and the units are listed anew.
                assert lists[2:] == ["/api/v1/livechat/units", "/api/v1/livechat/department"]
                transport.call(*kept[0])

    ran = rehearse(tmp_path, small, [{"department": "alpha", "unit": "West"}], meddle=meddle, create_units=True)
    assert [unit["name"] for unit in ran.after["units"]] == ["NORTH", "SOUTH", "West"]
    assert ran.column("change") == ["updated"]
    assert told(ran) == ['Unit "West" created. Moved to unit "West" (new) from "NORTH" (north).']


#: A write of each kind, and the route that it takes.
OF_EACH_KIND = [
    pytest.param({"department": "gamma", "agent": "ann"}, "PUT livechat/department/:id", id="PUT"),
    pytest.param({"department": "alpha", "agent": "ann", "action": "remove"}, "POST livechat/department/:id/agents", id="POST agents"),
    pytest.param({"department": "gamma", "unit": "north"}, "POST livechat/units/:id", id="POST unit"),
]


@pytest.mark.parametrize(("row", "route"), OF_EACH_KIND)
def test_a_refusal_that_proves_nothing_is_undone_if_it_was_done_after_all(
    small: State, tmp_path: Path, row: dict[str, str], route: str
) -> None:
    """A write was refused in words that the server also says after the work, and not seen to be done: what turns up later is put back."""
    failed = rehearse(tmp_path / "failed", small, [row], faults=f"400-before=other@{route}")
    done = rehearse(tmp_path / "done", small, [row])
    assert failed.column("code") == ["rejected"]
    back = roll_back(failed.folder, done.after)
    assert back.exit == Exit.OK
    assert [each["change"] for each in back.rows] == ["updated"]
    assert (places(back.after), parents(back.after)) == (places(small), parents(small))
