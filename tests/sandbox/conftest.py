"""What the sandbox's tests share: a clock to turn by hand, a small workspace, and the replay of recorded conversations."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from bulkjob.sandbox import Fault, Sandbox

SEEDED = "2024-01-01T00:00:00.000Z"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_GENERATED = re.compile(r"<… plus (\d+) generated ones: ids .*?; same as (\{.*\}) with the number going up>")
_CUT = re.compile(r"<… (\d+) items in all, ids (\S+) … (\S+)>")


class Clock:
    """Epoch seconds that stand still until they are turned."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace() -> dict[str, Any]:
    """The workspace that the recorded conversations begin with."""
    case = Path(__file__).parent.parent / "conformance" / "agents-add.json"
    given: dict[str, Any] = json.loads(case.read_text(encoding="utf-8"))["given"]
    return given


@pytest.fixture
def call(clock: Clock) -> Callable[..., Any]:
    """A function that makes one call as a user and returns the reply, with its body read as `.json`."""

    def call(sandbox: Sandbox, as_: str, method: str, path: str, body: Any = None, **query: str) -> Any:
        reply = sandbox.answer(method, path, query, signed(as_), *_body(body))
        content = reply.headers.get("content-type", "")
        return SimpleNamespace(
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            fault=reply.fault,
            lost=reply.lost,
            json=json.loads(reply.body) if "json" in content and reply.fault is not Fault.TRUNCATE else None,
        )

    return call


def _body(body: Any) -> tuple[bytes]:
    return (b"" if body is None else json.dumps(body).encode(),)


def signed(as_: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if as_ == "anonymous":
        return headers
    if as_ == "badtoken":
        return {**headers, "X-User-Id": "u-admin", "X-Auth-Token": "wrong"}
    if as_ == "tokenonly":
        return {**headers, "X-Auth-Token": "token-admin"}
    return {**headers, "X-User-Id": f"u-{as_}", "X-Auth-Token": f"token-{as_}"}


def request(when: Mapping[str, Any]) -> tuple[str, str, dict[str, str], dict[str, str], bytes]:
    """Method, path, query, headers and body of a recorded request."""
    headers = signed(when["as"])
    if "rawBody" in when:
        headers["Content-Type"] = when.get("contentType", "")
        body = when["rawBody"].encode()
    else:
        body = json.dumps(when["body"]).encode() if "body" in when else b""
    query = {name: str(value) for name, value in when.get("query", {}).items()}
    return when["method"], quote(when["path"]), query, headers, body


def expand(given: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a case with the generated documents that it only describes."""
    whole: dict[str, Any] = {}
    for key, documents in given.items():
        if not isinstance(documents, list):
            whole[key] = documents
            continue
        whole[key] = []
        for document in documents:
            found = _GENERATED.fullmatch(document) if isinstance(document, str) else None
            if found is None:
                whole[key].append(document)
            else:
                whole[key] += [
                    json.loads(found[2].replace('000"', f'{number:03d}"').replace("-000@", f"-{number:03d}@"))
                    for number in range(int(found[1]))
                ]
    return whole


class Comparison:
    """Compares what is answered with what was recorded; remembers what each placeholder stands for."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def differences(self, recorded: Any, seen: Any, place: str = "") -> list[str]:
        """Where `seen` is not as recorded; lists are compared in order."""
        if isinstance(recorded, str):
            return [] if self._same_text(recorded, seen) else [f"{place}: {recorded!r} recorded, {seen!r} seen"]
        if isinstance(recorded, dict) and isinstance(seen, dict):
            if recorded.keys() != seen.keys():
                return [f"{place}: keys {sorted(recorded)} recorded, {sorted(seen)} seen"]
            return [found for key in recorded for found in self.differences(recorded[key], seen[key], f"{place}.{key}")]
        if isinstance(recorded, list) and isinstance(seen, list):
            return self._list(recorded, seen, place)
        same = recorded == seen and isinstance(recorded, bool) == isinstance(seen, bool)
        return [] if same else [f"{place}: {recorded!r} recorded, {seen!r} seen"]

    def in_any_order(self, recorded: list[Any], seen: list[Any], place: str) -> list[str]:
        """As `differences` for a list whose order means nothing."""
        left = list(seen)
        missing = []
        for item in recorded:
            known = dict(self.ids)
            for candidate in left:
                if not self.differences(item, candidate):
                    left.remove(candidate)
                    break
                self.ids = dict(known)
            else:
                missing.append(item)
        return [f"{place}: {missing!r} recorded, {left!r} seen"] if missing or left else []

    def _list(self, recorded: list[Any], seen: list[Any], place: str) -> list[str]:
        cut = _CUT.fullmatch(recorded[-1]) if recorded and isinstance(recorded[-1], str) else None
        if cut is not None:
            if (len(seen), seen[0]["_id"], seen[-1]["_id"]) != (int(cut[1]), cut[2], cut[3]):
                return [f"{place}: {recorded[-1]} recorded, {len(seen)} seen, ids {seen[0]['_id']} … {seen[-1]['_id']}"]
            recorded, seen = recorded[:-1], seen[: len(recorded) - 1]
        if len(recorded) != len(seen):
            return [f"{place}: {len(recorded)} items recorded, {len(seen)} seen"]
        return [
            found
            for index, (one, other) in enumerate(zip(recorded, seen, strict=True))
            for found in self.differences(one, other, f"{place}[{index}]")
        ]

    def _same_text(self, recorded: str, seen: Any) -> bool:
        if not isinstance(seen, str):
            return False
        if recorded == "<time>":
            return _TIME.fullmatch(seen) is not None and seen != SEEDED
        if recorded == "<epoch-ms>":
            return re.fullmatch(r"\d{13}", seen) is not None
        if re.fullmatch(r"<oid-\d+>", recorded):
            return self.ids.setdefault(recorded, seen) == seen and list(self.ids.values()).count(seen) == 1
        if "<seconds>" in recorded:
            return re.fullmatch(re.escape(recorded).replace("<seconds>", r"\d+"), seen) is not None
        return recorded == seen


def differences_of_reply(
    comparison: Comparison, then: Mapping[str, Any], status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """Where a reply is not as recorded: status, the headers that mean something, body."""
    lowered = {name.lower(): value for name, value in headers.items()}
    found = [] if status == then["status"] else [f"status: {then['status']} recorded, {status} seen"]
    for name, value in then["headers"].items():
        found += comparison.differences(value, lowered.get(name), name)
    found += [f"{name}: not recorded, seen" for name in lowered if name.startswith("x-ratelimit") and name not in then["headers"]]
    seen = json.loads(body) if "json" in lowered.get("content-type", "") else body.decode()
    return found + comparison.differences(then["body"], seen, "body")


def differences_of_state(comparison: Comparison, case: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """Where the state is not as recorded."""
    found = []
    for key, documents in case["state_after"].items():
        # A list that is described instead of recorded is the given one: nothing in it changed.
        described = any(isinstance(document, str) for document in documents)
        found += comparison.in_any_order(expand(case["given"])[key] if described else documents, seen[key], key)
    return found


@pytest.fixture(scope="session")
def replay() -> Any:
    """The functions that replay a recorded conversation."""
    return SimpleNamespace(
        request=request,
        expand=expand,
        Comparison=Comparison,
        reply=differences_of_reply,
        state=differences_of_state,
    )
