"""What the server is and what the account may do there, read once before anything else."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bulkjob.records import BYPASS_RATE_LIMIT, OLDEST, Server, Version
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.attempts import never
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, Failure, ServerStop, stop_for
from bulkjob.rocketchat.presence import licence_presence
from bulkjob.vocabulary import Code, Exit, Stop

T = TypeVar("T")


async def inspect_server(client: Client) -> Server:
    """Reads version, account, permissions and licence.

    Raises `Stop`: 69 if the server does not answer, 77 if it refuses the account, 78 if what answers is no Rocket.Chat, or too old a one.
    """
    return await inspect_account(client, await read_version(client))


async def read_version(client: Client) -> str | None:
    """The version in the server's words, None where it hides it: its very first answer. Raises `ServerStop` (69, 78)."""
    try:
        return await client.call(endpoints.info())
    except CallFailed as failed:
        failure = failed.failure
        # Whoever answers so to a question that needs no account is some proxy or another program.
        strange = failure.code in (Code.BAD_RESPONSE, Code.REJECTED, Code.REFUSED) and not failure.redirected
        if strange and failure.status is not None and failure.status < 500:
            message = f"What answers at this address is not Rocket.Chat ({failure.said}). Check --url (ROCKETCHAT_URL)."
            raise ServerStop(Exit.BAD_SETTING, message, failure) from None
        raise stop_for(failure) from None


async def inspect_account(client: Client, version_text: str | None) -> Server:
    """Reads account, permissions and licence from a server that calls its version so. Raises `Stop` (69, 77, 78)."""
    version = Version.parse(version_text) if version_text else None
    if version is not None and version < OLDEST:
        message = (
            f"The server is Rocket.Chat {version_text}. Servers before {OLDEST.major}.{OLDEST.minor} are not supported: update it first."
        )
        raise Stop(Exit.BAD_SETTING, message)
    account = await _needed(client, endpoints.me())
    roles_by_permission = await _wanted(client, endpoints.permissions())
    modules = await _wanted(client, endpoints.licence(), final=licence_presence(version).ended_by)
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


async def _needed(client: Client, request: Request[T]) -> T:
    try:
        return await client.call(request)
    except CallFailed as failed:
        raise stop_for(failed.failure) from None


async def _wanted(client: Client, request: Request[T], *, final: Callable[[Failure], bool] = never) -> T | None:
    """An answer that is good to have; None where the server does not tell. ``final``: failures after which it is not asked again."""
    try:
        return await client.call(request, final=final)
    except CallFailed as failed:
        failure = failed.failure
        if failure.status is None or failure.status == 401 or failure.redirected:
            raise stop_for(failure) from None
        return None
