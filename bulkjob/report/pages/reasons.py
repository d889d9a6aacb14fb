"""Why rows are not in place, for people: what happened, who can mend it, and what they do then. One entry for each code.

What is said to operations names no flags: they have never seen a terminal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bulkjob.report.pages.story import Kind, Who


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, as a card tells it."""

    title: str
    """A heading."""
    who: Who
    happened: str
    """A sentence."""
    remedy: str
    """What to do, as a sentence to whoever can mend it."""


def reason_of(code: str, kind: Kind) -> Reason:
    """What is to be said of rows with this code; of a code without an entry, what is true of all rows of their kind."""
    return REASONS.get(code) or (_INVALID if kind is Kind.INVALID else _OTHER)


_INVALID: Final = Reason(
    "Rows that cannot be understood",
    Who.OPERATIONS,
    "Something in these rows is not as it has to be.",
    "Correct what each row's message names.",
)

_OTHER: Final = Reason(
    "Rows that are not in place", Who.ENGINEER, "These rows are not in place.", "See each row's message, then run the same sheet again."
)


def _sheet(title: str, happened: str, remedy: str) -> Reason:
    return Reason(title, Who.OPERATIONS, happened, remedy)


def _administrator(title: str, happened: str, remedy: str) -> Reason:
    return Reason(title, Who.ADMINISTRATOR, happened, remedy)


def _engineer(title: str, happened: str, remedy: str) -> Reason:
    return Reason(title, Who.ENGINEER, happened, remedy)


_RETYPE: Final = "Format the cells as Text in your spreadsheet program and type the values again."
_SPELLING: Final = "Correct the name in the sheet, or create what is missing in Rocket.Chat."
_WHICH: Final = "Write the id instead of the name; each row's message lists the ids."
_WAIT: Final = "Run the same sheet again once Rocket.Chat answers as usual; what is in place is not sent again."


#: By code. Codes of columns that a sheet may come to have are here, too.
REASONS: Final[Mapping[str, Reason]] = {
    # ---------------------------------------------------------------------------------------------- the sheet by itself
    "missing-department": _sheet(
        "Department missing", "These rows do not say which department they are about.", "Fill in the department, or delete the row."
    ),
    "nothing-to-do": _sheet(
        "Nothing asked for", "These rows name something, but ask for nothing.", "Fill in what should change, or delete the row."
    ),
    "bad-number": _sheet("Not a whole number", "A count or an order is not a whole number.", "Type a number without a comma, or clear it."),
    "bad-action": _sheet("Unknown action", "The action is neither “add” nor “remove”.", "Type one of the two, or clear the cell."),
    "bad-value": _sheet("Unknown value", "A cell holds a word that is not one of those that it may hold.", "Type one of the words named."),
    "agent-needed": _sheet(
        "Agent missing", "These rows say something about an agent, but name none.", "Fill in the agent, or clear the other cells."
    ),
    "unit-needed": _sheet(
        "Unit missing", "These rows say something about a unit, but name none.", "Fill in the unit, or clear the other cells."
    ),
    "conflicting-unit": _sheet(
        "One department, two units", "Rows ask for different units for one department.", "Decide for one unit, and write it in all of them."
    ),
    "conflicting-agent": _sheet(
        "One agent, two wishes",
        "Rows ask for different things for the same agent in the same department.",
        "Keep one of the rows, or make them agree.",
    ),
    "conflicting-monitor": _sheet(
        "One monitor, two wishes", "The same monitor of the same unit is both added and removed.", "Keep one of the rows."
    ),
    "conflicting-value": _sheet(
        "One thing, two values", "Rows give different values for the same thing.", "Decide for one value, and write it in all of them."
    ),
    "ragged-row": _sheet(
        "Cells out of place", "These rows have too few cells, or something beyond the last header.", "Move the cells to where they belong."
    ),
    "excel-date": _sheet("Turned into a date", "The spreadsheet program has turned a name into a date.", _RETYPE),
    "excel-error": _sheet("Formula with an error", "A cell shows an error instead of a value.", "Correct its formula, or type the value."),
    "excel-number": _sheet("Digits lost", "The spreadsheet program has turned a name into a number and lost digits.", _RETYPE),
    "excel-formula": _sheet(
        "Formula without a result",
        "A cell holds a formula whose result is not stored in the file.",
        "Open the file in a spreadsheet program and save it, or type the value.",
    ),
    # -------------------------------------------------------------------------------------- what the server does not know
    "unknown-department": _sheet("Unknown department", "Rocket.Chat has no department of this name.", _SPELLING),
    "unknown-unit": _sheet("Unknown unit", "Rocket.Chat has no unit of this name.", _SPELLING),
    "unknown-agent": _sheet(
        "Unknown agent",
        "Rocket.Chat has no live-chat agent of this name. Agents go by their username, not by their full name.",
        "Correct the username in the sheet, or have an administrator make the person a live-chat agent.",
    ),
    "unknown-monitor": _sheet(
        "Unknown monitor",
        "Nobody of this name may supervise units in Rocket.Chat.",
        "Correct the username in the sheet, or have an administrator give the person the role livechat-monitor.",
    ),
    "ambiguous-department": _sheet("Several departments of one name", "More than one department has this name.", _WHICH),
    "ambiguous-unit": _sheet("Several units of one name", "More than one unit has this name.", _WHICH),
    "ambiguous-agent": _sheet("Several agents of one name", "More than one agent has this name.", _WHICH),
    "ambiguous-monitor": _sheet("Several monitors of one name", "More than one monitor has this name.", _WHICH),
    "name-taken": _sheet(
        "Name taken", "A new name belongs to something else, or would belong to two things.", "Choose another name, or write ids."
    ),
    # ------------------------------------------------------------------------------------------------------- what failed
    "not-applied": _engineer(
        "Accepted, but not done",
        "Rocket.Chat said yes, but was then seen not to have made the change.",
        "Look at one of them in Rocket.Chat: the message names the likely causes. Then run the same sheet again.",
    ),
    "agents-not-permitted": _administrator(
        "The account may not change agents",
        "The account that bulkjob uses lacks the permission add-livechat-department-agents, so nothing was sent for these rows.",
        "Give that permission to one of the account's roles, then have the same sheet run again.",
    ),
    "unit-not-permitted": _administrator(
        "The account may not change these units",
        "The account that bulkjob uses is not allowed to make this change to these units.",
        "Give the account what the message names, then have the same sheet run again.",
    ),
    "department-not-permitted": _administrator(
        "The account may not change departments",
        "The account that bulkjob uses lacks the permission manage-livechat-departments.",
        "Give the account that permission, then have the same sheet run again.",
    ),
    "last-department-in-unit": _administrator(
        "Last department of its unit",
        "With this account Rocket.Chat does not let a unit become empty.",
        "Put another department into that unit first, or give the account the permissions manage-livechat-units and "
        "manage-livechat-monitors, then have the same sheet run again.",
    ),
    "department-archived": _administrator(
        "Archived department",
        "These departments are archived, and nothing can be changed there.",
        "Unarchive them in Rocket.Chat and have the same sheet run again, or take the rows out of the sheet.",
    ),
    "department-gone": _sheet(
        "Department gone",
        "These departments no longer exist; somebody has probably deleted them.",
        "Take the rows out of the sheet, or name the department that replaces it.",
    ),
    "rejected": _engineer(
        "Refused by Rocket.Chat", "Rocket.Chat refused the change.", "Fix what the message names, then run the same sheet again."
    ),
    "rate-limited": _engineer("Too many requests", "Rocket.Chat, or a proxy in front of it, kept answering “too many requests”.", _WAIT),
    "timeout": _engineer("No answer in time", "Rocket.Chat did not answer in time.", _WAIT),
    "connection": _engineer("Connection lost", "The connection to Rocket.Chat broke, or could not be made.", _WAIT),
    "server-error": _engineer("Error in Rocket.Chat", "Rocket.Chat answered with an error of its own.", _WAIT),
    "bad-response": _engineer("Answer of something else", "What answered was not Rocket.Chat; probably a proxy in front of it.", _WAIT),
    "changed-meanwhile": _sheet(
        "Changed by somebody since",
        "Somebody has changed these things since the run, so they were left alone.",
        "Look at them in Rocket.Chat, and change them there by hand if they should still be put back.",
    ),
    # ------------------------------------------------------------------------------------------------------- what was not sent
    "refused": _engineer(
        "Held back", "Nothing was sent for these rows, because something else has to be put right first.", "Nothing is wrong with them."
    ),
    "unavailable": _engineer("Not sent: Rocket.Chat stopped answering", "Rocket.Chat could not be reached, or kept failing.", _WAIT),
    "interrupted": _engineer(
        "Not sent: the run was interrupted",
        "The run ended before it came to these rows.",
        "Run the same sheet again; it picks up where it left off.",
    ),
    "stopped": _engineer(
        "Not sent: too many rows had failed",
        "The run stops once too many rows have failed, and did not come to these.",
        "Fix the cause of the other failures, then run the same sheet again; it picks up where it left off.",
    ),
}
