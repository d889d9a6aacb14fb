"""Facts become findings, in the order in which a run meets what they are about: the first that is missing is how it would end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Final

from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts, SheetFacts, Window
from bulkjob.doctor.finding import Finding, Needs, State, Use, needs_of
from bulkjob.doctor.outlook import Outlook
from bulkjob.doctor.rights import MANAGERS_PAGE, PERMISSIONS_PAGE, grant, has_licence, open_routes, rights
from bulkjob.problems import printable
from bulkjob.records import Problem
from bulkjob.report.words import named_agent, one_line
from bulkjob.rocketchat.answers import Failure
from bulkjob.rocketchat.windows import DEFAULT_WINDOW
from bulkjob.server import BYPASS_RATE_LIMIT, MANAGE_MONITORS, MANAGE_UNITS, OLDEST, Server, Version
from bulkjob.sheet.messages import rows_listed
from bulkjob.vocabulary import Code, Exit

#: Clocks that differ by fewer seconds are the same for whoever compares two logs.
NOTABLE_CLOCK_DIFFERENCE: Final = 10.0

RATE_LIMIT: Final = "rate limit"

_EXAMPLE_CALLS: Final = 100
_SHOWN_PROBLEMS: Final = 3
_DEPARTMENT_UNIT: Final = Version(6, 13)
_AGAIN: Final = "Try again; if this repeats, show this to whoever runs the server."

_LISTS: Final = {
    ListName.DEPARTMENTS: (Use.ALWAYS, "view-livechat-departments"),
    ListName.MEMBERS: (Use.AGENTS, "view-livechat-departments"),
    ListName.AGENTS: (Use.AGENTS, "transfer-livechat-guest"),
    ListName.MONITORS: (Use.UNITS, MANAGE_MONITORS),
}


def findings_of(facts: Facts) -> tuple[Finding, ...]:
    """One finding or more for each thing that was looked at."""
    return tuple(_findings(facts, needs_of(facts)))


def exit_code_of(findings: Iterable[Finding]) -> Exit:
    """The code of the first thing that is missing; OK if nothing is."""
    return next((finding.exit_code for finding in findings if finding.state is State.MISSING), Exit.OK)


def _findings(facts: Facts, needs: Needs) -> Iterator[Finding]:
    for sentence in facts.wrong_settings:
        yield Finding(state=State.MISSING, what="settings", said=sentence, exit_code=Exit.BAD_SETTING)
    if facts.sheet is not None:
        yield from _sheet(facts.sheet)
    yield _directory(facts.directory)
    answers = facts.answers
    if answers is None:
        yield Finding(state=State.HINT, what="server", said="Not looked at, because of the settings above.")
        return
    yield from _address(facts.url, answers)
    if answers.server is None:
        yield from _no_account(answers)
        yield Finding(state=State.HINT, what="permissions, lists", said="Not looked at, because of what is missing above.")
        return
    server = answers.server
    yield Finding(
        state=State.OK,
        what="account",
        said=f"{named_agent(server.account.username, server.account.id)}, {_roles(server)}.",
        needed=needs.word(Use.ALWAYS, needs.reads),
    )
    lists = tuple(_lists(facts, answers, server, needs))
    yield from lists
    if facts.sheet is not None and facts.sheet.checked is not None:
        yield from _names(facts.sheet, server)
    units_hidden = any(finding.what == ListName.UNITS and finding.exit_code is Exit.NO_PERMISSION for finding in lists)
    yield from rights(answers, server, needs, facts.unit_route, units_hidden=units_hidden)
    if facts.sheet is not None and facts.sheet.outlook is not None:
        yield from _work(facts.sheet, facts.sheet.outlook)
    yield _rate_limit(answers.windows, server, needs)
    yield from _other(answers)


# -------------------------------------------------------------------------------------------------------- sheet, directory


def _sheet(sheet: SheetFacts) -> Iterator[Finding]:
    if sheet.stop is not None:
        yield Finding(state=State.MISSING, what="sheet", said=printable(sheet.stop.message), exit_code=sheet.stop.exit_code)
    if sheet.checked is None:
        return
    checked = sheet.checked
    if checked.problems:
        remedy = f"bulkjob validate {printable(sheet.path)} lists every problem with its cell and what to write there."
        yield _invalid("sheet", checked.problems, remedy, skip_invalid=sheet.skip_invalid)
    else:
        yield Finding(state=State.OK, what="sheet", said=f"{_many(len(checked.sheet.cells), 'row')}, no problem found.")
    if checked.warnings:
        more = f" ({len(checked.warnings) - 1} more)" if len(checked.warnings) > 1 else ""
        remedy = f"bulkjob validate {printable(sheet.path)} shows all warnings." if more else ""
        yield Finding(state=State.HINT, what="sheet", said=f"{printable(checked.warnings[0])}{more}", remedy=remedy)


def _invalid(what: str, problems: Sequence[Problem], remedy: str, *, skip_invalid: bool) -> Finding:
    rows = len({problem.row for problem in problems})
    codes = ", ".join(f"{code} ({count})" for code, count in Counter(str(problem.code) for problem in problems).most_common())
    by_message: dict[str, list[int]] = {}
    for problem in problems:
        by_message.setdefault(printable(problem.message), []).append(problem.row)
    listed = [f"{rows_listed(numbers, 3)}: {message}" for message, numbers in by_message.items()]
    shown = " ".join(sentence[0].upper() + sentence[1:] for sentence in listed[:_SHOWN_PROBLEMS])
    said = f"{_many(rows, 'row')} invalid: {codes}. {shown}{' …' if len(listed) > _SHOWN_PROBLEMS else ''}"
    if skip_invalid:
        return Finding(state=State.HINT, what=what, said=f"{said} They will be left out (--skip-invalid).", remedy=remedy)
    return Finding(state=State.MISSING, what=what, said=said, remedy=remedy, exit_code=Exit.BAD_SHEET)


def _directory(directory: DirectoryFacts) -> Finding:
    place = printable(directory.path)
    if directory.tried != directory.path:
        place += f" (not there yet; tried in {printable(directory.tried)})"
    if not directory.problem:
        return Finding(state=State.OK, what="run directory", said=f"A file can be written: {place}.")
    remedy = "Make it writable for the user that runs bulkjob, or choose another with --run-dir (BULKJOB_RUN_DIR)."
    said = f"No file can be written: {place}: {directory.problem}."
    return Finding(state=State.MISSING, what="run directory", said=said, remedy=remedy, exit_code=Exit.CANNOT_CREATE)


# ----------------------------------------------------------------------------------------------------------- address, account


def _address(url: str, answers: ServerFacts) -> Iterator[Finding]:
    info = answers.info
    if isinstance(info, Failure):
        yield _unreached(url, info, answers.stop.exit_code if answers.stop else Exit.UNAVAILABLE)
        return
    yield Finding(state=State.OK, what="address", said=f"{url} answers.")
    if url.lower().startswith("https:"):
        yield Finding(state=State.OK, what="TLS", said="The server's certificate is trusted.")
    else:
        said = "None: whoever is on the way can read the token and everything else."
        yield Finding(state=State.HINT, what="TLS", said=said, remedy="Use an https:// address, unless that network is yours alone.")
    yield _version(info)


def _unreached(url: str, failure: Failure, exit_code: Exit) -> Finding:
    """Why no Rocket.Chat answers at the address; the exit code is that of a run."""
    what, words = "address", _words(failure)
    if failure.untrusted:
        what, said = "TLS", f"{url}: {words}."
        remedy = (
            "Name the file (PEM) with your company's root certificate with --ca-file (BULKJOB_CA_FILE). If the certificate has expired or "
            "is for another name, whoever runs the server has to renew it."
        )
    elif failure.status is not None and 300 <= failure.status < 400:
        said = f"{url} answers with a redirect, which is not followed: {words}."
        target = failure.said.removeprefix("redirected to ")
        remedy = (
            f"Set --url (ROCKETCHAT_URL) to {printable(target.removesuffix('/api/info'))}."
            if target.startswith(("http://", "https://")) and target.endswith("/api/info")
            else "Set --url (ROCKETCHAT_URL) to Rocket.Chat's own address; if a sign-in page stands before it, ask for a way around."
        )
    elif exit_code is Exit.BAD_SETTING:
        said = f"What answers at {url} is not Rocket.Chat: {words}."
        remedy = "Check --url (ROCKETCHAT_URL), also its path: it is the address at which people open Rocket.Chat."
    elif failure.status is not None:
        said, remedy = f"{url} answers, but only with failures: {words}.", _AGAIN
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
        told = f"Version {printable(info)}, which is no version that bulkjob knows" if info else "Hides its version"
        said = f"{told}: it is treated as new. One before 6.13 would refuse part of the changes."
        return Finding(state=State.HINT, what=what, said=said, remedy="Ask whoever runs it whether it is 6.13 or later.")
    if version < OLDEST:
        said = f"Version {info}; before {OLDEST.major}.{OLDEST.minor} it is not supported."
        return Finding(state=State.MISSING, what=what, said=said, remedy="Update the server.", exit_code=Exit.BAD_SETTING)
    if version < _DEPARTMENT_UNIT:
        said = f"Version {info}. Before 6.13 units can be changed only by writing whole units: see the way to write units below."
        return Finding(state=State.HINT, what=what, said=said)
    return Finding(state=State.OK, what=what, said=f"Version {info}.")


def _no_account(answers: ServerFacts) -> Iterator[Finding]:
    """Why the server does not say who the account is, where it is Rocket.Chat that answers."""
    stop, failure = answers.stop, answers.account_failure
    if stop is None or isinstance(answers.info, Failure) or _version(answers.info).state is State.MISSING:
        return
    said, remedy = printable(stop.message), ""
    if failure is not None and failure.status is None:
        said, remedy = f"The server does not tell who the account is: {_words(failure)}.", _AGAIN
    elif failure is not None and failure.status == 401:
        said = f"The server does not accept the user id and the token: “{_words(failure)}”."
        remedy = (
            "Check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN are of the same account, and that the account is active. If so, the "
            "token is no longer valid: sign in as that account and make a new one (Profile > Personal Access Tokens)."
        )
    yield Finding(state=State.MISSING, what="account", said=said, remedy=remedy, exit_code=stop.exit_code)


# ------------------------------------------------------------------------------------------------------------------- lists


def _lists(facts: Facts, answers: ServerFacts, server: Server, needs: Needs) -> Iterator[Finding]:
    for name, listed in answers.lists.items():
        if name is ListName.UNITS:
            if has_licence(answers, server) is not False:
                yield _units(facts, listed, server, needs)
            continue
        use, permission = _LISTS[name]
        uses = needs.reads
        if name is ListName.MEMBERS:
            uses = needs.writes
        elif name is ListName.MONITORS:
            taken = "unit" in open_routes(server, facts.unit_route)
            uses = needs.writes if taken else needs.writes - {use}
        if listed.failure is not None:
            yield _unreadable(name, listed, needs, use, uses=uses, remedy=grant(permission, server))
        else:
            total = "" if name in (ListName.MEMBERS, ListName.MONITORS) else f": {listed.total:,}"
            archived = ", archived ones included" if name is ListName.DEPARTMENTS else ""
            yield needs.fine(name, f"Can be read{total}{archived}.", use, uses)


def _units(facts: Facts, listed: Listed, server: Server, needs: Needs) -> Finding:
    use, outlook, remedy = Use.UNITS, facts.outlook, grant(MANAGE_UNITS, server)
    if listed.failure is not None:
        # The id of a unit that some department is in is understood without the list.
        known = outlook is not None and not outlook.unlisted_units
        return _unreadable(ListName.UNITS, listed, needs, use, uses=needs.reads - {use} if known else needs.reads, remedy=remedy)
    if server.may(MANAGE_UNITS):
        return needs.fine(ListName.UNITS, f"Can be read: {listed.total:,}.", use, needs.reads)
    shown = "no unit" if listed.total == 0 else f"{listed.total:,}"
    said = f"Shows {shown}: without {MANAGE_UNITS} the server shows only units that the account monitors."
    if listed.total == 0:
        return needs.lacking(ListName.UNITS, said, use, needs.reads, remedy)
    return Finding(state=State.HINT, what=ListName.UNITS, said=said, remedy=remedy, needed=needs.word(use, needs.reads))


def _unreadable(name: ListName, listed: Listed, needs: Needs, use: Use, *, uses: frozenset[Use], remedy: str) -> Finding:
    if listed.exit_code is Exit.NO_PERMISSION:
        return needs.lacking(name, f"This account may not read it: “{_words(listed.failure)}”.", use, uses, remedy)
    return needs.lacking(name, f"Cannot be read: {_words(listed.failure)}.", use, uses, _AGAIN, listed.exit_code)


# ------------------------------------------------------------------------------------------------------ the sheet on the server


def _names(sheet: SheetFacts, server: Server) -> Iterator[Finding]:
    what, outlook = "names in the sheet", sheet.outlook
    if sheet.unread is not None:
        yield Finding(state=State.MISSING, what=what, said=printable(sheet.unread.message), exit_code=sheet.unread.exit_code)
        return
    if outlook is None:
        yield Finding(state=State.HINT, what=what, said="Not looked up, because of what is missing above.")
        return
    if outlook.unlisted_units:
        named = ", ".join(f'"{printable(name)}"' for name in outlook.unlisted_units[:_SHOWN_PROBLEMS])
        more = len(outlook.unlisted_units) - _SHOWN_PROBLEMS
        said = f"Units that this account has no list to find in: {named}{f' and {more:,} more' if more > 0 else ''}."
        yield Finding(state=State.MISSING, what=what, said=said, exit_code=Exit.NO_PERMISSION)
    if outlook.problems:
        remedy = "Correct these cells, or create on the server what they name."
        if not server.may(MANAGE_UNITS) and any(problem.code is Code.UNKNOWN_UNIT for problem in outlook.problems):
            remedy += f" Units may be there that this account is not shown: see {ListName.UNITS}."
        yield _invalid(what, outlook.problems, remedy, skip_invalid=sheet.skip_invalid)
    if outlook.undecided:
        said = (
            f"{_many(outlook.undecided, 'row')} with a user who is no live-chat agent. Whether the department has that user all the same "
            "was not read, as it would take long."
        )
        yield Finding(state=State.HINT, what=what, said=said, remedy=f"bulkjob plan {printable(sheet.path)} reads it.")
    if outlook.is_whole:
        yield Finding(state=State.OK, what=what, said="The server knows all of them.")


def _work(sheet: SheetFacts, outlook: Outlook) -> Iterator[Finding]:
    what, see = "what it asks for", f"bulkjob plan {printable(sheet.path)} shows"
    if outlook.outside:
        said = (
            f"{_many(outlook.outside, 'department')} would leave or enter a unit that this account does not monitor: the server would "
            "answer 200 and change nothing."
        )
        remedy = f"Use an account with the role livechat-manager ({MANAGERS_PAGE})."
        yield Finding(state=State.MISSING, what=what, said=said, remedy=remedy, exit_code=Exit.NO_PERMISSION)
    for stop in outlook.refusals:
        yield Finding(state=State.MISSING, what=what, said=printable(stop.message), exit_code=stop.exit_code)
    forbidden = {Code.AGENTS_NOT_PERMITTED, Code.UNIT_NOT_PERMITTED}
    if failing := {code: rows for code, rows in outlook.failing.items() if code not in forbidden}:
        codes = ", ".join(f"{code} ({rows:,})" for code, rows in failing.items())
        yield Finding(state=State.HINT, what=what, said=f"Rows that will fail, as things are: {codes}.", remedy=f"{see} them.")
    if sheet.mirror:
        said = "With --agents mirror more agents may be removed; how many was not read, as it would take long."
        yield Finding(state=State.HINT, what=what, said=said, remedy=f"{see} how many.")
    if outlook.moves or outlook.changes:
        parts = [f"a change of unit for {_many(outlook.moves, 'department')}"] if outlook.moves else []
        parts += [f"a change of {_many(outlook.changes, 'agent assignment')}"] if outlook.changes else []
        partly = "" if outlook.is_whole else ", as far as its rows can be understood"
        yield Finding(state=State.OK, what=what, said=f"{' and '.join(parts).capitalize()}{partly}.")
    elif outlook.is_whole and not failing and not sheet.mirror:
        yield Finding(state=State.OK, what=what, said="Everything is so already.")


# ------------------------------------------------------------------------------------------------------------- pace and others


def _rate_limit(windows: Sequence[Window], server: Server, needs: Needs) -> Finding:
    what = RATE_LIMIT
    if not windows:
        said = "The server announces none: it is switched off, or this release does not apply it, or a proxy strips the headers."
        if server.permissions is not None and BYPASS_RATE_LIMIT in server.permissions:
            said = f"None for this account: it has {BYPASS_RATE_LIMIT}."
        return Finding(state=State.OK, what=what, said=said)
    remedy = (
        f"Tick {BYPASS_RATE_LIMIT} for a role that is this account's alone: {PERMISSIONS_PAGE}. Or raise the limit for the night: "
        "Administration > Workspace > Settings > Rate Limiter > API Rate Limiter."
    )
    said = f"{_announced(max(windows, key=lambda window: window.most))} With {BYPASS_RATE_LIMIT} nothing has to wait."
    needed = "no" if needs.by_sheet else str(Use.COMFORT)
    return Finding(state=State.HINT, what=what, said=said, remedy=remedy, needed=needed)


def _announced(window: Window) -> str:
    """What the limit means; an answer tells when its window ends, but not how long it is."""
    calls, example = _many(window.calls, "call"), f"{_EXAMPLE_CALLS} calls of one route take"
    windows = ceil(_EXAMPLE_CALLS / max(window.calls, 1))
    if window.least > DEFAULT_WINDOW:
        least = f"{_span(windows * window.least)} or more"
        return f"{calls} for each route in a window of {_span(window.least)} or more: {example} {least}."
    about = f"{example} about {_span(windows * DEFAULT_WINDOW)}"
    if window.most >= DEFAULT_WINDOW:
        return f"{calls} a minute for each route: {about}."
    unknown = "in a window whose length the server does not tell. If it is a minute, as it is unless somebody set it otherwise,"
    return f"{calls} for each route {unknown} {about}."


def _other(answers: ServerFacts) -> Iterator[Finding]:
    said = (
        "No call of this job asks for it, so a personal access token works whether or not the account uses it. Only making the token may "
        "ask for a code."
    )
    yield Finding(state=State.OK, what="two-factor", said=said)
    if abs(answers.clock_ahead) >= NOTABLE_CLOCK_DIFFERENCE:
        side = "ahead of" if answers.clock_ahead > 0 else "behind"
        said = (
            f"The server's is {_span(abs(answers.clock_ahead))} {side} this machine's. The job allows for it; do so when you compare logs."
        )
        yield Finding(state=State.HINT, what="clock", said=said, remedy="Let NTP set both.")


# ------------------------------------------------------------------------------------------------------------------- words


def _roles(server: Server) -> str:
    roles = sorted(map(printable, server.account.roles))
    return f"{'role' if len(roles) == 1 else 'roles'} {', '.join(roles)}" if roles else "no roles"


def _words(failure: Failure | None) -> str:
    return one_line(failure.said).rstrip(".") if failure else ""


def _span(seconds: float) -> str:
    if seconds < 90:
        return _many(round(seconds), "second")
    minutes = round(seconds / 60)
    return _many(minutes, "minute") if minutes < 120 else _many(round(minutes / 60), "hour")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
