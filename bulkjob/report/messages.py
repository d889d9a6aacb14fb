"""What a row's message says: what was done, or what the server did instead and what to do about it.

Every wording of an outcome is here, so that the same thing is said in the same words in results.csv, on the terminal and in a workbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bulkjob.changes import Words
from bulkjob.phrases import one_line
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
    """Return what was done, or that it was so already."""
    return words.done if change is Effect.UPDATED else f"Already so: {words.state}."


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


def failure_message(code: Code, part: str, words: Words, evidence: Evidence = Evidence(), *, undoes: bool = False) -> str:
    """Return why one part of a row failed: what was asked, what the server did, what to do next; ``undoes``: in a rollback.

    Raises `KeyError` for a code that is not one of a failed row.
    """
    remedy = _AGENT_NOT_APPLIED_REMEDY if code is Code.NOT_APPLIED and part == "agent" else _REMEDY[code]
    if undoes:
        remedy = _REMEDY_BACK.get(code, remedy)
    doubt = "" if evidence.looked_up else ", and whether it was done all the same could not be looked up"
    was_not = "was not" if evidence.looked_up else "may not have been"
    return f"{words.subject} {was_not} {words.deed}: {_account(code, words, evidence)}{doubt}. {_worded(remedy, undoes=undoes)}."


def unsent_message(code: Code, reason: str = "", *, undoes: bool = False) -> str:
    """Return why nothing was sent for a row that is valid in itself; ``reason`` (a clause without full stop) replaces the general one.

    Raises `KeyError` for a code that is not one of an unsent row.
    """
    general, remedy = _UNSENT[code]
    # Where the reason is the sentence that stopped the whole job, it says this once more.
    told = reason.replace(" Nothing was sent.", "") or general
    return f"{_UNSENT_ROW}: {told.rstrip('. ')}. {_worded(remedy, undoes=undoes)}."


def held_back_message() -> str:
    """Return why nothing was sent for a valid row while other rows went ahead (``--skip-invalid``)."""
    return f"{_UNSENT_ROW}: another row about the same department is invalid. Correct that one, then run both again (retry.csv holds them)."


def mirrored_message(agents: Sequence[str]) -> str:
    """Return whom ``mirror`` removed along with a row: agents as `named_agent` makes them."""
    shown, more = ", ".join(agents[:_MIRRORED_SHOWN]), len(agents) - _MIRRORED_SHOWN
    return f"Removed from the department, because no row names them: {shown}{f' and {more} more' if more > 0 else ''}."


def joined(parts: Sequence[Part]) -> str:
    """Return the message of a row that asks for several things: the part that failed first, then what became of the others."""
    if len(parts) == 1 or all(part.status is Status.NOT_SENT for part in parts):
        return parts[0].message
    if all(part.status in (Status.SUCCESS, Status.PLANNED) for part in parts):
        return " ".join(part.message for part in parts)
    # Where one was not sent, the one that was has more to tell.
    gravest = max(_GRAVITY[part.status] for part in parts)
    told = next(part for part in parts if _GRAVITY[part.status] == gravest)
    message = told.message.replace(_UNSENT_ROW, f"Nothing was sent for the {told.name} part of the row", 1)
    return " ".join([message, *(_other_part(part) for part in parts if part is not told)])


def _other_part(part: Part) -> str:
    if part.status is Status.SUCCESS:
        done = "was so already" if part.change is not Effect.UPDATED else "was done all the same"
        return f"The {part.name} part of the row {done}: {part.state}."
    if part.status is Status.PLANNED:
        return f"The {part.name} part of the row is planned all the same. {part.message}"
    if part.status is Status.NOT_SENT:
        return f"For the {part.name} part of the row nothing was sent."
    return f"The {part.name} part of the row failed too. {part.message}"


def _account(code: Code, words: Words, evidence: Evidence) -> str:
    """Return what the server did, as a clause."""
    said = one_line(evidence.said)
    told = f": “{said}”" if said else ""
    because = f": {said}" if said else ""
    answer = "" if evidence.http_status is None else f" (HTTP {evidence.http_status})"
    attempts = evidence.attempts
    tries = "" if attempts is None else " at the only attempt" if attempts == 1 else f" after {attempts} attempts"
    sent = "nothing was sent for it" if evidence.http_status is None else f"the server did nothing{answer}"
    accounts = {
        Code.NOT_APPLIED: f"the server answered that it was done, but afterwards {evidence.seen or words.opposite}",
        Code.AGENTS_NOT_PERMITTED: "the account lacks the permission add-livechat-department-agents, without which the server passes "
        "agents over in silence; nothing was sent for it",
        Code.UNIT_NOT_PERMITTED: f"the account may not change it by any way open to it{because}; {sent}",
        Code.LAST_DEPARTMENT_IN_UNIT: "it is the last one there, and by the department route the server lets no unit become empty",
        Code.DEPARTMENT_ARCHIVED: f"the department is archived; {sent}",
        Code.DEPARTMENT_GONE: f"the server no longer has the department, somebody must have deleted it{told}",
        Code.REJECTED: f"it could not be sent{because}" if evidence.http_status is None else f"the server refused it{answer}{told}",
        Code.RATE_LIMITED: f"the server, or a proxy before it, still answered{tries} that it gets too many calls{answer}{told}",
        Code.TIMEOUT: f"no answer had come yet{because}" if attempts is None else f"the server did not answer in time{tries}",
        Code.CONNECTION: f"the connection to the server broke or could not be made{tries}{told}",
        Code.SERVER_ERROR: f"the server failed{tries}{answer}{told}",
        Code.BAD_RESPONSE: f"the answer was not one of Rocket.Chat's{tries}{answer}{told}",
        Code.CHANGED_MEANWHILE: f"somebody has changed it since the run{': ' + evidence.seen if evidence.seen else ''}; it was left alone",
    }
    return accounts[code]


_UNSENT_ROW: Final = "Nothing was sent for this row"


_MIRRORED_SHOWN: Final = 5


_GRAVITY: Final = {Status.SUCCESS: 0, Status.PLANNED: 0, Status.NOT_SENT: 1, Status.FAILED: 2}


_AGENT_NOT_APPLIED_REMEDY: Final = (
    "Either the account may not change agents, or the user was deleted, or somebody changed the list at the same moment: look at the "
    "department in Rocket.Chat, then {again}"
)


_REMEDY: Final = {
    Code.NOT_APPLIED: "Either the account may not change that unit (it needs the role admin or livechat-manager), or the licence for units "
    "has ended, or somebody changed it at the same moment: check these, then {again}",
    Code.AGENTS_NOT_PERMITTED: "Have an administrator give that permission to one of the account's roles, then {again}",
    Code.UNIT_NOT_PERMITTED: "Have an administrator give the account the permissions manage-livechat-units and manage-livechat-monitors, "
    "or manage-livechat-departments together with the role livechat-manager, then {again}",
    Code.LAST_DEPARTMENT_IN_UNIT: "Put another department into that unit first, or use an account that has manage-livechat-units and "
    "manage-livechat-monitors (--unit-route unit), then {again}",
    Code.DEPARTMENT_ARCHIVED: "Unarchive the department in Rocket.Chat, or take the row out of the sheet, then {again}",
    Code.DEPARTMENT_GONE: "Take the row out of the sheet, or name the department that replaces it, then {again}",
    Code.REJECTED: "Put right what this names, then {again}",
    Code.RATE_LIMITED: "{Again} later, or with a lower --concurrency; what is already so is not sent again",
    Code.TIMEOUT: "{Again}, with a longer --timeout if this repeats; what is already so is not sent again",
    Code.CONNECTION: "{Again}; if this repeats, show this message to whoever runs the network between here and the server",
    Code.SERVER_ERROR: "{Again}; if this repeats, show this message and the time to whoever runs the server",
    Code.BAD_RESPONSE: "{Again}; if this repeats, ask whoever runs the proxy before the server what it answered at that time",
    Code.CHANGED_MEANWHILE: "Look at it in Rocket.Chat, and change it there by hand if it shall still be put back",
}


#: The same for a rollback, where the way out is another one.
_REMEDY_BACK: Final = {
    Code.DEPARTMENT_ARCHIVED: "Unarchive the department in Rocket.Chat, then {again}",
    Code.DEPARTMENT_GONE: "Nothing of it is left to be put back",
}


#: What to do once more, in the middle of a sentence; ``there`` where it goes on from where it stopped.
_AGAIN: Final = {"again": "run the sheet again", "there": "run the same sheet again with the same --run-dir"}


_AGAIN_BACK: Final = dict.fromkeys(("again", "there"), "run the same rollback again")


def _worded(remedy: str, *, undoes: bool) -> str:
    words = _AGAIN_BACK if undoes else _AGAIN
    return remedy.format(**words, **{name.capitalize(): text.capitalize() for name, text in words.items()})


_UNSENT: Final = {
    Code.REFUSED: ("the job was refused before its first write", "Put right what stopped the job, then {again}"),
    Code.UNAVAILABLE: (
        "the server could not be reached or kept failing",
        "{There} when the server answers; it continues where it stopped",
    ),
    Code.INTERRUPTED: ("the job was interrupted", "{There}; it continues where it stopped"),
    Code.STOPPED: (
        "too many rows had failed before its turn (--max-failures)",
        "Put right why the others failed, then {there}; it continues where it stopped",
    ),
}
