"""Whether a server has an endpoint at all: by what it answers, and by what else tells that the endpoint should be there.

A path that the server does not know is answered with 404 in plain text, or, by older servers, with the web client's page. Without a
licence for units their paths are unknown up to 7.0; later each of them says that it is a premium feature.
"""

from dataclasses import dataclass
from typing import Final

from bulkjob.records import Server, Version
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.vocabulary import Code

#: Some release before this was the first that tells its licence; nobody has told which.
_TELLS_LICENCE: Final = Version(7, 0)


#: How a path that leads nowhere is answered; a page comes from a server that is restarting, too.
_UNKNOWN: Final = frozenset({404, 405})
_PAGE: Final = 200


#: ``errorType`` of an endpoint that the licence does not include.
_NOT_LICENSED: Final = "error-action-not-allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What is known of an endpoint before it is called."""

    expected: bool
    """Whether the server's release or its licence says that it has the endpoint."""

    def denied_by(self, failure: Failure) -> bool:
        """Whether a call that failed so for good shows that there is no such endpoint."""
        if failure.code is Code.REJECTED:
            return failure.error_type == _NOT_LICENSED or failure.status in _UNKNOWN
        a_page = failure.status == _PAGE and not self.expected
        return failure.code is Code.BAD_RESPONSE and (failure.status in _UNKNOWN or a_page)

    def withholds(self, failure: Failure) -> bool:
        """Whether a list that failed so for good is not to be had, for want of a right or of the endpoint, while other calls go on."""
        return failure.withholds or (failure.next is not Next.JOB and self.denied_by(failure))

    def ended_by(self, failure: Failure) -> bool:
        """Whether another attempt would be answered the same; an endpoint that should be there may be hidden for a moment only."""
        return not self.expected and self.denied_by(failure)


def licence_presence(version: Version | None) -> Presence:
    """That of the endpoint that tells the licence, on a server of this release."""
    return Presence(expected=version is not None and version >= _TELLS_LICENCE)


def units_presence(server: Server) -> Presence:
    """That of the endpoints of units, which no server has whose licence has no units."""
    return Presence(expected=server.modules is not None and server.has_units)
