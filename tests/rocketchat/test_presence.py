"""Whether there is an endpoint: one answer for everybody who asks."""

import pytest

from bulkjob.records.server import Version
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.presence import Presence, licence_presence
from bulkjob.vocabulary import Code


def failure(code: Code, status: int | None, error_type: str = "") -> Failure:
    return Failure(next=Next.REPEAT, code=code, said="no", status=status, error_type=error_type)


@pytest.mark.parametrize(
    ("answer", "denied", "denied_though_expected"),
    [
        (failure(Code.BAD_RESPONSE, 404), True, True),
        (failure(Code.BAD_RESPONSE, 405), True, True),
        (failure(Code.REJECTED, 404), True, True),
        (failure(Code.REJECTED, 400, "error-action-not-allowed"), True, True),
        (failure(Code.BAD_RESPONSE, 200), True, False),
        (failure(Code.BAD_RESPONSE, 403), False, False),
        (failure(Code.BAD_RESPONSE, None), False, False),
        (failure(Code.REJECTED, 400), False, False),
        (failure(Code.REFUSED, 403), False, False),
        (failure(Code.SERVER_ERROR, 502), False, False),
        (failure(Code.RATE_LIMITED, 429), False, False),
        (failure(Code.CONNECTION, None), False, False),
    ],
)
def test_what_an_answer_says_of_an_endpoint(*, answer: Failure, denied: bool, denied_though_expected: bool) -> None:
    """A path that leads nowhere, and a feature that is not licensed, are no endpoint; a page is none where nothing else speaks for one."""
    assert Presence(expected=False).denied_by(answer) is denied
    assert Presence(expected=True).denied_by(answer) is denied_though_expected


def test_an_endpoint_that_is_expected_is_asked_for_again() -> None:
    """Only where nothing says that there is an endpoint does its absence end the attempts."""
    nowhere = failure(Code.BAD_RESPONSE, 404)
    assert Presence(expected=False).ended_by(nowhere)
    assert not Presence(expected=True).ended_by(nowhere)


@pytest.mark.parametrize(("version", "expected"), [(None, False), (Version(6, 12), False), (Version(7, 0), True)])
def test_releases_that_tell_their_licence(version: Version | None, *, expected: bool) -> None:
    """From 7.0 on a server tells its licence; one that hides its release may be older."""
    assert licence_presence(version).expected is expected
