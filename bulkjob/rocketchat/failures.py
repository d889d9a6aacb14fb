"""Why a call did not give what was asked for, and what its caller does next."""

from dataclasses import dataclass
from enum import Enum, auto

from bulkjob.vocabulary import Code, Exit, Stop


class Next(Enum):
    """What the caller of a failed call does next."""

    WAIT = auto()
    """Wait as long as the answer says, then send it again; costs no attempt."""
    REPEAT = auto()
    """Back off and send it again, as long as there are attempts."""
    ROW = auto()
    """This call will not succeed; others may."""
    JOB = auto()
    """No call will succeed: the job ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call did not give what was asked for."""

    next: Next
    code: Code
    said: str
    """The server's own words, or what the network said; cut to a readable length."""
    status: int | None = None
    error_type: str = ""
    """Rocket.Chat's ``errorType``, where there is one."""
    wait: float | None = None
    """Seconds that a 429's own text asks for; its headers are the gate's business."""
    undecided: bool = False
    """Whether the server may have carried out the call all the same, or an earlier sending of it."""
    unsent: bool = False
    """Whether the call certainly never left: no connection was made, so the server cannot have counted it either."""
    looked_up: bool = False
    """Whether the server was asked afterwards, and does not hold all of what the call carried."""
    redirected: bool = False
    """Whether the answer sends the call elsewhere."""
    untrusted: bool = False
    """Whether the server could not prove who it is."""
    by_proxy: bool = False
    """Whether a proxy does not let the call through."""
    remedy: str = ""
    """What to do about it, as a sentence; blank where its kind says enough."""

    @property
    def forbids(self) -> bool:
        """Whether Rocket.Chat itself says that the account may not: a page of a proxy with the same status tells nothing of permissions."""
        return self.code is Code.REFUSED and self.status == 403

    @property
    def withholds(self) -> bool:
        """Of a reading: whether Rocket.Chat does not give what was asked for, to this account or at all, while other calls go on."""
        return self.forbids or (self.code is Code.REJECTED and self.next is not Next.JOB)


class CallFailed(Exception):
    """A call failed for good; the failure says how."""

    def __init__(self, failure: Failure, attempts: int = 1) -> None:
        super().__init__(failure.said)
        self.failure = failure
        self.attempts = attempts


class ServerStop(Stop):
    """The end of the job for a call that failed."""

    def __init__(self, exit_code: Exit, message: str, failure: Failure) -> None:
        super().__init__(exit_code, message)
        self.failure = failure


def stop_for(failure: Failure) -> ServerStop:
    """How the job ends for a failure that concerns every call."""
    refused = failure.code is Code.REFUSED
    if refused and failure.status == 401:
        message = f"The server does not accept the user id and token ({failure.said}). Check ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN."
        return ServerStop(Exit.NO_PERMISSION, message, failure)
    if failure.forbids:
        message = f"The server refuses this account ({failure.said}). Ask its administrator for the missing permission."
        return ServerStop(Exit.NO_PERMISSION, message, failure)
    if failure.redirected:
        message = f"The server redirects ({failure.said}), which bulkjob does not follow. {failure.remedy}"
        return ServerStop(Exit.BAD_SETTING, message, failure)
    if failure.by_proxy:
        return ServerStop(Exit.BAD_SETTING, f"The server is not reached: {failure.said}. {failure.remedy}", failure)
    if failure.untrusted:
        message = f"The connection is not safe: {failure.said}. {failure.remedy}".rstrip()
        return ServerStop(Exit.BAD_SETTING, message, failure)
    message = f"The server cannot be reached or keeps failing: {failure.said}. Nothing more was sent; try again later."
    return ServerStop(Exit.UNAVAILABLE, message, failure)
