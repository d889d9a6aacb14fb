"""Nothing that a server or a proxy sends breaks the layer, stops it for ever, or is taken for something that was done."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.records import BYPASS_RATE_LIMIT, MemberChange, Unit
from bulkjob.rocketchat import (
    Answer,
    CallFailed,
    Client,
    DepartmentState,
    Failure,
    NeverComplete,
    Request,
    Route,
    answers,
    endpoints,
    inspect_server,
    read_departments,
    read_members,
    stop_for,
)
from bulkjob.vocabulary import Stop
from tests.support.oddities import Odd, Oddity, odd_answers, oddities_of_calls

Run = Callable[[Any], Any]

EPOCH = 1_800_000_000
FIVE = {"name": "Alpha", "email": "alpha@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": False}
CHANGE = MemberChange(agent_id="u-agent", username="agent", count=3, order=1)

REQUESTS: list[Request[Any]] = [
    endpoints.info(),
    endpoints.me(),
    endpoints.permissions(),
    endpoints.licence(),
    endpoints.departments(0, 100),
    endpoints.units(0, 0),
    endpoints.agents(0, 100),
    endpoints.monitors(0, 0),
    endpoints.department_agents("dept-a", 0, 0),
    endpoints.department("dept-a"),
    endpoints.unit("unit-a"),
    endpoints.unit_monitors("unit-a"),
    endpoints.put_department("dept-a", FIVE, unit_id=None, knows_units=True, members=[CHANGE]),
    endpoints.post_department_agents("dept-a", [CHANGE], {}),
    endpoints.post_unit(Unit(id="unit-a", name="A", visibility="public"), [], []),
    endpoints.create_unit(Unit(id="unit-a", name="A", visibility="public"), [], []),
    Request(route=Route(method="DELETE", pattern="livechat/units/:id"), path="/api/v1/livechat/units/unit-a", read=lambda _: True),
]

#: A day of virtual time: whoever has not ended by then never will.
A_DAY = 86_400.0


@settings(max_examples=2_000)
@given(request=st.sampled_from(REQUESTS), answer=odd_answers)
def test_every_answer_has_a_meaning(request: Request[Any], answer: Answer) -> None:
    """Whatever an answer holds, it is a value or a failure, in words that can be written anywhere; and so are limit and time."""
    result = answers.interpret(request, answer)
    if isinstance(result, Failure):
        assert len(result.said.encode("utf-8")) < 4_000
        assert result.wait is None or 0 < result.wait < 1e15
        stop_for(result)
    else:
        assert 200 <= answer.status < 300
        repr(result).encode("utf-8")
    answers.rate_limit(answer)
    told = answers.server_time(request, answer)
    assert told is None or told.earliest <= told.latest


class Workspace:
    """A server with one department, which is renamed; it announces a limit of ten calls in two seconds, and refuses by it."""

    def __init__(self) -> None:
        self.name = "Alpha"
        self._window: dict[tuple[str, str], tuple[float, int]] = {}

    async def send(self, request: Request[Any]) -> Answer:
        await asyncio.sleep(0.05)
        called = request.route.method, request.route.pattern
        now = asyncio.get_running_loop().time() + EPOCH
        began, used = self._window.get(called, (now, 0))
        began, used = (now, 1) if now - began > 2 else (began, used + 1)
        self._window[called] = began, used
        headers = {
            "x-ratelimit-limit": "10",
            "x-ratelimit-remaining": str(max(0, 10 - used)),
            "x-ratelimit-reset": str(int((began + 2) * 1000)),
            "content-type": "application/json",
        }
        if used > 10:
            words = "Error, too many requests. Please slow down. You must wait 2 seconds before trying this endpoint again."
            return Answer(status=429, headers=headers, body=json.dumps({"success": False, "error": words}).encode())
        if request.route.method == "PUT":
            assert request.body is not None
            self.name = request.body["department"]["name"]  # type: ignore[index]
        return Answer(status=200, headers=headers, body=json.dumps(self._payload(request)).encode())

    def _payload(self, request: Request[Any]) -> Mapping[str, object]:
        department = {"_id": "dept-a", **FIVE, "name": self.name}
        member = {"agentId": "u-agent", "username": "agent", "count": 3, "order": 1}
        return {
            "info": {"version": "7.0", "success": True},
            "me": {"_id": "u-admin", "username": "admin", "roles": ["admin"], "success": True},
            "permissions.listAll": {"update": [{"_id": BYPASS_RATE_LIMIT, "roles": ["bot"]}], "success": True},
            "licenses.info": {"license": {"activeModules": ["livechat-enterprise"]}, "success": True},
            "livechat/department": {"departments": [department], "count": 1, "offset": 0, "total": 1, "success": True},
            "livechat/department/:id": {"department": department, "agents": [member], "success": True},
            "livechat/department/:id/agents": {"agents": [member], "count": 1, "offset": 0, "total": 1, "success": True},
        }[request.route.pattern]


def client(transport: Odd) -> Client:
    return Client.over(transport, concurrency=4, attempts=3, draw=lambda: 0.5, patience=300.0)


async def renamed(on: Client, name: str) -> bool | None:
    """Whether a department was seen to bear the name after it was written, as a job would see it; None where nobody knows."""
    read = endpoints.department("dept-a")
    request = endpoints.put_department("dept-a", {**FIVE, "name": name}, unit_id=None, knows_units=True, members=())

    def bears(state: DepartmentState) -> bool:
        return state.department is not None and state.department.required.get("name") == name

    async def look() -> DepartmentState | None:
        state = await on.call(read, finishing=True)
        return state if bears(state) else None

    try:
        written = await on.write(request, await on.reserve(request.route), look)
    except CallFailed as failed:
        stop_for(failed.failure)
        return None if failed.failure.undecided else False
    return bears(written.value)


@pytest.mark.parametrize("for_ever", [False, True], ids=["for a while", "for ever"])
@settings(max_examples=100)
@given(oddities=st.lists(oddities_of_calls, min_size=1, max_size=6), names=st.integers(1, 3))
def test_what_is_told_as_done_is_done(*, on_virtual_time: Run, for_ever: bool, oddities: list[Oddity | None], names: int) -> None:
    """Writes between odd answers end in good time, with the name stored, with a failure that says why, or with the job's end."""

    async def main() -> int:
        workspace = Workspace()
        on = client(Odd(workspace, oddities, for_ever=for_ever)).for_operation()
        async with asyncio.timeout(A_DAY):
            for number in range(names):
                name = f"wanted {number}"
                told = await renamed(on, name)
                assert told is None or told is (workspace.name == name)
        return on.figures.calls.total()

    assert on_virtual_time(main()) > 0


@pytest.mark.parametrize("for_ever", [False, True], ids=["for a while", "for ever"])
@settings(max_examples=100)
@given(oddities=st.lists(oddities_of_calls, min_size=1, max_size=8))
def test_reading_ends(*, on_virtual_time: Run, for_ever: bool, oddities: list[Oddity | None]) -> None:
    """What is read before a job ends in good time, with what the server holds or with a sentence that says why not."""

    async def main() -> None:
        on = client(Odd(Workspace(), oddities, for_ever=for_ever))
        async with asyncio.timeout(A_DAY):
            try:
                await inspect_server(on)
                await read_departments(on)
                await read_members(on, "dept-a")
            except Stop as stop:
                stop.message.encode("utf-8")
            except CallFailed as failed:
                stop_for(failed.failure)
            except NeverComplete:
                return

    on_virtual_time(main())
