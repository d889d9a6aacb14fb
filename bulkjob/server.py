"""What the server is and what the account may do there, read once before anything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from bulkjob.rocketchat import wire
from bulkjob.rocketchat.answers import CallFailed, Failure
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.readers import Account
from bulkjob.vocabulary import Code, Exit, Stop

T = TypeVar("T")

MANAGE_DEPARTMENTS: Final = "manage-livechat-departments"
ADD_AGENTS: Final = "add-livechat-department-agents"
MANAGE_UNITS: Final = "manage-livechat-units"
MANAGE_MONITORS: Final = "manage-livechat-monitors"
BYPASS_RATE_LIMIT: Final = "api-bypass-rate-limit"

#: Roles that may change the unit of any department (``manageDepartmentUnit.ts``); a monitor may do so within the units he supervises.
UNIT_ROLES: Final = frozenset({"admin", "livechat-manager"})
MONITOR_ROLE: Final = "livechat-monitor"

_ROLES = ", ".join((*sorted(UNIT_ROLES), MONITOR_ROLE))
_UNITS_MODULE = "livechat-enterprise"


class Version(NamedTuple):
    """A release of Rocket.Chat; without ``view-statistics`` the server tells no more than these two."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "Version | None":
        """From ``7.0``, ``6.13.1`` or ``8.0.0-develop``; None for anything else."""
        numbers = text.split("-", maxsplit=1)[0].split(".")
        return cls(int(numbers[0]), int(numbers[1])) if len(numbers) > 1 and all(number.isdecimal() for number in numbers[:2]) else None


#: The oldest release that is served.
OLDEST: Final = Version(6, 0)
_NEWEST: Final = Version(9999, 0)
#: The first release whose departments are told their unit by ``departmentUnit`` (#32682).
FIRST_DEPARTMENT_UNIT: Final = Version(6, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the job may count on."""

    version: Version | None
    """None where the server hides it: then it is treated as new."""
    version_text: str
    account: Account
    permissions: frozenset[str] | None
    """What the account may do; None where the server did not tell, and everything is tried."""
    modules: frozenset[str] | None
    """The licence's active modules; None where the server did not tell."""

    def may(self, permission: str) -> bool:
        """Whether nothing speaks against the account having a permission."""
        return self.permissions is None or permission in self.permissions

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know about how the server is treated."""
        if self.version is not None:
            return ()
        told = f"names its version {self.version_text!r}, which is no release" if self.version_text else "does not tell its version"
        first = f"{FIRST_DEPARTMENT_UNIT.major}.{FIRST_DEPARTMENT_UNIT.minor}"
        return (
            f"The server {told}: it is treated as a new Rocket.Chat. If it is older than {first}, it will refuse writes to departments.",
        )

    @property
    def _release(self) -> Version:
        return self.version or _NEWEST

    @property
    def knows_department_unit(self) -> bool:
        """Whether ``PUT livechat/department`` takes ``departmentUnit``, and takes its absence for "no unit" (6.13.0, #32682)."""
        return self._release >= FIRST_DEPARTMENT_UNIT

    @property
    def answers_puts_early(self) -> bool:
        """Whether a ``PUT`` is answered before its agents are stored (until 6.6.0, #31049)."""
        return self._release < Version(6, 6)

    @property
    def drops_monitors(self) -> bool:
        """Whether writing a unit drops those of its monitors who hold the role no longer (since 6.6.0, ``LivechatEnterprise.ts``)."""
        return self._release >= Version(6, 6)

    @property
    def has_units(self) -> bool:
        """Whether the licence, as far as it is known, has units at all."""
        return self.modules is None or _UNITS_MODULE in self.modules

    @property
    def moves_any_department(self) -> bool:
        """Whether the account's roles let it change any department's unit by ``departmentUnit``."""
        return bool(self.account.roles & UNIT_ROLES)

    @property
    def supervises_units(self) -> bool:
        """Whether ``departmentUnit`` works for the account within some units only: those it is a monitor of."""
        return not self.moves_any_department and MONITOR_ROLE in self.account.roles

    def unit_route_lacks(self) -> list[str]:
        """What keeps this account from writing whole units, as clauses; empty if nothing does.

        Without the monitors' permission a unit's monitors cannot be read, and a ``POST`` without them would wipe them.
        """
        return [*self._units_lack(), *self._lacks(MANAGE_UNITS, MANAGE_MONITORS)]

    def department_route_lacks(self) -> list[str]:
        """What keeps this account from changing units by ``departmentUnit``, as clauses; empty if nothing does.

        For an account without one of three roles the server ignores the key without a word (``manageDepartmentUnit.ts``).
        """
        roles = [] if self.moves_any_department or self.supervises_units else [f"the account has none of the roles {_ROLES}"]
        versions = (
            [] if self.knows_department_unit else [f"Rocket.Chat {self.version_text} does not know departmentUnit, which came with 6.13"]
        )
        return [*self._units_lack(), *versions, *self._lacks(MANAGE_DEPARTMENTS), *roles]

    def _units_lack(self) -> list[str]:
        return [] if self.has_units else ["the licence has no units (premium module livechat-enterprise)"]

    def _lacks(self, *permissions: str) -> list[str]:
        return [f"the account lacks the permission {permission}" for permission in permissions if not self.may(permission)]


async def inspect(client: Client) -> Server:
    """Reads version, account, permissions and licence.

    Raises `Stop`: 69 if the server does not answer, 77 if it refuses the account, 78 if what answers is no Rocket.Chat, or too old a one.
    """
    version_text = await _first(client, wire.info())
    version = Version.parse(version_text) if version_text else None
    if version is not None and version < OLDEST:
        message = (
            f"The server is Rocket.Chat {version_text}. Servers before {OLDEST.major}.{OLDEST.minor} are not supported: update it first."
        )
        raise Stop(Exit.BAD_SETTING, message)
    account = await _needed(client, wire.me())
    roles_by_permission = await _wanted(client, wire.permissions())
    modules = await _wanted(client, wire.licence(), attempts=1)
    return Server(
        version=version,
        version_text=version_text or "",
        account=account,
        permissions=_granted(roles_by_permission, account.roles) if roles_by_permission else None,
        modules=modules,
    )


def _granted(roles_by_permission: Mapping[str, frozenset[str]], roles: frozenset[str]) -> frozenset[str]:
    return frozenset(permission for permission, holders in roles_by_permission.items() if holders & roles)


async def _first(client: Client, request: Request[T]) -> T:
    """The very first answer: one below 500 that is not Rocket.Chat's says that the address is wrong."""
    try:
        return await client.call(request)
    except CallFailed as failed:
        failure = failed.failure
        # Whoever answers so to a question that needs no account is some proxy or another program.
        strange = failure.code in (Code.BAD_RESPONSE, Code.REJECTED, Code.REFUSED) and not 300 <= (failure.status or 300) < 400
        if strange and failure.status is not None and failure.status < 500:
            message = f"What answers at this address is not Rocket.Chat ({failure.said}). Check --url (ROCKETCHAT_URL)."
            raise Stop(Exit.BAD_SETTING, message) from None
        raise stop_for(failure) from None


async def _needed(client: Client, request: Request[T]) -> T:
    try:
        return await client.call(request)
    except CallFailed as failed:
        raise stop_for(failed.failure) from None


async def _wanted(client: Client, request: Request[T], attempts: int | None = None) -> T | None:
    """An answer that is good to have; None where this server has no such endpoint (the licence's is younger than 6.0) or does not tell."""
    try:
        return await client.call(request, attempts=attempts)
    except CallFailed as failed:
        if failed.failure.status is None or failed.failure.status == 401:
            raise stop_for(failed.failure) from None
        return None


def stop_for(failure: Failure) -> Stop:
    """How the job ends for a failure that concerns every call."""
    refused = failure.code is Code.REFUSED
    if refused and failure.status == 401:
        message = f"The server does not accept the user id and token ({failure.said}). Check ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN."
        return Stop(Exit.NO_PERMISSION, message)
    if refused and failure.status == 403:
        return Stop(
            Exit.NO_PERMISSION, f"The server refuses this account ({failure.said}). Ask its administrator for the missing permission."
        )
    if failure.status is not None and 300 <= failure.status < 400:
        message = f"The server answers with a redirect ({failure.said}), not followed here. Set --url (ROCKETCHAT_URL) to what it names."
        return Stop(Exit.BAD_SETTING, message)
    if failure.untrusted:
        message = f"The connection is not safe: {failure.said}. If your company has its own certificates, name their file with --ca-file."
        return Stop(Exit.BAD_SETTING, message)
    return Stop(Exit.UNAVAILABLE, f"The server cannot be reached or keeps failing: {failure.said}. Nothing more was sent; try again later.")
