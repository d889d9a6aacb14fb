"""The sandbox answers as Rocket.Chat's own code was recorded to answer."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.web import running

COPY = Path(__file__).parent.parent / "conformance"
#: The whole collection, where it lies beside the checkout.
WHOLE = Path(__file__).parents[2].parent / "shared" / "conformance" / "cases"
CASES = {path.stem: path for folder in (WHOLE, COPY) for path in sorted(folder.glob("*.json"))}


def _read(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(CASES[name].read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("name", CASES)
def test_recorded_conversation(name: str, clock: Any, replay: Any) -> None:
    """Each recorded request gets the recorded answer, and leaves the recorded state."""
    case = _read(name)
    sandbox = Sandbox(replay.expand(case["given"]), clock=clock)
    comparison = replay.Comparison()
    found = []
    for number, (when, then) in enumerate(zip(case["when"], case["then"], strict=True)):
        reply = sandbox.answer(*replay.request(when))
        found += [f"request {number}: {line}" for line in replay.reply(comparison, then, reply.status, reply.headers, reply.body)]
        clock.now += 0.001
    assert found + replay.state(comparison, case, sandbox.state()) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in COPY.glob("*.json")))
async def test_recorded_conversation_over_http(name: str, clock: Any, replay: Any) -> None:
    """The same holds over real HTTP."""
    case = _read(name)
    sandbox = Sandbox(replay.expand(case["given"]), clock=clock)
    comparison = replay.Comparison()
    found = []
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        for when, then in zip(case["when"], case["then"], strict=True):
            method, quoted, query, headers, body = replay.request(when)
            async with session.request(method, url + quoted, params=query, headers=headers, data=body) as answer:
                found += replay.reply(comparison, then, answer.status, answer.headers, await answer.read())
    assert found + replay.state(comparison, case, sandbox.state()) == []
