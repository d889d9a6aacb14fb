"""What is read from an answer's bytes at once is what is read from its JSON value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.rocketchat import Answer, Request, endpoints
from bulkjob.rocketchat.answers import interpret
from tests.support.oddities import odd_answers, odd_json

DEPARTMENT = {
    "_id": "d1",
    "name": "Sales",
    "type": "d",
    "archived": False,
    "parentId": "u1",
    "ancestors": ["u1"],
    "enabled": True,
    "showOnRegistration": True,
    "showOnOfflineForm": False,
    "email": "a@example.org",
    "description": "Sales\r\nof all",
    "businessHourId": "b1",
    "numAgents": 1,
    "_updatedAt": "2026-11-01T08:00:00.000Z",
}
MEMBER = {"_id": "p1", "departmentId": "d1", "agentId": "a1", "username": "anna", "count": 3, "order": 1}
PAGE = {"count": 1, "offset": 0, "total": 1, "success": True}
REQUESTS: list[tuple[Request[Any], dict[str, Any]]] = [
    (endpoints.departments(0, 0), {"departments": [DEPARTMENT], **PAGE}),
    (endpoints.department_agents("d1", 0, 0), {"agents": [MEMBER], **PAGE}),
    (endpoints.department("d1"), {"department": DEPARTMENT, "agents": [MEMBER], "success": True}),
]


def by_its_value(request: Request[Any], answer: Answer) -> Any:
    """What the answer means by its JSON value alone."""
    return interpret(Request(route=request.route, path=request.path, read=request.read), answer)


@pytest.mark.parametrize(("request_", "usual"), REQUESTS)
def test_the_usual_answer_is_read_at_once(request_: Request[Any], usual: dict[str, Any]) -> None:
    """No JSON value is made of it, and it reads the same."""
    answer = Answer(status=200, headers={}, body=json.dumps(usual).encode())
    read = interpret(request_, answer)
    assert "payload" not in vars(answer)
    assert read == by_its_value(request_, answer)


def _with(usual: Any, path: list[Any], value: str) -> str:
    """The JSON of an answer in which one thing is something else, or nothing."""
    marked = json.loads(json.dumps(usual))
    inner = marked
    for step in path[:-1]:
        inner = inner[step]
    if not value:
        del inner[path[-1]]
        return json.dumps(marked)
    inner[path[-1]] = "\0here"
    return json.dumps(marked).replace(json.dumps("\0here"), value)


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[list[Any]]:
    found = [list(before)] if before else []
    if isinstance(value, dict):
        found += [path for key, item in value.items() for path in _paths(item, (*before, key))]
    if isinstance(value, list):
        found += [path for index, item in enumerate(value) for path in _paths(item, (*before, index))]
    return found


_ODD = odd_json | st.sampled_from(["", "null", "0", "5.0", "5.5", '""', '"u"', "false", "[]", "{}", str(2**53), str(2**53 + 1)])


@given(data=st.data())
def test_what_is_odd_in_it_is_read_the_same(data: st.DataObject) -> None:
    """Whatever stands in the place of one thing, both ways say the same of it."""
    request, usual = data.draw(st.sampled_from(REQUESTS))
    body = _with(usual, data.draw(st.sampled_from(_paths(usual))), data.draw(_ODD)).encode("utf-8", "surrogatepass")
    answer = Answer(status=200, headers={}, body=body)
    assert repr(interpret(request, answer)) == repr(by_its_value(request, answer))


@given(request=st.sampled_from([request for request, _ in REQUESTS]), answer=odd_answers)
def test_an_odd_answer_is_read_the_same(request: Request[Any], answer: Answer) -> None:
    """No answer of another status or shape is taken for the usual one."""
    assert repr(interpret(request, answer)) == repr(by_its_value(request, answer))


@pytest.mark.parametrize("value", [b"[" * 100_000, b"[" * 5_000 + b"]" * 5_000, b'"\xff"', b'"\\ud83d"', b'"\x01"', b"1e400", b"NaN"])
@pytest.mark.parametrize(("request_", "usual"), REQUESTS)
def test_what_nobody_reads_is_judged_the_same(request_: Request[Any], usual: dict[str, Any], value: bytes) -> None:
    """Oddities in a field that is passed over: JSON without an end or bottom, bytes that are no text."""
    answer = Answer(status=200, headers={}, body=json.dumps({**usual, "more": "here"}).encode().replace(b'"here"', value))
    assert repr(interpret(request_, answer)) == repr(by_its_value(request_, answer))
