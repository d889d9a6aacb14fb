"""Which rule answers which method and path, and what it asks of the caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from bulkjob.sandbox import rules_departments, rules_saving, rules_units, rules_users
from bulkjob.sandbox.rules import Call
from bulkjob.sandbox.schema import (
    AGENTS_QUERY,
    CREATE_DEPARTMENT,
    CREATE_DEPARTMENT_WITHOUT_UNIT,
    DEPARTMENTS_QUERY,
    DEPARTMENTS_QUERY_WITH_FIELDS,
    MONITOR_BODY,
    PUT_DEPARTMENT,
    USERS_QUERY,
    Schema,
)
from bulkjob.sandbox.versions import Capabilities

_VERSIONED: Final = "/api/v1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one route."""

    rule: Callable[[Call], Any]
    """Returns the body of a 200, or a pair of it and what is to be done after the answer."""
    any_of: tuple[str, ...] = ()
    """Permissions of which the caller needs one."""
    query_schema: Schema | None = None
    body_schema: Schema | None = None
    typed: bool = False
    """Whether the route's refusals by schema are those of the newer typed routes."""
    authenticated: bool = True
    forgotten: Callable[[Call], Any] = field(default=lambda _: {"success": True})
    """The body of a 200 for a write that is not carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path pattern with its methods."""

    name: str
    """The pattern as ``/_sandbox/calls`` spells it: ``livechat/department/:id``."""
    methods: Mapping[str, Endpoint]
    premium: bool = False
    """Whether it is there for a licence only."""
    versioned: bool = True
    """Whether it lies under ``/api/v1``; the rate limiter knows only those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A path's route, with what stands in the place of each ``:id``."""

    route: Route
    ids: tuple[str, ...]


class Routes:
    """The routes of one server release."""

    def __init__(self, can: Capabilities) -> None:
        """Build the table for what this release can do."""
        self._tree: dict[tuple[bool, int], list[tuple[list[str], Route]]] = {}
        for route in _table(can):
            segments = route.name.split("/")
            self._tree.setdefault((route.versioned, len(segments)), []).append((segments, route))

    def find(self, path: str) -> Match | None:
        """The route of a path as it stands in the request line, still quoted; None if there is none."""
        versioned = path.startswith(_VERSIONED)
        if not versioned and not path.startswith("/api/"):
            return None
        segments = path.removeprefix(_VERSIONED if versioned else "/api/").rstrip("/").split("/")
        for pattern, route in self._tree.get((versioned, len(segments)), ()):
            if all(part == segment or (part[0] == ":" and segment) for part, segment in zip(pattern, segments, strict=True)):
                ids = (unquote(segment) for part, segment in zip(pattern, segments, strict=True) if part[0] == ":")
                return Match(route=route, ids=tuple(ids))
        return None


def _table(can: Capabilities) -> list[Route]:
    """Every route; of two that fit a path, the first is taken."""
    return [*_own_routes(can), *_department_routes(can), *_unit_routes(can), *_user_routes()]


def _own_routes(can: Capabilities) -> list[Route]:
    routes = [
        Route(name="info", versioned=False, methods={"GET": Endpoint(rule=rules_users.info, authenticated=False)}),
        Route(name="me", methods={"GET": Endpoint(rule=rules_users.me)}),
        Route(name="permissions.listAll", methods={"GET": Endpoint(rule=rules_users.permissions)}),
    ]
    if can.licenses_info:
        routes.append(Route(name="licenses.info", methods={"GET": Endpoint(rule=rules_users.license_info)}))
    return routes


def _department_routes(can: Capabilities) -> list[Route]:
    view = ("view-livechat-departments", "view-l-room")
    manage = ("manage-livechat-departments",)
    change = ("manage-livechat-departments", "add-livechat-department-agents")
    query = DEPARTMENTS_QUERY_WITH_FIELDS if can.fields_parameter else DEPARTMENTS_QUERY
    create = CREATE_DEPARTMENT if can.department_unit else CREATE_DEPARTMENT_WITHOUT_UNIT
    return [
        Route(
            name="livechat/department",
            methods={
                "GET": Endpoint(rule=rules_departments.listing, any_of=view, query_schema=query),
                "POST": Endpoint(rule=rules_saving.create, any_of=manage, body_schema=create),
            },
        ),
        Route(
            name="livechat/department/isDepartmentCreationAvailable",
            methods={
                "GET": Endpoint(rule=rules_departments.may_create, any_of=("view-livechat-departments", "manage-livechat-departments")),
            },
        ),
        Route(
            name="livechat/department/:id",
            methods={
                "GET": Endpoint(rule=rules_departments.one, any_of=view),
                "PUT": Endpoint(
                    rule=rules_saving.put,
                    any_of=change,
                    body_schema=PUT_DEPARTMENT if can.put_schema else None,
                    forgotten=rules_saving.stored,
                ),
                "DELETE": Endpoint(rule=rules_departments.delete, any_of=("manage-livechat-departments", "remove-livechat-department")),
            },
        ),
        Route(
            name="livechat/department/:id/agents",
            methods={
                "GET": Endpoint(rule=rules_departments.agents, any_of=view, query_schema=AGENTS_QUERY if can.agents_schema else None),
                "POST": Endpoint(rule=rules_saving.post_agents, any_of=change),
            },
        ),
        Route(name="livechat/department/:id/archive", methods={"POST": Endpoint(rule=rules_departments.archive, any_of=manage)}),
        Route(name="livechat/department/:id/unarchive", methods={"POST": Endpoint(rule=rules_departments.unarchive, any_of=manage)}),
        Route(name="livechat/department.autocomplete", methods={"GET": Endpoint(rule=rules_departments.autocomplete, any_of=view)}),
        Route(name="livechat/department.listByIds", methods={"GET": Endpoint(rule=rules_departments.by_ids, any_of=view)}),
        Route(
            name="livechat/departments/archived",
            methods={"GET": Endpoint(rule=rules_departments.archived, any_of=view, query_schema=query)},
        ),
    ]


def _unit_routes(can: Capabilities) -> list[Route]:
    units = ("manage-livechat-units",)
    monitors = ("manage-livechat-monitors",)
    listed = () if can.units_filtered else units
    save = Endpoint(rule=rules_units.save, any_of=units, forgotten=rules_units.forgotten)
    appointing = (("create", rules_users.add_monitor), ("delete", rules_users.remove_monitor)) if can.monitor_endpoints else ()
    return [
        *(
            Route(
                name=f"livechat/monitors.{name}",
                premium=True,
                methods={"POST": Endpoint(rule=rule, any_of=monitors, body_schema=MONITOR_BODY, typed=True)},
            )
            for name, rule in appointing
        ),
        Route(
            name="livechat/units",
            premium=True,
            methods={"GET": Endpoint(rule=rules_units.listing, any_of=listed), "POST": save},
        ),
        Route(
            name="livechat/units/:id",
            premium=True,
            methods={
                "GET": Endpoint(rule=rules_units.one, any_of=units),
                "POST": save,
                "DELETE": Endpoint(rule=rules_units.delete, any_of=units, forgotten=lambda _: 1),
            },
        ),
        Route(
            name="livechat/units/:id/departments",
            premium=True,
            methods={"GET": Endpoint(rule=rules_units.departments, any_of=units)},
        ),
        Route(
            name="livechat/units/:id/departments/available",
            premium=True,
            methods={"GET": Endpoint(rule=rules_units.available, any_of=units)},
        ),
        Route(
            name="livechat/units/:id/monitors",
            premium=True,
            methods={"GET": Endpoint(rule=rules_units.monitors, any_of=monitors)},
        ),
        Route(name="livechat/monitors", premium=True, methods={"GET": Endpoint(rule=rules_users.monitors, any_of=monitors)}),
        Route(name="livechat/monitors/:id", premium=True, methods={"GET": Endpoint(rule=rules_users.monitor, any_of=monitors)}),
    ]


def _user_routes() -> list[Route]:
    return [
        # One route for agents and managers on the server too: they share one rate-limit window.
        Route(name="livechat/users/:type", methods={"GET": Endpoint(rule=rules_users.listing, query_schema=USERS_QUERY)}),
        Route(
            name="livechat/users/:type/:id",
            methods={"GET": Endpoint(rule=rules_users.one, any_of=("view-livechat-manager",))},
        ),
    ]
