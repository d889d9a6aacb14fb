"""Findings about the server's lists: which of them the account can read, and what follows where it cannot."""

from collections.abc import Iterator
from typing import Final

from bulkjob.doctor.facts import Facts, Listed, ListName, ServerFacts
from bulkjob.doctor.finding import AGAIN, Finding, Needs, State, Use, joined_words
from bulkjob.doctor.rights import grant, has_licence, open_routes
from bulkjob.records import MANAGE_MONITORS, MANAGE_UNITS, TRANSFER_GUESTS, VIEW_DEPARTMENTS, Server
from bulkjob.vocabulary import Code, Exit

_LISTS: Final = {
    ListName.DEPARTMENTS: (Use.ALWAYS, VIEW_DEPARTMENTS),
    ListName.MEMBERS: (Use.AGENTS, VIEW_DEPARTMENTS),
    ListName.AGENTS: (Use.AGENTS, TRANSFER_GUESTS),
    ListName.MONITORS: (Use.UNITS, MANAGE_MONITORS),
    ListName.ROLE_HOLDERS: (Use.MONITORS, MANAGE_MONITORS),
}


# ------------------------------------------------------------------------------------------------------------------- lists


def list_findings(facts: Facts, answers: ServerFacts, server: Server, needs: Needs) -> Iterator[Finding]:
    """Which of the server's lists this account cannot read, and what follows."""
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
            # These take a whole unit's write, however departments are moved.
            use = min(uses & {Use.UNIT_FIELDS, Use.MONITORS}, default=use)
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
    if listed.exit_code is Exit.NO_PERMISSION and not (listed.failure and listed.failure.code is Code.REJECTED):
        return needs.lacking(name, f"This account may not read it: “{joined_words(listed.failure)}”.", use, uses, remedy)
    return needs.lacking(name, f"Cannot be read: {joined_words(listed.failure)}.", use, uses, AGAIN, listed.exit_code)
