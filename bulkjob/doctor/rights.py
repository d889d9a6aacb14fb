"""What the account and the licence allow: permissions, and the routes by which units can be written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bulkjob.doctor.facts import ListName, ServerFacts
from bulkjob.doctor.finding import Finding, Needs, State, Use
from bulkjob.records import ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_MONITORS, MANAGE_UNITS, UNIT_ROLES, Server
from bulkjob.rocketchat import units_presence

PERMISSIONS_PAGE: Final = "Administration > Workspace > Permissions"


MANAGERS_PAGE: Final = "Administration > Omnichannel > Managers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What has to be granted for something that a sheet may ask for; `finding.ASKED` tells which rows ask for it."""

    use: Use
    permissions: tuple[str, ...]
    way: str = ""
    """The route of writing units that it holds for; blank: however they are written."""


#: What needs which permissions. What a sheet can ask for more becomes a line here, and one in `finding.ASKED`.
NEEDS: Final = (
    Need(use=Use.AGENTS, permissions=(ADD_AGENTS,)),
    Need(use=Use.UNITS, permissions=(MANAGE_UNITS, MANAGE_MONITORS), way="unit"),
    Need(use=Use.UNITS, permissions=(MANAGE_DEPARTMENTS,), way="department"),
    Need(use=Use.DEPARTMENTS, permissions=(MANAGE_DEPARTMENTS,)),
    Need(use=Use.UNIT_FIELDS, permissions=(MANAGE_UNITS, MANAGE_MONITORS)),
    Need(use=Use.MONITORS, permissions=(MANAGE_UNITS, MANAGE_MONITORS)),
    Need(use=Use.NEW_UNITS, permissions=(MANAGE_UNITS,)),
)


#: What there is only where there are units.
_OF_UNITS: Final = frozenset({Use.UNITS, Use.UNIT_FIELDS, Use.MONITORS, Use.NEW_UNITS})


#: The permissions in the order of the table, each with what to know of it where nothing needs it.
_IDLE: Final = {
    ADD_AGENTS: "Every row with an agent needs it.",
    MANAGE_DEPARTMENTS: f"Agents do without it: they go by a call of their own, for which {ADD_AGENTS} is enough.",
    MANAGE_UNITS: "Writing whole units, creating them and listing all of them needs it.",
    MANAGE_MONITORS: "Writing whole units needs it, and so do rows with a monitor.",
}


#: Those that a server has only with a licence for units.
_LICENSED: Final = frozenset({MANAGE_UNITS, MANAGE_MONITORS})


UnitRoute = Literal["auto", "unit", "department"]


_ROUTES: Final = {"unit": "Whole units (POST livechat/units/:id)", "department": "Department by department (PUT livechat/department/:id)"}


def grant(permission: str, server: Server) -> str:
    """Where to grant a permission."""
    own = sorted(server.account.roles & UNIT_ROLES)
    return f"Tick {permission} for {' or '.join(own) or 'a role of this account'}: {PERMISSIONS_PAGE}."


def has_licence(answers: ServerFacts, server: Server) -> bool | None:
    """Whether there are units here; None where nothing tells."""
    if server.modules is not None:
        return server.has_units
    listed = answers.lists.get(ListName.UNITS)
    if listed is None:
        return None
    if listed.failure is None or listed.failure.forbids:
        return True
    return False if units_presence(server).denied_by(listed.failure) else None


def open_routes(server: Server, unit_route: UnitRoute) -> list[str]:
    """The routes that are wanted and open to the account, the one that will be taken first."""
    lacks = _lacks(server)
    return [route for route in _wanted(unit_route) if not lacks[route]]


def rights(answers: ServerFacts, server: Server, needs: Needs, unit_route: UnitRoute, *, units_hidden: bool) -> Iterator[Finding]:
    """Licence, permissions, routes; ``units_hidden``: the list of units is missed because the account may not manage units."""
    licence = has_licence(answers, server)
    use = min(_OF_UNITS & needs.writes, default=Use.UNITS)
    if licence:
        yield needs.fine("licence", "Has units (premium module livechat-enterprise).", use, needs.writes)
    elif licence is False:
        said = "Has no units (premium module livechat-enterprise): they cannot be listed or changed. Sheets without units can be run."
        remedy = "Only a plan with Omnichannel units helps; Administration > Workspace > Subscription shows which one the workspace has."
        yield needs.lacking("licence", said, use, needs.writes, remedy)
    yield from _permissions(server, needs, unit_route, licensed=licence is not False, units_hidden=units_hidden)
    if licence is not False:
        yield _way(server, needs, unit_route)
        if Use.NEW_UNITS in needs.writes and server.restricted_to_own_units:
            said = "None can be made: this account is restricted to its own units."
            remedy = f"Give the account the role livechat-manager ({MANAGERS_PAGE}), or create the units in Rocket.Chat."
            yield needs.lacking("new units", said, Use.NEW_UNITS, needs.writes, remedy)


def _permissions(server: Server, needs: Needs, unit_route: UnitRoute, *, licensed: bool, units_hidden: bool) -> Iterator[Finding]:
    if server.permissions is None:
        said = "The server does not tell what the account may do, so everything will be tried; a call that it refuses ends the run."
        yield Finding(state=State.HINT, what="permissions", said=said, remedy="Ask its administrator what this table could not look at.")
        return
    way = _way_taken(server, unit_route) if licensed else ""
    for permission, idle in _IDLE.items():
        if permission in _LICENSED and not licensed:
            continue
        vital = _uses_of(permission, way) & needs.writes
        if permission == MANAGE_UNITS and units_hidden:
            vital = needs.reads & {Use.UNITS}
        yield _permission(permission, server, needs, vital, idle)


def _uses_of(permission: str, way: str) -> frozenset[Use]:
    """What cannot be done without a permission, if units are written this way; blank: where there are none."""
    return frozenset(need.use for need in NEEDS if permission in need.permissions and need.way in ("", way))


def _permission(permission: str, server: Server, needs: Needs, vital: frozenset[Use], idle: str) -> Finding:
    """``vital``: for what it is needed that cannot be done without it; ``idle``: what to know of it where that is nothing."""
    use = min(vital, default=next(need.use for need in NEEDS if permission in need.permissions))
    if server.may(permission):
        return needs.fine(permission, "Granted.", use, vital)
    said = "Not granted." if vital else f"Not granted. {idle}"
    return needs.lacking(permission, said, use, vital, grant(permission, server))


def _way(server: Server, needs: Needs, unit_route: UnitRoute) -> Finding:
    """By which route units will be written."""
    what, wanted, ways, lacks = "way to write units", _wanted(unit_route), open_routes(server, unit_route), _lacks(server)
    asked = f" (--unit-route {unit_route})" if unit_route != "auto" else ""
    if not ways:
        reasons = " ".join(f"{_ROUTES[route]}: {'; '.join(lacks[route])}." for route in wanted)
        return needs.lacking(what, f"None is open{asked}. {reasons}", Use.UNITS, needs.writes, _opening(wanted, server))
    if ways[0] == "unit":
        return needs.fine(what, f"{_ROUTES['unit']}{asked}.", Use.UNITS, needs.writes)
    said = f"{_ROUTES['department']}{asked}. Conversations that are open stay with the old unit's monitors, and no unit can be emptied."
    if server.restricted_to_own_units:
        said += " With the role livechat-monitor it works only between units that the account monitors; elsewhere the server does nothing."
    remedy = ""
    if "unit" in wanted:
        said += f" Writing whole units would be better, but {'; '.join(lacks['unit'])}."
        remedy = _opening(("unit",), server)
    state = State.HINT if remedy or server.restricted_to_own_units else State.OK
    return Finding(state=state, what=what, said=said, remedy=remedy, needed=needs.word(Use.UNITS, needs.writes))


def _opening(routes: Sequence[str], server: Server) -> str:
    """What opens a way to write units."""
    if "unit" in routes:
        who = "" if server.account.roles & UNIT_ROLES else f", or give the account the role livechat-manager ({MANAGERS_PAGE})"
        return f"Grant {MANAGE_UNITS} and {MANAGE_MONITORS} ({PERMISSIONS_PAGE}){who}."
    if not server.knows_department_unit:
        return "Update the server to 6.13 or later, or leave --unit-route (BULKJOB_UNIT_ROUTE) at auto."
    if server.moves_any_department:
        return grant(MANAGE_DEPARTMENTS, server)
    return f"Give the account the role livechat-manager ({MANAGERS_PAGE}): here the role itself counts, not only {MANAGE_DEPARTMENTS}."


def _way_taken(server: Server, unit_route: UnitRoute) -> str:
    """The route by which units are written, or, if none is open, the first that is wanted."""
    return (open_routes(server, unit_route) or _wanted(unit_route))[0]


def _wanted(unit_route: UnitRoute) -> tuple[str, ...]:
    return ("unit", "department") if unit_route == "auto" else (unit_route,)


def _lacks(server: Server) -> dict[str, list[str]]:
    return {"unit": server.unit_route_lacks(), "department": server.department_route_lacks()}
