"""What the server is and what the account may do there, read once before anything else."""

from collections.abc import Mapping
from typing import TypeVar

from bulkjob.records import FIRST_LICENCE, OLDEST, Server, Version
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, Failure, stop_for
from bulkjob.vocabulary import Code, Exit, Stop

T = TypeVar("T")


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
    modules = await _wanted(client, endpoints.licence(), known=version is None or version >= FIRST_LICENCE)
    return Server(
        version=version,
        version_text=version_text or "",
        account=account,
        permissions=_granted(roles_by_permission, account.roles) if roles_by_permission else None,
        modules=modules,
    )


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


async def _wanted(client: Client, request: Request[T], *, known: bool = True) -> T | None:
    """An answer that is good to have; None where this server does not tell.

    Where the endpoint is not ``known`` to a server, any answer below 500 tells that it is not there; repeating would only cost time.
    """
    try:
        if known:
            return await client.call(request)
        try:
            return await client.call(request, attempts=1)
        except CallFailed as failed:
            if _answered(failed.failure):
                raise
        return await client.call(request)
    except CallFailed as failed:
        if failed.failure.status is None or failed.failure.status == 401:
            raise stop_for(failed.failure) from None
        return None


def _answered(failure: Failure) -> bool:
    return failure.status is not None and failure.status < 500
