"""What it means that a store does not give or take a file: whether it may pass, and in whose words that is said."""

import errno
from collections.abc import Iterator, Sequence
from typing import Final

from bulkjob.phrases import one_line
from bulkjob.vocabulary import Exit


class StoreFailed(Exception):
    """A store did not do what it was asked; ``said`` is why, as the rest of a sentence without a full stop, and without secrets.

    ``exit_code``: 69 where it may do so later, 66 where it has decided, 78 where it cannot be asked with these settings.
    """

    def __init__(self, exit_code: Exit, said: str) -> None:
        super().__init__(said)
        self.exit_code = exit_code
        self.said = said


#: Statuses below 500 after which the same request may be answered otherwise.
_PASSING: Final = frozenset({408, 425, 429})


_STATUSES: Final = {
    401: "access is denied (HTTP 401): the address needs a user name and a password, or others",
    403: "access is denied (HTTP 403)",
    404: "there is nothing at this address (HTTP 404)",
    410: "what was at this address is gone (HTTP 410)",
}


def failed_with_status(status: int) -> StoreFailed:
    """What an HTTP status other than 2xx means."""
    passing = status >= 500 or status in _PASSING
    return StoreFailed(Exit.UNAVAILABLE if passing else Exit.NO_INPUT, _STATUSES.get(status, f"the store answered HTTP {status}"))


_CODES: Final = {
    "NoSuchKey": "there is no such file in the bucket",
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "access is denied (AccessDenied): the AWS account lacks the permission",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION",
}


#: S3's names for an account that it does not take.
_ACCOUNT: Final = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"})


#: S3's names for what passes, whatever the status.
_PASSING_CODES: Final = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted", "503", "500"})


#: What the classes of aiohttp's and botocore's errors mean. botocore is no dependency of ours but by way of s3fs.
_MEANINGS: Final = {
    **dict.fromkeys(("ClientProxyConnectionError", "ProxyConnectionError"), (Exit.UNAVAILABLE, "no connection to the proxy")),
    "ClientHttpProxyError": (Exit.UNAVAILABLE, "the proxy makes no connection"),
    "ClientConnectorDNSError": (Exit.UNAVAILABLE, "its name is not known"),
    **dict.fromkeys(("ConnectionTimeoutError", "ConnectTimeoutError"), (Exit.UNAVAILABLE, "no connection within the time limit")),
    **dict.fromkeys(("TimeoutError", "ReadTimeoutError"), (Exit.UNAVAILABLE, "no answer within the time limit")),
    "TooMuchAroundError": (Exit.UNAVAILABLE, "an answer came with more than 1 MB around its text, the most that bulkjob reads"),
    **dict.fromkeys(("ClientPayloadError", "IncompleteReadError"), (Exit.UNAVAILABLE, "the answer was cut short")),
    "TooManyRedirects": (Exit.NO_INPUT, "the address leads from one to another without an end"),
    "NoCredentialsError": (Exit.BAD_SETTING, "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role"),
    "PartialCredentialsError": (Exit.BAD_SETTING, "the AWS credentials are incomplete"),
    "CredentialRetrievalError": (Exit.BAD_SETTING, "the AWS credentials cannot be had"),
    "ProfileNotFound": (Exit.BAD_SETTING, "there is no AWS profile of the name in AWS_PROFILE"),
    "NoRegionError": (Exit.BAD_SETTING, "no AWS region is set: set AWS_REGION"),
    "ParamValidationError": (Exit.BAD_SETTING, "no bucket and file of a store can be called this"),
}


_REASONS: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network is unreachable",
}


_UNTRUSTED: Final = "its certificate is not trusted: name the file with your company's root certificate with --ca-file (BULKJOB_CA_FILE)"


def failure_of(error: Exception) -> StoreFailed | None:
    """What an error of a store's library means; None for one that is no failure of the store's.

    Only names of classes and codes are told: the texts of these errors hold addresses with their passwords and signatures.
    """
    if (answer := _answer_of(error)) is not None:
        return _answered(*answer)
    # The innermost knows best: botocore calls it the same when a name is not known and when a connection is refused.
    along = [*_along(error)][::-1]
    names = [name for each in along for name in _names(each)]
    if "SSLCertVerificationError" in names or "ClientConnectorCertificateError" in names:
        return StoreFailed(Exit.BAD_SETTING, _UNTRUSTED)
    for name in names:
        if name in _MEANINGS:
            return StoreFailed(*_MEANINGS[name])
    return _broken(along, names)


def _broken(along: Sequence[BaseException], names: Sequence[str]) -> StoreFailed | None:
    reason = next((_REASONS[each.errno] for each in along if isinstance(each, OSError) and each.errno in _REASONS), None)
    if reason is not None:
        return StoreFailed(Exit.UNAVAILABLE, f"no connection to it ({reason})")
    if {"HTTPClientError", "ClientError", "OSError"} & {*names}:
        return StoreFailed(Exit.UNAVAILABLE, "the connection broke")
    # botocore says so of an AWS_ENDPOINT_URL that is no address.
    unusable = bool({"BotoCoreError", "ValueError"} & {*names})
    return StoreFailed(Exit.BAD_SETTING, "the AWS settings cannot be used") if unusable else None


def _along(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised for: libraries raise errors of their own while they handle another one."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _names(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _answer_of(error: Exception) -> tuple[int, str] | None:
    """Status and code of the answer that an error of an S3 library was made from, itself or by way of another one."""
    for each in _along(error):
        match getattr(each, "response", None):
            case {"ResponseMetadata": {"HTTPStatusCode": int(status)}, "Error": {"Code": str(code)}}:
                return status, code
            case _:
                continue
    return None


def _answered(status: int, code: str) -> StoreFailed:
    if code in _ACCOUNT:
        return StoreFailed(Exit.NO_INPUT, f"the store does not accept the AWS credentials ({code})")
    if code in _CODES:
        return StoreFailed(Exit.NO_INPUT, _CODES[code])
    if code in _PASSING_CODES or status >= 500 or status in _PASSING:
        return StoreFailed(Exit.UNAVAILABLE, f"the store answered {one_line(code, 40)} (HTTP {status})")
    return failed_with_status(status) if code.isdigit() else StoreFailed(Exit.NO_INPUT, f"the store answered {one_line(code, 40)}")
