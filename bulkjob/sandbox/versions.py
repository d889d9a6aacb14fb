"""What each server release does differently, as one table of capabilities.

The numbers are the releases in which Rocket.Chat changed; where its changelog does not name one, the first release
whose code was seen with the change is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

#: The value of ``--server-version`` for a server that does not tell its release to anybody.
HIDDEN: Final = "hidden"

#: The value of ``--server-version`` for one that answers as the published pages say, where they differ from every release.
DOCUMENTED: Final = "documented"

#: The line after the newest release (8.8): what Rocket.Chat's code does that no release is known to ship.
NEWEST: Final = (8, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """One server release, as far as its endpoints differ."""

    shown: str | None
    """The full version, as ``GET /api/info`` tells those who may see it; None: the server keeps it to itself."""
    hono: bool
    """The newer HTTP stack: other 401 body, 404 in plain text, unreadable bodies taken as empty."""
    middlewares_first: bool
    """Permission and licence are checked before the rate limit, which is checked before the body."""
    units_always_registered: bool
    """Without a licence the unit routes answer 400 instead of not existing."""
    licenses_info: bool
    """``GET licenses.info`` exists."""
    department_unit: bool
    """``departmentUnit`` is known."""
    unlinks_by_unset: bool
    """A department out of its unit lacks ``parentId`` and ``ancestors`` instead of having them null."""
    units_filtered: bool
    """``GET units`` is open to all and shows the caller's own units to those without the permission."""
    monitors_by_role: bool
    """A unit stores only monitors who hold the role, under their stored username."""
    put_agents_need_username: bool
    put_agents_late: bool
    """PUT answers before it saves the agents, and hides if that fails."""
    put_refusal_named: bool
    """A PUT without `manage-livechat-departments` says ``error-not-allowed`` instead of nothing."""
    forward_list: bool
    """``departmentsAllowedToForward`` is written as a list; before, as a string separated by commas."""
    agents_schema: bool
    """``department/:id/agents`` is validated by a JSON schema."""
    delete_decrements: bool
    """Deleting a department lowers its unit's ``numDepartments``."""
    removal_setting: bool
    """Deleting a department needs the setting ``Omnichannel_enable_department_removal``."""
    fields_parameter: bool
    """The department list accepts a ``fields`` parameter."""
    fields_honoured: bool
    """``department.listByIds`` shows only the ``fields`` asked for."""
    omitted_unit_removes: bool
    """A PUT without ``departmentUnit`` takes the department out of its unit (``departmentsLib.ts``, ``departmentUnit || {}``)."""
    put_schema: bool
    """A PUT is validated by a JSON schema with coercion, as the published page "Update Department" shows its refusals."""
    agents_restricted: bool
    """The role ``livechat-agent`` restricts to the caller's own units, too (``getUnitsFromUser.ts`` of omni-core-ee, #36801), and
    ``onlyMyDepartments`` passes the departments in which the caller is an agent."""
    unit_deleted_first: bool
    """Deleting a unit begins with the unit (``LivechatUnit.removeByIdAndUnit``, #35860) instead of ending with it."""
    unknown_user_refused: bool
    """``GET livechat/users/:type/:id`` refuses an unknown id instead of answering null."""
    monitor_endpoints: bool
    """``POST livechat/monitors.create`` and ``.delete`` exist; before, only a DDP method did."""
    bypass_gets_headers: bool
    """Calls of accounts that are exempt from the rate limit are counted and told it, too; only the 429 is spared them (``ApiClass.ts``)."""
    offset_honoured: bool
    """The listings of a unit's departments honour ``offset`` and are sorted by name (``Department.ts``)."""
    status_in_401: bool
    """A 401 still has the older ``status`` and ``message``; the code drops them from 9.0 on."""
    forbidden_in_403: bool
    """A handler's own 403 says ``forbidden`` instead of ``unauthorized``; the code does so from 9.0 on."""
    slow_refusals: bool = False
    """Each 401 and 403 takes half a second to a second longer, as with Restivus. Off unless asked for: it only costs time."""


def capabilities(version: str, toggles: Mapping[str, bool] | None = None) -> Capabilities:
    """What the release ``version`` does (``7.0``, ``6.12.1``, or one of the words above for the newest line), with `toggles` switched.

    `toggles` are fields of `Capabilities`. Raises ValueError for what is no version or no toggle.
    """
    for name in toggles or {}:
        if name not in _TOGGLES:
            raise ValueError(f"{name!r} is nothing that a release can do; known are {', '.join(_TOGGLES)}")
    changes: dict[str, Any] = dict(toggles or {})
    return replace(_of(version), **changes)


def _of(version: str) -> Capabilities:
    release = NEWEST if version in {HIDDEN, DOCUMENTED} else _release(version)
    return Capabilities(
        shown=None if version == HIDDEN else _spelt(version),
        hono=release >= (7, 5),
        middlewares_first=release >= (8, 0),
        units_always_registered=release >= (7, 5),
        licenses_info=release >= (6, 5),
        department_unit=release >= (6, 13),
        unlinks_by_unset=release >= (8, 0),
        units_filtered=release >= (7, 5),
        monitors_by_role=release >= (6, 6),
        put_agents_need_username=release < (6, 6),
        put_agents_late=(6, 1) <= release < (6, 6),
        put_refusal_named=release >= (6, 6),
        forward_list=release >= (6, 3),
        agents_schema=release >= (8, 0),
        delete_decrements=release >= (7, 2),
        removal_setting=release >= (7, 5),
        fields_parameter=release < (6, 3),
        fields_honoured=release < (7, 0),
        omitted_unit_removes=release >= (6, 13),
        put_schema=version == DOCUMENTED,
        agents_restricted=release >= (7, 10),
        unit_deleted_first=release >= (7, 6),
        unknown_user_refused=release < (8, 0),
        monitor_endpoints=release >= (8, 0),
        bypass_gets_headers=release >= NEWEST,
        offset_honoured=release >= NEWEST,
        status_in_401=release < (9, 0),
        forbidden_in_403=release >= (9, 0),
    )


_TOGGLES: Final = tuple(field.name for field in fields(Capabilities) if field.name != "shown")


def _spelt(version: str) -> str:
    """The version in full, as the server spells it."""
    plain = ".".join(map(str, NEWEST)) if version == DOCUMENTED else version
    return plain + ".0" * max(0, 2 - plain.count("."))


def _release(version: str) -> tuple[int, int]:
    parts = version.split(".")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"the server version {version!r} is not a version such as 7.0, nor {HIDDEN!r} or {DOCUMENTED!r}")
    return int(parts[0]), int(parts[1])
