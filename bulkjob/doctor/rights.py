"""What the account and the licence allow: permissions, and the routes by which units can be written."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from bulkjob.doctor.facts import ListName, ServerFacts
from bulkjob.doctor.finding import Finding, Needs, State, Use
from bulkjob.records import ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_MONITORS, MANAGE_UNITS, UNIT_ROLES, Server
from bulkjob.rocketchat import units_presence
from bulkjob.vocabulary import Exit

PERMISSIONS_PAGE: Final = "Administration > Workspace > Permissions"


MANAGERS_PAGE: Final = "Administration > Omnichannel > Managers"


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
    if listed.failure is None or listed.exit_code is Exit.NO_PERMISSION:
        return True
    return False if units_presence(server).denied_by(listed.failure) else None


def open_routes(server: Server, unit_route: UnitRoute) -> list[str]:
    """The routes that are wanted and open to the account, the one that will be taken first."""
    lacks = _lacks(server)
    return [route for route in _wanted(unit_route) if not lacks[route]]


def rights(answers: ServerFacts, server: Server, needs: Needs, unit_route: UnitRoute, *, units_hidden: bool) -> Iterator[Finding]:
    """Licence, permissions, routes; ``units_hidden``: the list of units is missed because the account may not manage units."""
    licence = has_licence(answers, server)
    if licence:
        yield needs.fine("licence", "Has units (premium module livechat-enterprise).", Use.UNITS, needs.writes)
    elif licence is False:
        said = "Has no units (premium module livechat-enterprise): they can be neither listed nor changed. Sheets without units can be run."
        remedy = "Only a plan with Omnichannel units helps; Administration > Workspace > Subscription shows which one the workspace has."
        yield needs.lacking("licence", said, Use.UNITS, needs.writes, remedy)
    yield from _permissions(server, needs, unit_route, licensed=licence is not False, units_hidden=units_hidden)
    if licence is not False:
        yield _way(server, needs, unit_route)


def _permissions(server: Server, needs: Needs, unit_route: UnitRoute, *, licensed: bool, units_hidden: bool) -> Iterator[Finding]:
    if server.permissions is None:
        said = "The server does not tell what the account may do, so everything will be tried; a call that it refuses ends the run."
        yield Finding(state=State.HINT, what="permissions", said=said, remedy="Ask its administrator what this table could not look at.")
        return
    writes, apart = needs.writes, needs.writes - {Use.UNITS}
    yield _permission(ADD_AGENTS, server, needs, Use.AGENTS, uses=writes, idle="Every row with an agent needs it.")
    vital = _vital(server, unit_route) if licensed else frozenset[str]()
    idle = f"Agents do without it: they go by a call of their own, for which {ADD_AGENTS} is enough."
    yield _permission(MANAGE_DEPARTMENTS, server, needs, Use.UNITS, uses=writes if MANAGE_DEPARTMENTS in vital else apart, idle=idle)
    if licensed:
        uses = needs.reads if units_hidden else writes if MANAGE_UNITS in vital else apart
        idle = "Writing whole units and listing all of them needs it."
        yield _permission(MANAGE_UNITS, server, needs, Use.UNITS, uses=uses, idle=idle)
        uses = writes if MANAGE_MONITORS in vital else apart
        yield _permission(MANAGE_MONITORS, server, needs, Use.UNITS, uses=uses, idle="Writing whole units needs it.")


def _permission(permission: str, server: Server, needs: Needs, use: Use, *, uses: frozenset[Use], idle: str) -> Finding:
    """``uses``: those for which there is no way without it; ``idle``: what to know of it where it is none of them."""
    if server.may(permission):
        return needs.fine(permission, "Granted.", use, uses)
    said = "Not granted." if use in uses else f"Not granted. {idle}"
    return needs.lacking(permission, said, use, uses, grant(permission, server))


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


def _vital(server: Server, unit_route: UnitRoute) -> frozenset[str]:
    """The permissions of the route that is taken, or, if none is open, of the first that is wanted."""
    route = (open_routes(server, unit_route) or _wanted(unit_route))[0]
    return frozenset({MANAGE_UNITS, MANAGE_MONITORS} if route == "unit" else {MANAGE_DEPARTMENTS})


def _wanted(unit_route: UnitRoute) -> tuple[str, ...]:
    return ("unit", "department") if unit_route == "auto" else (unit_route,)


def _lacks(server: Server) -> dict[str, list[str]]:
    return {"unit": server.unit_route_lacks(), "department": server.department_route_lacks()}
