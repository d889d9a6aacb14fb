"""A server that answers as Rocket.Chat does, as fast as Python can: the clients are what is measured, so it must not be what they wait for.

    python benchmarks/clients/server.py DEPARTMENTS [MILLISECONDS]

No HTTP library: a request is found by the end of its head, and an answer is three byte strings joined, which takes a fraction of what the
quickest of the clients takes; node's ``http`` would take more, and a program in C would need a compiler. It keeps what a ``PUT`` stores,
and tells on ``GET /_cost`` how many requests it has answered and what they have cost it.
"""

import asyncio
import sys
import time
from collections import deque
from functools import lru_cache
from typing import Final

import msgspec

_AGENT: Final = {"_id": "u-ann", "username": "ann"}

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

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def document(number: int) -> dict[str, object]:
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
        "_updatedAt": "2026-11-29T11:04:35.024Z",
    }


class Workspace:
    """Departments with one agent each."""

    def __init__(self, departments: int) -> None:
        self.documents = [document(number) for number in range(departments)]
        self.encoded = [_encode(each) for each in self.documents]
        self.members = [self._member(number, 0) for number in range(departments)]
        self.requests = 0

    @staticmethod
    def _member(number: int, order: int) -> bytes:
        place = {"_id": f"p{number}", "agentId": "u-ann", "departmentId": f"d{number}", "username": "ann", "departmentEnabled": True}
        return _encode({**place, "count": 0, "order": order, "_updatedAt": "2026-11-29T11:04:35.024Z"})

    def answer(self, method: bytes, path: bytes, query: bytes, body: bytes) -> bytes:
        """The body of an answer."""
        self.requests += 1
        if path.startswith(b"/api/v1/livechat/department/"):
            identifier, _, more = path[len(b"/api/v1/livechat/department/") :].partition(b"/")
            number = int(identifier[1:])
            if method != b"GET" and not more:
                self.members[number] = self._member(number, _decode(body)["agents"][0]["order"])
            if more:
                return b'{"agents":[%b],"count":1,"offset":0,"total":1,"success":true}' % self.members[number]
            return b'{"department":%b,"agents":[%b],"success":true}' % (self.encoded[number], self.members[number])
        if path == b"/api/v1/livechat/department":
            asked = dict(part.partition(b"=")[::2] for part in query.split(b"&"))
            start = int(asked[b"offset"])
            listed = self.encoded[start:][: int(asked[b"count"]) or None]
            return b'{"departments":[%b],"total":%d,"success":true}' % (b",".join(listed), len(self.documents))
        return self._lists(path.decode())

    def _lists(self, path: str) -> bytes:
        found: dict[str, dict[str, object]] = {
            "/api/info": {"version": "7.0"},
            "/api/v1/me": {"_id": "u-admin", "username": "admin", "roles": ["user", "admin"]},
            "/api/v1/permissions.listAll": {"update": [{"_id": name, "roles": ["admin"]} for name in _PERMISSIONS]},
            "/api/v1/licenses.info": {"license": {"activeModules": ["livechat-enterprise"]}},
            "/api/v1/livechat/units": {"units": [], "total": 0},
            "/api/v1/livechat/users/agent": {
                "users": [{**_AGENT, "departments": [each["_id"] for each in self.documents]}],
                "total": 1,
            },
            "/_cost": {"requests": self.requests, "processor": time.process_time()},
        }
        return _encode({**found[path], "success": True})


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


async def serve(departments: int, latency: float) -> None:
    """Serves until it is ended."""
    workspace = Workspace(departments)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(workspace, latency), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.0))
