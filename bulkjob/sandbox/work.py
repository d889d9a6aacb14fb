"""How much of a call's work is done, where a fault has a say in it.

The server has no transactions: a write that breaks off leaves what it has changed by then.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bulkjob.sandbox import rules_departments, rules_units
from bulkjob.sandbox.faults import Strike
from bulkjob.sandbox.kinds import BROKEN, HALF, Fault
from bulkjob.sandbox.routes import Endpoint
from bulkjob.sandbox.rules import Call, Refusal, failure
from bulkjob.sandbox.state import UNIT, Broken, Document, State

Note = Callable[[Document], None]


def carry_out(endpoint: Endpoint, call: Call, strike: Strike | None, note: Note) -> Any:  # noqa: ANN401 - JSON
    """What the endpoint's rule returns, with the work done as far as the strike lets it; raises the refusal that the client gets.

    A rule's own refusal stands whatever the strike is. What a colleague does in between goes to `note`, as `Sandbox.edits` shows it.
    """
    if strike is None:
        return endpoint.rule(call)
    fault = strike.fault
    if fault is Fault.FORGET:
        return endpoint.forgotten(call)
    if fault is Fault.BROKEN_BEFORE:
        raise failure(strike.words)
    if fault is Fault.VANISH:
        with call.state.preceded(lambda: _vanish(call, note)):
            return endpoint.rule(call)
    if fault in HALF:
        _half(endpoint, call, strike)
        result = None
    else:
        result = endpoint.rule(call)
    if fault in BROKEN:
        raise failure(strike.words)
    return result


def _half(endpoint: Endpoint, call: Call, strike: Strike) -> None:
    """Do a part of the work. What is refused before its first change is refused."""
    steps = _steps(endpoint, call)
    if not steps:
        endpoint.rule(call)
        return
    with suppress(Broken, Refusal), call.state.breaking_off(strike.last_step(steps)):
        endpoint.rule(call)


def _steps(endpoint: Endpoint, call: Call) -> int:
    """How many steps the whole work would be, tried on a copy of the workspace."""
    # Its ids are never seen.
    copy = State(call.state.dump(), clock=lambda: call.now_ms / 1000, rng=random.Random(0))  # noqa: S311
    with suppress(Refusal):
        endpoint.rule(replace(call, state=copy))
    return copy.steps


def _vanish(call: Call, note: Note) -> None:
    """Delete what the call's path names, as somebody else would."""
    document = call.state.get(call.ids[0]) if call.ids else None
    if document is None:
        return
    unit = document.get("type") == UNIT
    colleague = replace(call, user={"_id": "", "username": "", "roles": ["admin"]}, ids=call.ids[:1])
    try:
        (rules_units if unit else rules_departments).delete(colleague)
    except Refusal:
        # Nobody may delete departments here.
        return
    note({"edit": "delete", "unit" if unit else "department": document["_id"]})
