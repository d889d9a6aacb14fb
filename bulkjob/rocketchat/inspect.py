"""What the server is and what the account may do there, read once before anything else."""

from collections.abc import Mapping
from typing import Final, TypeVar

from bulkjob.records import BYPASS_RATE_LIMIT, OLDEST, Server, Version
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, is_no_endpoint, stop_for
from bulkjob.vocabulary import Code, Exit, Stop

T = TypeVar("T")


_HAS_LICENCE: Final = Version(7, 0)


async def inspect_server(client: Client) -> Server:
    """Reads version, account, permissions and licence.

    Raises `Stop`: 69 if the server does not answer, 77 if it refuses the account, 78 if what answers is no Rocket.Chat, or too old a one.
    """
    version_text = await _first(client, endpoints.info())
    version = Version.parse(version_text) if version_text else None
    if version is not None and version < OLDEST:
        message = (
            f"The server is Rocket.Chat {version_text}. Servers before {OLDEST.major}.{OLDEST.minor} are not supported: update it first."
        )
        raise Stop(Exit.BAD_SETTING, message)
    account = await _needed(client, endpoints.me())
    roles_by_permission = await _wanted(client, endpoints.permissions())
    # Some release before 7.0 was the first with this endpoint; nobody has told which.
    modules = await _wanted(client, endpoints.licence(), perhaps_none=version is None or version < _HAS_LICENCE)
    server = Server(
        version=version,
        version_text=version_text or "",
        account=account,
        permissions=_granted(roles_by_permission, account.roles) if roles_by_permission else None,
        modules=modules,
    )
    if server.permissions is not None and server.may(BYPASS_RATE_LIMIT):
        client.exempt()
    return server


def _granted(roles_by_permission: Mapping[str, frozenset[str]], roles: frozenset[str]) -> frozenset[str]:
    return frozenset(permission for permission, holders in roles_by_permission.items() if holders & roles)


async def _first(client: Client, request: Request[T]) -> T:
    """The very first answer: one below 500 that is not Rocket.Chat's says that the address is wrong."""
    try:
        return await client.call(request)
    except CallFailed as failed:
        failure = failed.failure
        # Whoever answers so to a question that needs no account is some proxy or another program.
        strange = failure.code in (Code.BAD_RESPONSE, Code.REJECTED, Code.REFUSED) and not 300 <= (failure.status or 300) < 400
        if strange and failure.status is not None and failure.status < 500:
            message = f"What answers at this address is not Rocket.Chat ({failure.said}). Check --url (ROCKETCHAT_URL)."
            raise Stop(Exit.BAD_SETTING, message) from None
        raise stop_for(failure) from None


async def _needed(client: Client, request: Request[T]) -> T:
    try:
        return await client.call(request)
    except CallFailed as failed:
        raise stop_for(failed.failure) from None


async def _wanted(client: Client, request: Request[T], *, perhaps_none: bool = False) -> T | None:
    """An answer that is good to have; None where the server does not tell, or has no such endpoint: then it is asked for once only."""
    try:
        return await (client.call(request, final=is_no_endpoint) if perhaps_none else client.call(request))
    except CallFailed as failed:
        if failed.failure.status is None or failed.failure.status == 401:
            raise stop_for(failed.failure) from None
        return None
