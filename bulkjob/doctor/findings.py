"""Facts become findings, in the order in which a run meets what they are about: the first that is missing is how it would end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Final

from bulkjob.doctor.facts import DirectoryFacts, Facts, ListName, ServerFacts, SheetFacts
from bulkjob.doctor.finding import Finding, Needs, State, Use, needs_of
from bulkjob.doctor.lists import list_findings
from bulkjob.doctor.outlook import Outlook
from bulkjob.doctor.reachability import address_finding, no_account_findings
from bulkjob.doctor.rights import MANAGERS_PAGE, PERMISSIONS_PAGE, rights
from bulkjob.phrases import counted, listed, named_agent, printable, rows_listed, span
from bulkjob.records import BYPASS_RATE_LIMIT, MANAGE_UNITS, Problem, Server
from bulkjob.rocketchat.pacing import DEFAULT_WINDOW, Limit
from bulkjob.vocabulary import Code, Exit

#: Clocks that differ by fewer seconds are the same for whoever compares two logs.
NOTABLE_CLOCK_DIFFERENCE: Final = 10.0


RATE_LIMIT: Final = "rate limit"


_EXAMPLE_CALLS: Final = 100


_SHOWN_PROBLEMS: Final = 3


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
    yield from address_finding(facts.url, answers)
    if answers.server is None:
        yield from no_account_findings(answers)
        yield Finding(state=State.HINT, what="permissions, lists", said="Not looked at, because of what is missing above.")
        return
    server = answers.server
    yield Finding(
        state=State.OK,
        what="account",
        said=f"{named_agent(server.account.username, server.account.id)}, {_roles(server)}.",
        needed=needs.word(Use.ALWAYS, needs.reads),
    )
    lists = tuple(list_findings(facts, answers, server, needs))
    yield from lists
    if facts.sheet is not None and facts.sheet.checked is not None:
        yield from _names(facts.sheet, server)
    units_hidden = any(finding.what == ListName.UNITS and finding.exit_code is Exit.NO_PERMISSION for finding in lists)
    yield from rights(answers, server, needs, facts.unit_route, units_hidden=units_hidden)
    if facts.sheet is not None and facts.sheet.outlook is not None:
        yield from _work(facts.sheet, facts.sheet.outlook)
    yield _rate_limit(answers.limit, server, needs)
    yield from _other(answers)


# -------------------------------------------------------------------------------------------------------- sheet, directory


def _sheet(sheet: SheetFacts) -> Iterator[Finding]:
    if sheet.stop is not None:
        yield Finding(state=State.MISSING, what="sheet", said=printable(sheet.stop.message), exit_code=sheet.stop.exit_code)
    if sheet.checked is None:
        return
    checked = sheet.checked
    if checked.problems:
        remedy = "Correct the sheet; bulkjob validate (below) lists every problem with its cell."
        yield _invalid("sheet", checked.problems, remedy, skip_invalid=sheet.skip_invalid)
    else:
        yield Finding(state=State.OK, what="sheet", said=f"{counted(len(checked.sheet.cells), 'row')}, no problems.")
    if checked.warnings:
        more = f" ({len(checked.warnings) - 1:,} more)" if len(checked.warnings) > 1 else ""
        remedy = "bulkjob validate shows all warnings." if more else ""
        yield Finding(state=State.HINT, what="sheet", said=f"{printable(checked.warnings[0])}{more}", remedy=remedy)


def _invalid(what: str, problems: Sequence[Problem], remedy: str, *, skip_invalid: bool) -> Finding:
    rows = len({problem.row for problem in problems})
    codes = ", ".join(f"{code} ({count:,})" for code, count in Counter(str(problem.code) for problem in problems).most_common())
    by_message: dict[str, list[int]] = {}
    for problem in problems:
        by_message.setdefault(printable(problem.message), []).append(problem.row)
    told = [f"{rows_listed(numbers, 3)}: {message}" for message, numbers in by_message.items()]
    shown = " ".join(sentence[0].upper() + sentence[1:] for sentence in told[:_SHOWN_PROBLEMS])
    said = f"{counted(rows, 'row')} invalid: {codes}. {shown}{' …' if len(told) > _SHOWN_PROBLEMS else ''}"
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
        said = f"Units that this account cannot look up: {named}{f' and {more:,} more' if more > 0 else ''}."
        yield Finding(state=State.MISSING, what=what, said=said, exit_code=Exit.NO_PERMISSION)
    if outlook.problems:
        remedy = "Correct these cells, or create the missing items in Rocket.Chat."
        if not server.may(MANAGE_UNITS) and any(problem.code is Code.UNKNOWN_UNIT for problem in outlook.problems):
            remedy += f" There may be units that this account cannot see: see {ListName.UNITS}."
        yield _invalid(what, outlook.problems, remedy, skip_invalid=sheet.skip_invalid)
    if outlook.undecided:
        said = (
            f"{counted(outlook.undecided, 'row')} with a user who is not a live-chat agent. Whether the department lists that user anyway "
            "was not checked (slow)."
        )
        yield Finding(state=State.HINT, what=what, said=said, remedy="bulkjob plan checks it.")
    if outlook.is_whole:
        yield Finding(state=State.OK, what=what, said="The server knows all of them.")


def _work(sheet: SheetFacts, outlook: Outlook) -> Iterator[Finding]:
    what, see = "this sheet", "bulkjob plan shows"
    if outlook.outside:
        said = (
            f"{counted(outlook.outside, 'department')} would leave or enter a unit that this account does not monitor: the server would "
            "answer 200 and change nothing."
        )
        remedy = f"Use an account with the role livechat-manager ({MANAGERS_PAGE})."
        yield Finding(state=State.MISSING, what=what, said=said, remedy=remedy, exit_code=Exit.NO_PERMISSION)
    for stop in outlook.refusals:
        yield Finding(state=State.MISSING, what=what, said=printable(stop.message), exit_code=stop.exit_code)
    forbidden = {Code.AGENTS_NOT_PERMITTED, Code.UNIT_NOT_PERMITTED, Code.DEPARTMENT_NOT_PERMITTED}
    if failing := {code: rows for code, rows in outlook.failing.items() if code not in forbidden}:
        codes = ", ".join(f"{code} ({rows:,})" for code, rows in failing.items())
        yield Finding(state=State.HINT, what=what, said=f"Rows that would fail now: {codes}.", remedy=f"{see} them.")
    if sheet.mirror:
        said = "With --agents mirror more agents may be removed; how many was not checked (slow)."
        yield Finding(state=State.HINT, what=what, said=said, remedy=f"{see} how many.")
    if parts := list(_parts(outlook)):
        said, partly = listed(parts), "" if outlook.is_whole else ", as far as its rows can be understood"
        yield Finding(state=State.OK, what=what, said=f"{said[0].upper()}{said[1:]}{partly}.")
    elif outlook.is_whole and not failing and not sheet.mirror:
        yield Finding(state=State.OK, what=what, said="Everything is already correct.")


def _parts(outlook: Outlook) -> Iterator[str]:
    """What a sheet does, each as the end of a sentence about it."""
    if outlook.new_units:
        yield f"creates {counted(outlook.new_units, 'unit')}"
    if outlook.moves:
        yield f"moves {counted(outlook.moves, 'department')}"
    if outlook.changes:
        yield f"changes up to {counted(outlook.changes, 'agent assignment')}"
    if outlook.monitors:
        yield f"adds or removes up to {counted(outlook.monitors, 'monitor')} of units"
    if outlook.department_fields:
        yield f"sets {counted(outlook.department_fields, 'field')} of departments"
    if outlook.unit_fields:
        yield f"sets {counted(outlook.unit_fields, 'field')} of units"


# ------------------------------------------------------------------------------------------------------------- pace and others


def _rate_limit(limit: Limit | None, server: Server, needs: Needs) -> Finding:
    what = RATE_LIMIT
    if limit is None:
        said = "The server announces none: it is switched off, or this release does not apply it, or a proxy strips the headers."
        if server.permissions is not None and BYPASS_RATE_LIMIT in server.permissions:
            said = f"None for this account: it has {BYPASS_RATE_LIMIT}."
        return Finding(state=State.OK, what=what, said=said)
    remedy = (
        f"Tick {BYPASS_RATE_LIMIT} for a role that is this account's alone: {PERMISSIONS_PAGE}. Or raise the limit for the night: "
        "Administration > Workspace > Settings > Rate Limiter > API Rate Limiter."
    )
    said = f"{_announced(limit)} With {BYPASS_RATE_LIMIT} nothing has to wait."
    needed = "no" if needs.by_sheet else str(Use.COMFORT)
    return Finding(state=State.HINT, what=what, said=said, remedy=remedy, needed=needed)


def _announced(limit: Limit) -> str:
    """What the limit means; a single answer tells when its window ends, but not how long it is."""
    calls, example = counted(limit.calls, "call"), f"{_EXAMPLE_CALLS} calls of one route take"
    all_windows = span(ceil(_EXAMPLE_CALLS / max(limit.calls, 1)) * limit.window)
    if not limit.certain and limit.window > DEFAULT_WINDOW:
        return f"{calls} for each route in a window of {span(limit.window)} or more: {example} {all_windows} or more."
    about = f"{example} about {all_windows}"
    if limit.certain:
        every = "a minute for each route" if limit.window == DEFAULT_WINDOW else f"for each route in a window of {span(limit.window)}"
        return f"{calls} {every}: {about}."
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
            f"The server's is {span(abs(answers.clock_ahead))} {side} this machine's. The job allows for it; do so when you compare logs."
        )
        yield Finding(state=State.HINT, what="clock", said=said, remedy="Let NTP set both.")


# ------------------------------------------------------------------------------------------------------------------- words


def _roles(server: Server) -> str:
    roles = sorted(map(printable, server.account.roles))
    return f"{'role' if len(roles) == 1 else 'roles'} {', '.join(roles)}" if roles else "no roles"
