"""Which refusals of a write are known to have come before it changed anything, and which words say that the database was not to be had.

Rocket.Chat turns whatever a handler throws into a 400 (``ApiClass.ts``, before 8.0 ``api.ts``): a refusal before the first change, and a
database that timed out after the last one. So only what is thrown before the first change tells that nothing was done. The lists are
closed; they hold for 5.2 and later. Everything else may follow none, a part, or all of what the call asked for.
"""

import re
from typing import Final

from bulkjob.rocketchat.call import Route

#: Decided before the handler is called: by Rocket.Chat, or by a proxy that did not pass the call on.
_STATUSES: Final = frozenset({401, 403, 404, 405, 413, 429})


#: ``errorType`` of what comes before every handler: the schema (AJV), the licence, the second factor.
_BEFORE_EVERY_HANDLER: Final = frozenset({"invalid-params", "error-action-not-allowed", "totp-required", "totp-invalid"})


#: ``departmentsLib.ts`` (``saveDepartment``; before 7.2 ``LivechatTyped.ts``), ahead of the first ``$set``.
_OF_A_DEPARTMENT: Final = frozenset(
    {
        "error-unit-cant-be-empty",
        "error-max-departments-number-reached",
        "error-archived-department-cant-be-enabled",
        "error-validating-department-chat-closing-tags",
        "error-department-not-found",
        "error-fallback-department-circular",
        "error-fallback-department-not-found",
        "error-invalid-department-unit",
    }
)


#: What a handler itself throws before its first change (``departments.ts``, ``units.ts``, ``LivechatEnterprise.ts``), by method and path.
_ERROR_TYPES: Final = {
    ("PUT", "livechat/department/:id"): _OF_A_DEPARTMENT,
    ("POST", "livechat/department"): _OF_A_DEPARTMENT,
    ("POST", "livechat/department/:id/agents"): frozenset({"error-department-not-found"}),
    ("POST", "livechat/units/:id"): frozenset({"error-unit-not-found"}),
    ("POST", "livechat/units"): frozenset[str](),
    # Says nothing of an earlier sending of the same call: that may be why there is no such unit any more.
    ("DELETE", "livechat/units/:id"): frozenset({"unit-not-found"}),
}


#: Meteor's ``check`` comes first in all handlers; only a department's agents are checked after its fields have been written.
_CHECKED: Final = "Match error: "
_CHECKED_LATE: Final = "upsert["
_CHECKS_LATE: Final = frozenset({("PUT", "livechat/department/:id"), ("POST", "livechat/department")})
_CHECKS_NOTHING: Final = frozenset({("DELETE", "livechat/units/:id")})


#: The whole text for an account that may only add agents (``departments.ts``, since 6.6).
_NOT_ALLOWED: Final = "error-not-allowed"


#: How MongoDB's driver for Node and the network below it word what passes: an election, a connection that is lost, two writers at once.
_PASSING: Final = re.compile(
    r"timed out|time limit|server selection|no (?:suitable servers|primary)|not ?(?:primary|master)|node is recovering|stepped down"
    r"|interrupted (?:at shutdown|due to)|write ?conflict|\be11000\b|topology (?:is|was) (?:closed|destroyed)"
    r"|\bmongo(?:network|serverselection|notconnected|topology|pool)\w*error"
    r"|connection pool|socket hang up|getaddrinfo|\b(?:econn(?:reset|refused|aborted)|etimedout|epipe|ehostunreach|enotfound|eai_again)\b",
    re.IGNORECASE,
)


#: "connection 7 to 10.0.0.3:27017 closed": the two apart, as a pattern of both would look for the second again after each first.
_CONNECTION: Final = re.compile(r"connection ", re.IGNORECASE)
_BROKEN: Final = re.compile(r"closed|lost|refused|reset|interrupted", re.IGNORECASE)


def nothing_changed(route: Route, status: int, error_type: str, words: str) -> bool:
    """Whether a write that was refused so is known to have changed nothing. ``words``: all of the server's, not cut."""
    called = route.method, route.pattern
    if status in _STATUSES or error_type in _BEFORE_EVERY_HANDLER or error_type in _ERROR_TYPES.get(called, ()):
        return True
    if error_type or called not in _ERROR_TYPES or called in _CHECKS_NOTHING:
        return False
    if called in _CHECKS_LATE:
        return words == _NOT_ALLOWED or (words.startswith(_CHECKED) and _CHECKED_LATE not in words)
    return words.startswith(_CHECKED)


def passes(words: str) -> bool:
    """Whether the words are those of a database or a network that will be there again: the same call may succeed later."""
    connection = _CONNECTION.search(words)
    broken = connection is not None and _BROKEN.search(words, connection.end()) is not None
    return broken or _PASSING.search(words) is not None
