"""A server that answers as Rocket.Chat does, as fast as Python can: the clients are what is measured, so it must not be what they wait for.

    python benchmarks/programs/server.py --departments 500 --units 40 --agents 2000 --members 4 --latency 20

No HTTP library: a request is found by the end of its head, and an answer is a few byte strings joined, which takes a fraction of what the
quickest of the clients takes; node's ``http`` would take more, and a program in C would need a compiler. It keeps what is written to
departments, their agents and units, believes everything that it is told, limits nobody, and tells on ``GET /_cost`` how many requests it
has answered and what they have cost it.
"""

import argparse
import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec

#: The headers of a Rocket.Chat 7 behind no proxy, which a client has to take apart.
_HEADERS: Final = (
    b"HTTP/1.1 200 OK\r\nX-XSS-Protection: 1\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: sameorigin\r\n"
    b"X-Instance-ID: 4ZzbtoPJNoQhAeDCb\r\ncache-control: no-store\r\npragma: no-cache\r\nVary: Accept-Encoding\r\n"
    b"content-type: application/json\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
)

_PERMISSIONS: Final = (
    "view-livechat-departments",
    "manage-livechat-departments",
    "add-livechat-department-agents",
    "remove-livechat-department-agents",
    "manage-livechat-units",
    "manage-livechat-monitors",
    "view-livechat-manager",
    "view-l-room",
    "transfer-livechat-guest",
    "edit-omnichannel-contact",
    "api-bypass-rate-limit",
)

_MONITOR: Final = {"_id": "m0", "username": "monitor0"}
_UPDATED: Final = "2026-11-29T11:04:35.024Z"

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def document(number: int, unit: str | None) -> dict[str, Any]:
    """A department as a workspace in use stores it."""
    return {
        "_id": f"d{number}",
        "enabled": True,
        "name": f"Department {number}",
        "description": "Questions about invoices, deliveries and returns",
        "showOnRegistration": True,
        "showOnOfflineForm": False,
        "requestTagBeforeClosingChat": False,
        "email": f"d{number}@example.org",
        "chatClosingTags": [],
        "offlineMessageChannelName": "",
        "maxNumberSimultaneousChat": None,
        "visitorInactivityTimeoutInSeconds": None,
        "abandonedRoomsCloseCustomMessage": "",
        "waitingQueueMessage": "",
        "departmentsAllowedToForward": [],
        "fallbackForwardDepartment": "",
        "allowReceiveForwardOffline": False,
        "type": "d",
        "numAgents": 1,
        "_updatedAt": _UPDATED,
        **({"parentId": unit, "ancestors": [unit]} if unit else {}),
    }


class Workspace:
    """Departments ``d0`` and so on, which are in the units ``u0`` and so on in turns, and the agents ``a0`` and so on in them in turns."""

    def __init__(self, *, departments: int, units: int, placed: int, agents: int, members: int) -> None:
        """``placed``: how many departments are in a unit. ``members``: agents in each department."""
        self.requests = 0
        parents = [f"u{number % units}" if number < placed else None for number in range(departments)]
        self._documents = [document(number, parent) for number, parent in enumerate(parents)]
        self._held: dict[str | None, set[int]] = defaultdict(set)
        """Unit → its departments."""
        for number, parent in enumerate(parents):
            self._held[parent].add(number)
        self._encoded = [_encode(each) for each in self._documents]
        self._joined = b""
        """All of them, as a list tells them; blank when one has changed."""
        self._members: list[dict[str, bytes]] = [{} for _ in range(departments)]
        for place in range(departments * members):
            number, agent = place // members, f"a{place % agents}"
            self._members[number][agent] = self._member(number, agent, 0, 0)
        self._agents = [{"_id": f"a{number}", "username": f"agent{number}"} for number in range(agents)]
        self._users: list[bytes] = []
        """Agents as a list tells them; none when a department has others than before."""
        self._units = {f"u{number}": self._unit(number, len(self._held[f"u{number}"])) for number in range(units)}
        self._began = time.process_time()
        """Seconds of the processor that had gone into starting."""

    @staticmethod
    def _unit(number: int, departments: int) -> dict[str, object]:
        counted = {"numMonitors": 1, "numDepartments": departments}
        return {"_id": f"u{number}", "name": f"Unit {number}", "visibility": "public", "type": "u", **counted}

    @staticmethod
    def _member(number: int, agent: str, count: int, order: int) -> bytes:
        place = {"_id": f"p{number}-{agent}", "agentId": agent, "departmentId": f"d{number}", "username": f"agent{agent[1:]}"}
        return _encode({**place, "departmentEnabled": True, "count": count, "order": order, "_updatedAt": _UPDATED})

    def answer(self, method: bytes, path: bytes, query: bytes, body: bytes) -> bytes:
        """The body of an answer."""
        self.requests += 1
        kind, _, rest = path.removeprefix(b"/api/v1/livechat/").partition(b"/")
        if kind == b"department" and rest:
            return self._department(method, rest, body)
        if kind == b"department":
            return self._departments(query)
        if kind == b"units" and rest:
            return self._one_unit(method, rest.decode(), body)
        if kind == b"users":
            self._users = self._users or self._told_agents()
            start, end = _page(query)
            return b'{"users":[%b],"total":%d,"success":true}' % (b",".join(self._users[start:end]), len(self._users))
        return self._other(path.decode())

    # ------------------------------------------------------------------------------------------------------------- departments

    def _department(self, method: bytes, rest: bytes, body: bytes) -> bytes:
        identifier, _, agents = rest.partition(b"/")
        number = int(identifier[1:])
        if agents and method == b"GET":
            members = self._members[number].values()
            return b'{"agents":[%b],"count":%d,"offset":0,"total":%d,"success":true}' % (b",".join(members), len(members), len(members))
        if agents:
            asked = _decode(body)
            self._leave(number, asked["remove"])
            self._join(number, asked["upsert"])
            return b'{"success":true}'
        if method != b"GET":
            asked = _decode(body)
            self._store(number, asked["department"])
            self._move(number, asked.get("departmentUnit", {}).get("_id"))
            self._join(number, asked.get("agents", ()))
        told = self._encoded[number], b",".join(self._members[number].values())
        return b'{"department":%b,"agents":[%b],"success":true}' % told

    def _departments(self, query: bytes) -> bytes:
        start, end = _page(query)
        if start == 0 and end is None:
            self._joined = self._joined or b",".join(self._encoded)
            return b'{"departments":[%b],"total":%d,"success":true}' % (self._joined, len(self._encoded))
        return b'{"departments":[%b],"total":%d,"success":true}' % (b",".join(self._encoded[start:end]), len(self._encoded))

    def _store(self, number: int, fields: dict[str, object]) -> None:
        stored = self._documents[number]
        if any(stored[name] != value for name, value in fields.items()):
            stored.update(fields)
            self._changed(number)

    def _move(self, number: int, unit: str | None) -> None:
        stored = self._documents[number]
        if (before := stored.get("parentId")) != unit:
            self._held[before].remove(number)
            self._held[unit].add(number)
            stored["parentId"], stored["ancestors"] = unit, [unit] if unit else None
            self._changed(number)

    def _changed(self, number: int) -> None:
        self._encoded[number] = _encode(self._documents[number])
        self._joined = b""

    def _join(self, number: int, agents: Iterable[dict[str, Any]]) -> None:
        members = self._members[number]
        for each in agents:
            if each["agentId"] not in members:
                self._users = []
            members[each["agentId"]] = self._member(number, each["agentId"], each["count"], each["order"])

    def _leave(self, number: int, agents: Iterable[dict[str, Any]]) -> None:
        for each in agents:
            self._members[number].pop(each["agentId"], None)
            self._users = []

    def _told_agents(self) -> list[bytes]:
        places: dict[str, list[str]] = defaultdict(list)
        for number, members in enumerate(self._members):
            for agent in members:
                places[agent].append(f"d{number}")
        return [_encode({**each, "departments": places[each["_id"]]}) for each in self._agents]

    # ------------------------------------------------------------------------------------------------------------------- units

    def _one_unit(self, method: bytes, rest: str, body: bytes) -> bytes:
        identifier, _, monitors = rest.partition("/")
        unit = self._units[identifier]
        if monitors:
            listed = {"monitorId": _MONITOR["_id"], "username": _MONITOR["username"], "unitId": identifier}
            return _encode({"monitors": [listed], "success": True})
        if method == b"POST":
            asked = _decode(body)
            wanted = {int(each["departmentId"][1:]) for each in asked["unitDepartments"]}
            for number in self._held[identifier] - wanted:
                self._move(number, None)
            for number in wanted:
                self._move(number, identifier)
            unit.update(asked["unitData"], numMonitors=len(asked["unitMonitors"]), numDepartments=len(wanted))
        return _encode({**unit, "success": True})

    def _other(self, path: str) -> bytes:
        found: dict[str, dict[str, object]] = {
            "/api/info": {"version": "7.0"},
            "/api/v1/me": {"_id": "u-admin", "username": "admin", "roles": ["user", "admin"]},
            "/api/v1/permissions.listAll": {"update": [{"_id": name, "roles": ["admin"]} for name in _PERMISSIONS]},
            "/api/v1/licenses.info": {"license": {"activeModules": ["livechat-enterprise"]}},
            "/api/v1/livechat/units": {"units": list(self._units.values()), "total": len(self._units)},
            "/api/v1/livechat/monitors": {"monitors": [_MONITOR], "total": 1},
            "/_cost": {"requests": self.requests, "processor": time.process_time() - self._began},
        }
        return _encode({**found[path], "success": True})


def _page(query: bytes) -> tuple[int, int | None]:
    """Where a page begins and ends; a count of 0 asks for all."""
    asked = dict(part.partition(b"=")[::2] for part in query.split(b"&"))
    start, count = int(asked[b"offset"]), int(asked[b"count"])
    return start, start + count if count else None


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()


class Connection(asyncio.Protocol):
    """One client's connection: requests come one after the other on it."""

    def __init__(self, workspace: Workspace, latency: float) -> None:
        self._workspace = workspace
        self._latency = latency
        self._came = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers the requests that are there whole."""
        self._came += data
        answers = deque(iter(self._next, None))
        if answers and self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, b"".join(answers))
        elif answers:
            self._transport.write(b"".join(answers))

    def _next(self) -> bytes | None:
        end = self._came.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._came[:end]
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._came) < end + 4 + length:
            return None
        body, self._came = self._came[end + 4 : end + 4 + length], self._came[end + 4 + length :]
        method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
        path, _, query = target.partition(b"?")
        answer = self._workspace.answer(method, path, query, body)
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (_HEADERS, _date(int(time.time())), len(answer), answer)


async def serve(workspace: Workspace, latency: float) -> None:
    """Serves until it is ended; ``latency``: seconds for each call."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(workspace, latency), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    for name in ("departments", "units", "placed", "agents", "members", "latency"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = vars(parser.parse_args())
    latency = given.pop("latency") / 1000
    asyncio.run(serve(Workspace(**given), latency))


if __name__ == "__main__":
    main()
