"""Requests of several kinds, and answers as a server or a proxy gives them."""

import json
from typing import Any

from bulkjob.records.workspace import MemberChange, Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.answers import interpret
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure

FIVE = {"name": "Alpha", "email": "alpha@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": False}
UNIT = Unit(id="unit-a", name="Unit A", visibility="public")
CHANGE = MemberChange(agent_id="u-agent", username="agent", count=3, order=1)

PUT = endpoints.put_department("dept-a", FIVE, unit_id="unit-a", knows_units=True, members=())
POST_AGENTS = endpoints.post_department_agents("dept-a", [CHANGE], {})
POST_UNIT = endpoints.post_unit(UNIT, [], [])
READ = endpoints.department("dept-a")
LIST = endpoints.departments(0, 100)

TOO_MANY = (
    "Error, too many requests. Please slow down. You must wait 43 seconds before trying this endpoint again. [error-too-many-requests]"
)
LIMITED = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000043000"}
STORED_UNIT = {
    "name": "Unit A",
    "visibility": "public",
    "type": "u",
    "numMonitors": 1,
    "numDepartments": 2,
    "_updatedAt": "2027-01-15T08:00:00.250Z",
    "_id": "unit-a",
}
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def answer(payload: object, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=json.dumps(payload).encode()
    )


def page(body: bytes, status: int, kind: str = "text/html") -> Answer:
    return Answer(status=status, headers={"content-type": kind}, body=body)


def failure(request: Request[Any], given: Answer) -> Failure:
    result = interpret(request, given)
    assert isinstance(result, Failure), f"taken for a good answer: {result}"
    return result
