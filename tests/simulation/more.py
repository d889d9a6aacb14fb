"""What the later seeds have beside: 4xx after the work, late commits, colleagues during a rollback, leavers, restricted accounts."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from bulkjob.sandbox.state_file import DEFAULT_PERMISSIONS
from tests.simulation.scenario import TOKEN, Row, Scenario, Trouble, Wanted, plain_scenario_of

MORE = 100_000
"""The first seed that has them: those before stay what they were when they found something."""

_KINDS = ("400-before", "400-half", "400-half", "400-after", "400-after", "reset-half", "timeout-half", "504-after")
_WORDS = ("network", "driver", "other")
_ROUTES = ("", "", "@PUT", "@POST livechat/units/:id", "@POST livechat/department/:id/agents")

NOBODY = "who.left.long.ago"
"""In an agent's cell: a name that nobody bears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that reaches no more than its own units."""

    roles: tuple[str, ...]
    versions: tuple[str, ...]
    monitors: bool
    """Whether it holds the role of those who supervise units: else a write of its unit makes the server drop it there."""


DESK = "desk"
"""A role of the workspace's own, with every permission that the job needs."""

ACCOUNTS = {
    "clerk": Account(roles=("livechat-agent", DESK), versions=("7.10", "8.0", "8.9"), monitors=False),
    "mona": Account(roles=("livechat-monitor", DESK), versions=("6.6", "6.13", "7.0", "7.10", "8.0"), monitors=True),
    "plain": Account(roles=("livechat-monitor",), versions=("6.13", "7.0", "7.5", "8.0"), monitors=True),
}


def scenario_of(seed: int) -> Scenario:
    """The simulation of a seed."""
    scenario = plain_scenario_of(seed)
    return _with_late(_with_more(scenario)) if seed >= MORE else scenario


def _with_late(scenario: Scenario) -> Scenario:
    """One in ten has late commits; drawn apart, so that the others stay what they are."""
    chance = random.Random(f"bulkjob late {scenario.seed}")  # noqa: S311 - must be the same again for the same seed
    if chance.random() >= 0.1:
        return scenario
    scenario = delaying(scenario, chance)
    if chance.random() < 0.5:
        return scenario
    # What is sent again and then ignored is not looked for any more before the rollback.
    ignoring = tuple(replace(trouble, faults=",".join(filter(None, [trouble.faults, "forget:0.3"]))) for trouble in scenario.runs)
    return replace(scenario, runs=ignoring, finishes=False)


def delaying(scenario: Scenario, chance: random.Random) -> Scenario:
    """The scenario with late commits in each of its attempts, but for the undisturbed ones."""
    share, settles = chance.choice([0.1, 0.3, 0.6]), chance.random() < 0.7
    scenario = replace(scenario, runs=scenario.runs or (Trouble(),), settles=settles)
    return _every(scenario, lambda trouble: replace(trouble, late=share))


def _with_more(scenario: Scenario) -> Scenario:
    chance = random.Random(f"bulkjob more {scenario.seed}")  # noqa: S311 - must be the same again for the same seed
    if chance.random() < 0.25:
        scenario = _restricted(scenario, chance)
    if not scenario.settings["skip_invalid"]:
        if chance.random() < 0.4:
            scenario = _leavers(scenario, chance)
        if chance.random() < 0.3:
            scenario = replace(scenario, rows=_with_nobody(scenario.rows, chance))
    if scenario.rollbacks is not None and chance.random() < 0.4:
        scenario = replace(
            scenario, rollbacks=_busy(scenario.rollbacks, chance), returns=scenario.returns and _busy(scenario.returns, chance)
        )
    if chance.random() < 0.7:
        scenario = _every(scenario, lambda trouble: _breaking(trouble, chance))
    return scenario


def _every(scenario: Scenario, change: Callable[[Trouble], Trouble]) -> Scenario:
    """The scenario with each of its troubles changed."""
    back, forth = (each and tuple(map(change, each)) for each in (scenario.rollbacks, scenario.returns))
    return replace(scenario, runs=tuple(map(change, scenario.runs)), rollbacks=back, returns=forth)


def _breaking(trouble: Trouble, chance: random.Random) -> Trouble:
    """A write that breaks off, or whose answer is not the truth."""
    kind = chance.choice(_KINDS)
    words = f"={chance.choice(_WORDS)}" if kind.startswith("400") else ""
    where = chance.choice(_ROUTES) + chance.choice(["", "", "+1", f"+{chance.randint(2, 9)}"])
    fault = kind + words + chance.choice(["", "", ":0.3"]) + where + chance.choice(["x1", "x1", "x2", "x5"])
    return replace(trouble, faults=",".join(filter(None, [fault, trouble.faults])))


def _busy(troubles: tuple[Trouble, ...], chance: random.Random) -> tuple[Trouble, ...]:
    """Colleagues edit all the time, also in an attempt that nothing else disturbs."""
    share = chance.choice([0.1, 0.3, 0.6])
    return (*(replace(trouble, edits=share) for trouble in troubles), *([Trouble(edits=share)] if chance.random() < 0.7 else []))


def _with_nobody(rows: tuple[Row, ...], chance: random.Random) -> tuple[Row, ...]:
    """Some rows remove somebody whom nobody knows."""
    kept = list(rows)
    for row in chance.sample(rows, min(2, len(rows))):
        cells = {"department": row.cells["department"], "agent": NOBODY, "action": "remove"}
        kept.insert(chance.randint(0, len(kept)), Row(cells=cells, department=row.department, agent=NOBODY, wanted=Wanted(present=False)))
    return tuple(kept)


def _leavers(scenario: Scenario, chance: random.Random) -> Scenario:
    """Some agents have left and are listed still, none of whom a row adds; others leave while the job is at work."""
    added = {row.agent for row in scenario.rows if row.wanted and row.wanted.present}
    state = scenario.state
    for user in [user for user in state["users"] if user["roles"] == ["livechat-agent"] and user["_id"] not in added]:
        if chance.random() < 0.4:
            if chance.random() < 0.5:
                user["roles"] = ["user"]
            else:
                state["users"].remove(user)
    share = chance.choice([0.0, 0.03, 0.1])
    runs = scenario.runs or (Trouble(),)
    between = replace(scenario.between, leaves=chance.choice([0.0, 0.5]))
    return _every(replace(scenario, runs=runs, between=between), lambda trouble: replace(trouble, leaves=share))


def _restricted(scenario: Scenario, chance: random.Random) -> Scenario:
    """An account that may do the job, in its own units only."""
    name = chance.choice(list(ACCOUNTS))
    account, state = ACCOUNTS[name], scenario.state
    state["users"].append({"_id": name, "username": f"the.{name}", "roles": list(account.roles), "token": TOKEN})
    every = {permission: [*(roles or ()), DESK] for permission, roles in DEFAULT_PERMISSIONS.items()}
    state["permissions"] = every | {"api-bypass-rate-limit": ["admin"]}
    for unit in state["units"]:
        if chance.random() < 0.6:
            state["unitMonitors"].append(
                {"_id": f"{name}-{unit['_id']}", "monitorId": name, "username": f"the.{name}", "unitId": unit["_id"]}
            )
            unit["numMonitors"] += 1
    return replace(scenario, user=name, version=chance.choice(account.versions))


def own_units(scenario: Scenario) -> frozenset[str] | None:
    """The units that the account reaches at the beginning; None if it reaches every one."""
    if scenario.user not in ACCOUNTS or not scenario.state["units"]:
        return None
    return frozenset(row["unitId"] for row in scenario.state["unitMonitors"] if row["monitorId"] == scenario.user)
