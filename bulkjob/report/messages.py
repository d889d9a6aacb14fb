"""What a row's message says: what was done, or what the server did instead and what to do about it.

Every wording of an outcome is here, so that the same thing is said in the same words in results.csv, on the terminal and in a workbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bulkjob.changes import UNIT_GONE, Words
from bulkjob.phrases import listed, one_line
from bulkjob.records import MANAGE_DEPARTMENTS, Server
from bulkjob.vocabulary import Code, Effect, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a row that asks for several things, with its own outcome."""

    name: str
    """``unit``, ``agent`` …"""
    state: str
    """What is so once it is done, as a clause."""
    status: Status
    change: Effect = Effect.NONE
    message: str
    """Of this part, by the functions below."""


def success_message(words: Words, change: Effect) -> str:
    """What was done, or that there was nothing to do."""
    return words.done if change is Effect.UPDATED else f"{_CORRECT}: {words.state}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a part that failed."""

    said: str = ""
    """The server's own words; for ``rejected`` and ``unit-not-permitted`` that were not sent, the reason as a clause."""
    http_status: int | None = None
    """Of the last answer; None where there was none, or nothing was sent."""
    attempts: int | None = None
    seen: str = ""
    """What the server was found to hold instead, as a clause (``it is in unit "EMEA" (unit-emea)``)."""
    looked_up: bool = True
    """False where a write went out and what became of it could not be looked up."""


def failure_message(
    code: Code, part: str, words: Words, evidence: Evidence = Evidence(), *, server: Server | None = None, undoes: bool = False
) -> str:
    """Why one part of a row failed: what was asked, what the server did, what to do next.

    ``server``: what is known of the account, so that nobody is told to grant what it has. ``undoes``: in a rollback. Raises `KeyError` for
    a code that is not one of a failed row.
    """
    remedy = (_REMEDY_BACK if undoes and code in _REMEDY_BACK else _REMEDY)[code]
    if _is_unit_gone(code, evidence):
        remedy = _unit_gone_remedy(part, undoes=undoes)
    elif code is Code.NOT_APPLIED:
        remedy = _not_applied_remedy(part, server)
    elif code is Code.UNIT_NOT_PERMITTED:
        remedy = _unit_remedy(server)
    elif code is Code.LAST_DEPARTMENT_IN_UNIT and server is not None and not server.unit_route_lacks():
        remedy = _UNIT_ROUTE_IS_OPEN
    doubt = "" if evidence.looked_up else ", and bulkjob could not check whether it took effect"
    was_not = "was not" if evidence.looked_up else "may not have been"
    return f"{words.subject} {was_not} {words.deed}: {_account(code, words, evidence)}{doubt}. {_worded(remedy, undoes=undoes)}."


def unsent_message(code: Code, reason: str = "", *, undoes: bool = False) -> str:
    """Why nothing was sent for a row that is valid in itself; ``reason`` (a clause without full stop) replaces the general one.

    Raises `KeyError` for a code that is not one of an unsent row.
    """
    general, remedy = _UNSENT[code]
    # Where the reason is the sentence that stopped the whole job, it says this once more.
    because = reason.replace(" Nothing was sent.", "") or general
    return f"{_UNSENT_ROW}: {because.rstrip('. ')}. {_worded(remedy, undoes=undoes)}."


def held_back_message() -> str:
    """Why nothing was sent for a valid row while other rows went ahead (``--skip-invalid``)."""
    because = "another row about the same department or unit is invalid"
    return f"{_UNSENT_ROW}: {because}. Correct that row, then send both (retry.csv has them)."


#: Of whom ``mirror`` removed along with a row, so many are named.
MIRRORED_SHOWN: Final = 5


def mirrored_message(first: Sequence[str], moved: int, *, back: bool) -> str:
    """Whom ``mirror`` removed along with a row, or who is ``back`` from that: the first agents by name, and how many it were in all."""
    more = moved - len(first)
    what = (
        "Back in the department, from which mirror had removed them" if back else "Removed from the department, because no row names them"
    )
    return f"{what}: {', '.join(first)}{f' and {more:,} more' if more else ''}."


def joined(parts: Sequence[Part]) -> str:
    """The message of a row that asks for several things: the part that failed first, then what became of the others."""
    if len(parts) == 1 or all(part.status is Status.NOT_SENT for part in parts):
        return parts[0].message
    if all(part.status is Status.SUCCESS and part.change is not Effect.UPDATED for part in parts):
        return f"{_CORRECT}: {listed(part.state for part in parts)}."
    if all(part.status in (Status.SUCCESS, Status.PLANNED) for part in parts):
        return " ".join(part.message for part in parts)
    # Where one was not sent, the one that was has more to tell.
    gravest = max(_GRAVITY[part.status] for part in parts)
    first = next(part for part in parts if _GRAVITY[part.status] == gravest)
    message = first.message.replace(_UNSENT_ROW, f"Nothing was sent for the {first.name} part of this row", 1)
    if first.status is Status.NOT_SENT and (changed := [part.state for part in parts if part.change is Effect.UPDATED]):
        others = (_other_part(part) for part in parts if part is not first and part.change is not Effect.UPDATED)
        return " ".join([f"Half done: {listed(changed)}.", message, *others])
    return " ".join([message, *(_other_part(part) for part in parts if part is not first)])


def _other_part(part: Part) -> str:
    if part.status is Status.SUCCESS:
        return f"The {part.name} part of this row {'was changed' if part.change is Effect.UPDATED else 'is already correct'}: {part.state}."
    if part.status is Status.PLANNED:
        return f"The {part.name} part of this row would still be changed. {part.message}"
    if part.status is Status.NOT_SENT:
        return f"Nothing was sent for the {part.name} part of this row."
    return f"The {part.name} part of this row failed, too. {part.message}"


def _account(code: Code, words: Words, evidence: Evidence) -> str:
    """What the server did, as a clause."""
    said = one_line(evidence.said)
    quote = f": “{said}”" if said else ""
    because = f": {said}" if said else ""
    answer = "" if evidence.http_status is None else f" (HTTP {evidence.http_status})"
    attempts = evidence.attempts
    # A single attempt needs no mention.
    tries = f" after {attempts} attempts" if attempts is not None and attempts > 1 else ""
    sent = "so nothing was sent" if evidence.http_status is None and attempts is None else f"so the server did nothing{answer}"
    late = f"no answer had come yet{because}" if attempts is None else f"Rocket.Chat did not answer in time{tries}"
    accounts = {
        Code.NOT_APPLIED: said or f"the server said yes, but afterwards {evidence.seen or words.opposite}",
        Code.AGENTS_NOT_PERMITTED: "the account lacks the permission add-livechat-department-agents, without which the server silently "
        "ignores agents, so nothing was sent",
        Code.UNIT_NOT_PERMITTED: f"the account may not change it{because}, {sent}",
        Code.DEPARTMENT_NOT_PERMITTED: f"the account may not change departments{because}, {sent}",
        Code.LAST_DEPARTMENT_IN_UNIT: "it is the last department of its unit, and departments that are moved one at a time may not leave a "
        "unit empty, so nothing was sent",
        Code.DEPARTMENT_ARCHIVED: f"the department is archived, {sent}",
        Code.DEPARTMENT_GONE: f"the department no longer exists (probably deleted){quote}",
        Code.REJECTED: said
        if _is_unit_gone(code, evidence)
        else f"it could not be sent{because}"
        if evidence.http_status is None
        else f"the server refused it{answer}{quote}",
        Code.RATE_LIMITED: f'the server (or a proxy in front of it) still said "too many requests"{tries}{answer}{_unless_page(said)}',
        Code.TIMEOUT: late,
        Code.CONNECTION: f"the connection to the server broke or could not be made{tries}{quote}",
        Code.SERVER_ERROR: f"the server answered with an error{tries} ({_status_words(evidence.http_status)}){_unless_page(said)}",
        Code.BAD_RESPONSE: f"the answer did not come from Rocket.Chat{tries}{answer}{quote}",
        Code.CHANGED_MEANWHILE: f"somebody has changed it since the run{': ' + evidence.seen if evidence.seen else ''}; it was left alone",
    }
    return accounts[code]


def _is_unit_gone(code: Code, evidence: Evidence) -> bool:
    """Whether it failed because the unit was found to be gone; that is no answer of the server's."""
    return code is UNIT_GONE.code and evidence.said == UNIT_GONE.said


def _unless_page(said: str) -> str:
    """The server's words; a page of a proxy says nothing to people."""
    return f": “{said}”" if said and not said.startswith("HTTP ") else ""


def _status_words(status: int | None) -> str:
    """``502 Bad Gateway``."""
    return f"{status} {_PHRASES.get(status, '')}".rstrip() if status is not None else "no status"


_PHRASES: Final = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


_CORRECT: Final = "Already correct"


_UNSENT_ROW: Final = "Nothing was sent for this row"


_GRAVITY: Final = {Status.SUCCESS: 0, Status.PLANNED: 0, Status.NOT_SENT: 1, Status.FAILED: 2}


# ---------------------------------------------------------------------------------------------------------------- remedies


def _not_applied_remedy(part: str, server: Server | None) -> str:
    """What can be the cause for this account, and what to do then; what is known not to be the cause is left out."""
    if part == "agent":
        rights = [] if server is not None and server.permissions is not None else ["the account may not change agents"]
        causes = [*rights, "the user was deleted", "somebody changed the list at the same moment"]
    elif part == "monitor":
        causes = ["the user has lost the role livechat-monitor (Omnichannel → Monitors)", "somebody changed the list at the same moment"]
    elif part in ("department", "unit's own"):
        causes = ["somebody changed it at the same moment"]
    else:
        causes = [*_unit_causes(server), "somebody changed it at the same moment"]
    if len(causes) == 1:
        return f"Probably {causes[0]}: look at it in Rocket.Chat, then {{again}}"
    return f"Either {', or '.join(causes)}: look at it in Rocket.Chat, then {{again}}"


def _unit_gone_remedy(part: str, *, undoes: bool) -> str:
    """What is left to do where the unit is no longer there: a department still is, what belonged to the unit is not."""
    if not undoes:
        return "Leave the row out of the sheet, or name the unit that replaces it"
    if part == "unit":
        return "Put the department by hand, in Rocket.Chat, into the unit that it belongs to now"
    return "There is nothing left to put back"


def _unit_causes(server: Server | None) -> list[str]:
    roles = "the account may not change that unit (that takes the role admin or livechat-manager)"
    licence = "the licence for units has ended"
    if server is None:
        return [roles, licence]
    if server.restricted_to_own_units:
        return ["the account may change only units that it monitors", licence]
    return [*([] if server.moves_any_department else [roles]), licence]


def _unit_remedy(server: Server | None) -> str:
    """What opens a way to the unit for this account."""
    whole = "the permissions manage-livechat-units and manage-livechat-monitors"
    if server is None:
        single = f"{MANAGE_DEPARTMENTS} together with the role livechat-manager"
        return f"Have an administrator give the account {whole}, or {single}, then {{again}}"
    if not server.has_units:
        return "Units need a Rocket.Chat plan that includes them: ask whoever owns the workspace's licence, then {again}"
    single = "" if server.moves_any_department else ", or the role livechat-manager"
    if server.moves_any_department and not server.may(MANAGE_DEPARTMENTS):
        single = f", or {MANAGE_DEPARTMENTS}"
    return f"Have an administrator give the account {whole}{single}, then {{again}}"


_UNIT_ROUTE_IS_OPEN: Final = (
    "Put another department into that unit first, then {again}; or ask whoever runs the job to have whole units written, "
    "in a new run directory"
)


_REMEDY: Final = {
    Code.NOT_APPLIED: "",
    Code.AGENTS_NOT_PERMITTED: "Have an administrator give that permission to one of the account's roles, then {again}",
    Code.UNIT_NOT_PERMITTED: "",
    Code.DEPARTMENT_NOT_PERMITTED: "Have an administrator give the account the permission manage-livechat-departments, then {again}",
    Code.LAST_DEPARTMENT_IN_UNIT: "Put another department into that unit first, or use an account with the permissions "
    "manage-livechat-units and manage-livechat-monitors, then {again}",
    Code.DEPARTMENT_ARCHIVED: "Unarchive the department in Rocket.Chat, then {again}; or leave the row out of the sheet",
    Code.DEPARTMENT_GONE: "Leave the row out of the sheet, or name the department that replaces it",
    Code.REJECTED: "Fix the problem named here, then {again}",
    Code.RATE_LIMITED: "Wait a while, then {again}",
    Code.TIMEOUT: "Check that Rocket.Chat is up, then {again}; if this repeats, show this message to whoever runs Rocket.Chat",
    Code.CONNECTION: "Check that Rocket.Chat is up, then {again}; if this repeats, show this message to whoever runs the network",
    Code.SERVER_ERROR: "Wait a while, then {again}; if this repeats, show this message and the time to whoever runs Rocket.Chat",
    Code.BAD_RESPONSE: "Wait a while, then {again}; if this repeats, ask whoever runs the proxy in front of Rocket.Chat what it answered",
    Code.CHANGED_MEANWHILE: "Look at it in Rocket.Chat, and change it there by hand if it should still be put back",
}


#: The same for a rollback, where the way out is another one.
_REMEDY_BACK: Final = {
    Code.DEPARTMENT_ARCHIVED: "Unarchive the department in Rocket.Chat, then {again}",
    Code.DEPARTMENT_GONE: "There is nothing left to put back",
}


_AGAIN: Final = {"again": "run the same sheet again"}


_AGAIN_BACK: Final = {"again": "run the same rollback again"}


def _worded(remedy: str, *, undoes: bool) -> str:
    return remedy.format(**(_AGAIN_BACK if undoes else _AGAIN))


_UNSENT: Final = {
    Code.REFUSED: ("the job was refused before its first change", "Fix what stopped the job first"),
    Code.UNAVAILABLE: (
        "Rocket.Chat could not be reached or kept failing",
        "When it answers again, {again}",
    ),
    Code.INTERRUPTED: ("the job was interrupted", "To send it, {again}"),
    Code.STOPPED: (
        "too many other rows had failed before its turn",
        "Fix the cause of the other failures, then {again}",
    ),
}
