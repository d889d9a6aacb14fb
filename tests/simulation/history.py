"""What the server holds, and all that has happened to it."""

from dataclasses import dataclass, field
from typing import Any

from bulkjob.rocketchat import Request
from bulkjob.sandbox import Sandbox

Target = tuple[str, ...]
"""What can be changed by itself, ``("unit", department)`` or ``("place", department, agent)`` among others."""

_VOLATILE = frozenset({"_updatedAt", "parentId", "ancestors", "numAgents", "numDepartments", "numMonitors"})


@dataclass(frozen=True, slots=True)
class Picture:
    """What the server holds, by what can be changed by itself. Its keys are the *targets* that edits and writes have."""

    values: dict[Target, Any]

    def changed(self, later: "Picture") -> list[Target]:
        """The targets that are otherwise in ``later``."""
        if self.values == later.values:
            return []
        return [key for key in self.values | later.values if self.values.get(key) != later.values.get(key)]


def picture_of(sandbox: Sandbox) -> Picture:
    """The present state: ``("unit", department)``, ``("place", department, agent)``, ``("monitor", …)`` and so on."""
    state = sandbox.store
    values: dict[Target, Any] = {}
    for document in state.collection.values():
        fields = {key: value for key, value in document.items() if key not in _VOLATILE}
        if document.get("type") == "u":
            values["fields of unit", document["_id"]] = fields
        else:
            values["fields of department", document["_id"]] = fields
            parent = document.get("parentId") or None
            values["unit", document["_id"]] = parent
            ancestors = document.get("ancestors") or []
            if ancestors != ([parent] if parent else []):
                values["odd ancestors", document["_id"]] = ancestors
    for row in state.rows():
        key = "place", row["departmentId"], row["agentId"]
        values[key] = "twice" if key in values else (row.get("count", 0), row.get("order", 0))
    for user in state.users.values():
        values["person", user["_id"]] = tuple(user["roles"])
    for row in state.monitors.values():
        # Who does not hold the role is dropped by the server itself.
        if "livechat-monitor" in state.users[row["monitorId"]]["roles"]:
            values["monitor", row["unitId"], row["monitorId"]] = row["username"]
    return Picture(values)


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call on its way."""

    request: Request[Any]
    sent: int
    """When, by `Server.moment`."""
    restarts: int
    read: int = 0
    """The moment of what it was made from: what somebody edits from then on until it arrives, it may overwrite."""
    done: bool = False
    late: bool = False
    """Whether it was put off (`late`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody else did."""

    moment: int
    target: Target
    chat: bool = False
    leave: bool = False
    """Whether it is that an agent has left."""


@dataclass(slots=True)
class Record:
    """All that has happened to the server, in the order of its moments."""

    edits: list[Edit] = field(default_factory=list)
    history: dict[Target, list[tuple[int, Any]]] = field(default_factory=dict)
    """Target → (moment, value), each time that it changed."""
    crossed: set[tuple[Target, int]] = field(default_factory=set)
    """The changes, by target and moment, of writes that somebody else's edit came between since they were read for."""

    late: dict[Target, tuple[int, int]] = field(default_factory=dict)
    """Target → (sent, moment) of the late commit that was the last of the job's writes to change it."""
    strays: list[tuple[Target, int, int]] = field(default_factory=list)
    """Every change by a late commit: (target, sent, moment)."""

    def write(self, changed: list[Target], call: Call, moment: int) -> None:
        """Takes note of what a write of the job has changed; one that a late commit crossed leaves what is as much the work of that."""
        for target in changed:
            if not self.late_since(target, call.read):
                self.late.pop(target, None)
            if call.late:
                self.late[target] = call.sent, moment
                self.strays.append((target, call.sent, moment))

    def late_since(self, target: Target, moment: int) -> bool:
        """Whether what a target is now it is by a late commit that came after a moment: nobody can know of it who looked before."""
        return self.late.get(target, (0, 0))[1] > moment

    def strayed(self, target: Target, moment: int | None = None) -> bool:
        """Whether a late commit has changed a target; after a moment, before which it was sent, if one is given."""
        return any(changed == target and (moment is None or sent <= moment < came) for changed, sent, came in self.strays)

    def unsettled(self, moment: int) -> bool:
        """Whether a late commit has changed anything since a moment."""
        return any(came > moment for _, _, came in self.strays)

    def touched(self, target: Target, *, chats: bool = True) -> bool:
        """Whether somebody else edited it."""
        return any(edit.target == target and (chats or not edit.chat) for edit in self.edits)

    def last_edit(self, target: Target) -> tuple[Any, ...]:
        """The value that somebody else gave it last; nothing if nobody has."""
        moments = [edit.moment for edit in self.edits if edit.target == target]
        return tuple(self.ever(target, moments[-1])[:1]) if moments else ()

    def ever(self, target: Target, since: int = 0) -> list[Any]:
        """The values that it has had from a moment on, the one that it had then included."""
        entries = self.history.get(target, [])
        before = [value for moment, value in entries if moment <= since][-1:]
        return (before or [None]) + [value for moment, value in entries if moment > since]
