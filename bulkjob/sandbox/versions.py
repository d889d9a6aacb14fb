"""What each server release does differently, as one table of capabilities.

The numbers are the releases in which Rocket.Chat changed; where its changelog does not name one, the first release
whose code was seen with the change is used.
"""

from dataclasses import dataclass

#: The value of ``--server-version`` for a server that does not tell its release to anybody.
HIDDEN = "hidden"

_NEWEST = (8, 0)


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
    """``departmentUnit`` is known; leaving it out of a PUT takes the department out of its unit."""
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


def capabilities(version: str) -> Capabilities:
    """What the release ``version`` does (``7.0``, ``6.12.1``, or ``hidden`` for the newest one, incognito).

    Raises ValueError if that is no version.
    """
    release = _NEWEST if version == HIDDEN else _release(version)
    return Capabilities(
        shown=None if version == HIDDEN else version + ".0" * max(0, 2 - version.count(".")),
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
    )


def _release(version: str) -> tuple[int, int]:
    parts = version.split(".")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"the server version {version!r} is not a version such as 7.0, nor {HIDDEN!r}")
    return int(parts[0]), int(parts[1])
