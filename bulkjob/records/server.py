"""What kind of server and account the job works with: release, licence, permissions, and what follows from them."""

from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the job signs in with."""

    id: str
    username: str
    roles: frozenset[str]


MANAGE_DEPARTMENTS: Final = "manage-livechat-departments"


ADD_AGENTS: Final = "add-livechat-department-agents"


MANAGE_UNITS: Final = "manage-livechat-units"


MANAGE_MONITORS: Final = "manage-livechat-monitors"


#: Needed to list departments, and a department's agents.
VIEW_DEPARTMENTS: Final = "view-livechat-departments"


#: Needed to list live-chat agents.
TRANSFER_GUESTS: Final = "transfer-livechat-guest"


BYPASS_RATE_LIMIT: Final = "api-bypass-rate-limit"


#: Roles that may change the unit of any department (``manageDepartmentUnit.ts``); a monitor may do so within the units he supervises.
UNIT_ROLES: Final = frozenset({"admin", "livechat-manager"})


MONITOR_ROLE: Final = "livechat-monitor"


AGENT_ROLE: Final = "livechat-agent"


_ROLES: Final = ", ".join((*sorted(UNIT_ROLES), MONITOR_ROLE))


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


#: The first release that restricts accounts with the role of an agent, too, to their own units (#36801).
FIRST_RESTRICTED_AGENTS: Final = Version(7, 10)


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
        told = f"says that its version is {self.version_text!r}, which bulkjob does not know" if self.version_text else "hides its version"
        first = f"{FIRST_DEPARTMENT_UNIT.major}.{FIRST_DEPARTMENT_UNIT.minor}"
        return (f"The server {told}, so it is treated as a new one. If it is older than {first}, it will refuse changes to departments.",)

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
    def restricted_to_own_units(self) -> bool:
        """Whether the account can read and change by id only the units that it monitors, and those of departments that it is an agent of.

        Other units are listed, but read as if they were not there, and ``departmentUnit`` is ignored for them (``getUnitsFromUser.ts``).
        """
        roles = {MONITOR_ROLE, AGENT_ROLE} if self._release >= FIRST_RESTRICTED_AGENTS else {MONITOR_ROLE}
        return not self.moves_any_department and bool(self.account.roles & roles)

    def unit_route_lacks(self) -> list[str]:
        """What keeps this account from writing whole units, as clauses; empty if nothing does.

        Without the monitors' permission a unit's monitors cannot be read, and a ``POST`` without them would wipe them.
        """
        return [*self._units_lack(), *self._lacks(MANAGE_UNITS, MANAGE_MONITORS)]

    def monitors_lack(self) -> list[str]:
        """What keeps this account from reading who monitors units, as clauses; empty if nothing does."""
        return [*self._units_lack(), *self._lacks(MANAGE_MONITORS)]

    def department_route_lacks(self) -> list[str]:
        """What keeps this account from changing units by ``departmentUnit``, as clauses; empty if nothing does.

        For an account without one of three roles the server ignores the key without a word (``manageDepartmentUnit.ts``).
        """
        # The role of an agent alone opens nothing: who monitors a unit has had that role since 6.6.
        roles = [] if self.account.roles & {*UNIT_ROLES, MONITOR_ROLE} else [f"the account has none of the roles {_ROLES}"]
        versions = (
            [] if self.knows_department_unit else [f"Rocket.Chat {self.version_text} cannot move a single department (that came with 6.13)"]
        )
        return [*self._units_lack(), *versions, *self._lacks(MANAGE_DEPARTMENTS), *roles]

    def _units_lack(self) -> list[str]:
        return [] if self.has_units else ["the licence does not include units (premium module livechat-enterprise)"]

    def _lacks(self, *permissions: str) -> list[str]:
        return [f"the account lacks the permission {permission}" for permission in permissions if not self.may(permission)]
