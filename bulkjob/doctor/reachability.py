"""Findings about the way to the server: its address, whether it answers, its version, and whether it knows the account."""

from collections.abc import Iterator
from typing import Final

from bulkjob.doctor.facts import ServerFacts
from bulkjob.doctor.finding import AGAIN, Finding, State, joined_words
from bulkjob.phrases import printable
from bulkjob.records import OLDEST, Version
from bulkjob.rocketchat import Failure, ServerStop
from bulkjob.vocabulary import Exit

_DEPARTMENT_UNIT: Final = Version(6, 13)


# ----------------------------------------------------------------------------------------------------------- address, account


def address_finding(url: str, answers: ServerFacts) -> Iterator[Finding]:
    """How the address is reached, and whether anybody on the way can read the token."""
    info = answers.info
    if isinstance(info, Failure):
        yield _unreached(url, info, answers.stop.exit_code if answers.stop else Exit.UNAVAILABLE)
        return
    yield Finding(state=State.OK, what="address", said=f"{url} answers.")
    if url.lower().startswith("https:"):
        yield Finding(state=State.OK, what="TLS", said="The server's certificate is trusted.")
    else:
        said = "Not encrypted: anyone on the network path can read the token and everything else."
        yield Finding(state=State.HINT, what="TLS", said=said, remedy="Use an https:// address, unless that network is yours alone.")
    yield _version(info)


def _unreached(url: str, failure: Failure, exit_code: Exit) -> Finding:
    """Why no Rocket.Chat answers at the address; the exit code is that of a run."""
    what, words = "address", joined_words(failure)
    if failure.untrusted:
        what, said = "TLS", f"{url}: {words}."
        remedy = failure.remedy
    elif failure.redirected:
        said = f"{url} answers with a redirect, which is not followed: {words}."
        remedy = failure.remedy
    elif failure.by_proxy:
        said, remedy = f"{url} is not reached: {words}.", failure.remedy
    elif exit_code is Exit.BAD_SETTING:
        said = f"What answers at {url} is not Rocket.Chat: {words}."
        remedy = "Check --url (ROCKETCHAT_URL), also its path: it is the address at which people open Rocket.Chat."
    elif failure.status is not None:
        said, remedy = f"{url} answers, but only with failures: {words}.", AGAIN
    else:
        said = f"{url}: {words}."
        remedy = (
            "Check --url (ROCKETCHAT_URL), whether the server runs, and the way to it: DNS, firewall, network policy, and the proxy "
            "settings HTTPS_PROXY, HTTP_PROXY, NO_PROXY."
        )
    return Finding(state=State.MISSING, what=what, said=said, remedy=remedy, exit_code=exit_code)


def _version(info: str | None) -> Finding:
    what, version = "Rocket.Chat", Version.parse(info) if info else None
    if version is None:
        told = f"Version {printable(info)}, which bulkjob does not know" if info else "Hides its version"
        said = f"{told}: it is treated as new. One before 6.13 would refuse part of the changes."
        return Finding(state=State.HINT, what=what, said=said, remedy="Ask whoever runs it whether it is 6.13 or later.")
    if version < OLDEST:
        said = f"Version {info}; before {OLDEST.major}.{OLDEST.minor} it is not supported."
        return Finding(state=State.MISSING, what=what, said=said, remedy="Update the server.", exit_code=Exit.BAD_SETTING)
    if version < _DEPARTMENT_UNIT:
        said = f"Version {info}. Before 6.13 units can be changed only by writing whole units: see the way to write units below."
        return Finding(state=State.HINT, what=what, said=said)
    return Finding(state=State.OK, what=what, said=f"Version {info}.")


def no_account_findings(answers: ServerFacts) -> Iterator[Finding]:
    """Why the server does not say who the account is, where it is Rocket.Chat that answers."""
    stop = answers.stop
    if stop is None or isinstance(answers.info, Failure) or _version(answers.info).state is State.MISSING:
        return
    said, remedy = printable(stop.message), ""
    failure = stop.failure if isinstance(stop, ServerStop) else None
    if failure is not None and failure.status is None:
        said, remedy = f"The server does not tell who the account is and what it may do: {joined_words(failure)}.", AGAIN
    elif failure is not None and failure.status == 401:
        said = f"The server does not accept the user id and the token: “{joined_words(failure)}”."
        remedy = (
            "Check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN are of the same account, and that the account is active. If so, the "
            "token is no longer valid: sign in as that account and make a new one (Profile > Personal Access Tokens)."
        )
    yield Finding(state=State.MISSING, what="account", said=said, remedy=remedy, exit_code=stop.exit_code)
