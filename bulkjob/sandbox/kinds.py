"""The kinds of faults: what each does to a call, in words and in sets that the server acts on."""

from enum import StrEnum
from typing import Final

LATENCY: Final = "latency"
EDITOR: Final = "editor"
SKEW: Final = "skew"
PROCESSES: Final = "processes"

KINDS: Final = {
    "reset-before": "the connection is reset and nothing is done",
    "reset-half[=STEPS]": "a part of the work is done, then the connection is reset",
    "reset-after": "the work is done, then the connection is reset",
    "timeout": "nothing is done and no answer ever comes",
    "timeout-half[=STEPS]": "a part of the work is done, but no answer ever comes",
    "timeout-after": "the work is done, but no answer ever comes",
    "restart": "the server restarts: this call and all in flight are dropped, the rate limiter's windows begin anew",
    "refuse[=SECONDS]": "a restart during which connections are refused for so long (1 s)",
    "429": "a proxy's page without the server's rate-limit headers, nothing is done; 429x50 is a storm",
    "500": "the server's error as JSON, nothing is done",
    "502": "a proxy's page, nothing is done",
    "503": "a proxy's page, nothing is done",
    "504": "a proxy's page, nothing is done",
    "504-after": "the work is done, but a proxy has waited too long for the answer: its page",
    "400-before[=WORDS]": "nothing is done, and the server answers 400 with the words of what broke; about reads, too",
    "400-half[=STEPS/WORDS]": "a part of the work is done, and the server answers 400 with the words of what broke",
    "400-after[=WORDS]": "the work is done, and the server answers 400 with the words of what broke",
    "vanish": "a write finds the unit or department that its path names, which a colleague deletes before the first change",
    "truncate": "the work is done, but the answer's body ends in the middle",
    "slow[=SECONDS]": "the work is done, and the answer's body dribbles in over so long (5 s)",
    "forget": "a write is answered with 200 and not done; a read is not touched",
    "latency=MS": "the call takes so long on top of --latency, half of it before the work is done, half after",
    "editor": "before a write a colleague changes something else: moves a department, adds or removes an agent, renames a unit",
    "skew=SECONDS": "the server's clock is ahead (behind, with a minus): Date, X-RateLimit-Reset, _updatedAt",
    "processes=N": "calls go to so many server processes in turn, each with rate-limit windows of its own",
}
"""The table of KINDs, each with its VALUE, and what it does."""


class Fault(StrEnum):
    """What happens to a call, as `KINDS` describes it."""

    RESET_BEFORE = "reset-before"
    RESET_HALF = "reset-half"
    RESET_AFTER = "reset-after"
    TIMEOUT = "timeout"
    TIMEOUT_HALF = "timeout-half"
    TIMEOUT_AFTER = "timeout-after"
    RESTART = "restart"
    REFUSE = "refuse"
    TOO_MANY = "429"
    ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    GATEWAY_TIMEOUT_AFTER = "504-after"
    BROKEN_BEFORE = "400-before"
    BROKEN_HALF = "400-half"
    BROKEN_AFTER = "400-after"
    VANISH = "vanish"
    TRUNCATE = "truncate"
    SLOW = "slow"
    FORGET = "forget"


#: Faults after which the client gets no answer at all; those of `WAITING` keep it waiting, after the others the connection is reset.
LOST: Final = frozenset(
    {
        *(Fault.RESET_BEFORE, Fault.RESET_HALF, Fault.RESET_AFTER, Fault.TIMEOUT, Fault.TIMEOUT_HALF, Fault.TIMEOUT_AFTER),
        *(Fault.RESTART, Fault.REFUSE),
    }
)
WAITING: Final = frozenset({Fault.TIMEOUT, Fault.TIMEOUT_HALF, Fault.TIMEOUT_AFTER})

#: Faults whose call is carried out all the same, and those whose call is carried out in part.
DONE: Final = frozenset(
    {
        *(Fault.RESET_AFTER, Fault.TIMEOUT_AFTER, Fault.BROKEN_AFTER, Fault.GATEWAY_TIMEOUT_AFTER),
        *(Fault.TRUNCATE, Fault.SLOW, Fault.VANISH),
    }
)
HALF: Final = frozenset({Fault.RESET_HALF, Fault.TIMEOUT_HALF, Fault.BROKEN_HALF})

#: Faults that are a proxy's HTML page, with its status and title.
PAGES: Final = {
    Fault.TOO_MANY: (429, "Too Many Requests"),
    Fault.BAD_GATEWAY: (502, "Bad Gateway"),
    Fault.UNAVAILABLE: (503, "Service Unavailable"),
    Fault.GATEWAY_TIMEOUT: (504, "Gateway Timeout"),
    Fault.GATEWAY_TIMEOUT_AFTER: (504, "Gateway Timeout"),
}

#: Faults that are a 400 with the words of what broke.
BROKEN: Final = frozenset({Fault.BROKEN_BEFORE, Fault.BROKEN_HALF, Fault.BROKEN_AFTER})

#: Kinds that only a write meets.
OF_WRITES: Final = frozenset(
    {
        *(Fault.FORGET, Fault.VANISH, Fault.BROKEN_HALF, Fault.BROKEN_AFTER, Fault.RESET_HALF, Fault.TIMEOUT_HALF),
        EDITOR,
    }
)

NETWORK: Final = "network"

#: What WORDS may be, each with what the server may say: a handler's catch sends on whatever was thrown (``ApiClass.ts``).
WORDS: Final = {
    NETWORK: (
        "connection 7 to 10.0.0.5:27017 timed out",
        "connection 12 to 10.0.0.5:27017 closed",
        "connect ECONNREFUSED 10.0.0.5:27017",
        "read ECONNRESET",
        "Server selection timed out after 30000 ms",
    ),
    "driver": (
        "not primary",
        "operation exceeded time limit",
        "WriteConflict error: this operation conflicted with another operation. Please retry your operation or multi-document transaction.",
        'E11000 duplicate key error collection: rocketchat.rocketchat_livechat_department_agents index: _id_ dup key: { _id: "a1" }',
    ),
    "other": (
        "Cannot read properties of null (reading '_id')",
        "Default business hour not found",
    ),
}
