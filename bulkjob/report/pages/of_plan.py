"""The story of a plan, for whoever approves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line
from bulkjob.plan import PlanDocument, Prepared, RunState
from bulkjob.records import Naming, RowResult, Workspace
from bulkjob.report.pages.cards import cards_of, needing
from bulkjob.report.pages.duration import time_of_plan
from bulkjob.report.pages.kinds import Made
from bulkjob.report.pages.moves import Names, moves_of, watch_of
from bulkjob.report.pages.of_run import moment_of
from bulkjob.report.pages.story import Fact, Headings, Moves, Story, Who
from bulkjob.report.pages.table import counts_of, table_of, words_of
from bulkjob.report.plan_listing import ambiguous
from bulkjob.report.totals import totals_text
from bulkjob.vocabulary import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what is known beside it."""

    state: RunState
    document: PlanDocument
    prepared: Prepared | None
    """None where it did not come to a plan."""
    results: Mapping[int, RowResult]
    stop: Stop | None
    """What would end a run before its first write."""
    moment: datetime
    """When it was made, in UTC."""


def story_of_plan(planned: Planned) -> Story:
    """Everything that plan.html tells."""
    document, prepared = planned.document, planned.prepared
    workspace = prepared.workspace if prepared else _NOTHING
    everything = _planned(prepared) if planned.stop is None else ()
    totals = totals_text(document.changes) if planned.stop is None else ""
    names = Names(naming=Naming(workspace), with_ids=ambiguous(workspace))
    words = words_of(planned=True)
    cards = cards_of(planned.results.values(), planned.stop)
    moves = moves_of(everything, names, totals=totals)
    verdict = _verdict(planned, moves, needing(cards))
    warnings = watch_of("What the plan warns of", document.warnings, lambda warning: one_line(warning, MESSAGE_LIMIT))
    return Story(
        title=f"Plan: {one_line(document.sheet.name, 80)}",
        subject="Plan of a reorganisation of Rocket.Chat, to be approved",
        verdict=verdict,
        good=not cards,
        sentences=_sentences(planned, moves),
        counts=counts_of(planned.results.values(), words),
        facts=_facts(planned),
        headings=Headings(cards="What will not be in place", moves="What will change", message="What will happen"),
        cards=cards,
        then=_THEN if any(card.who is Who.OPERATIONS for card in cards) else "",
        moves=moves,
        watch=(warnings,) if warnings else (),
        time=time_of_plan(document),
        table=table_of(planned.state.checked.sheet, planned.results, words, rest="plan.xlsx beside this page"),
        made_by=f"bulkjob {document.bulkjob}",
    )


_NOTHING: Final = Workspace(departments={}, units=None, agents={})


_THEN: Final = "Correct the sheet, and send it back to whoever runs bulkjob: a new plan will be made of it."


def _planned(prepared: Prepared | None) -> tuple[Made, ...]:
    """What would be written."""
    if prepared is None:
        return ()
    plan, workspace = prepared.plan, prepared.workspace
    return tuple(Made(change=change, prior=change.found(workspace)) for change in plan.changes if change not in plan.settled)


def _verdict(planned: Planned, moves: Moves, need: int) -> str:
    if planned.stop is not None:
        return "This sheet would be refused"
    if moves.totals:
        return f"Plan: {moves.totals}"
    if need:
        return f"{need:,} of {counted(len(planned.results), 'row')} {'needs' if need == 1 else 'need'} you, and there is nothing to send"
    return "Nothing to do: every row is already correct"


def _sentences(planned: Planned, moves: Moves) -> tuple[str, ...]:
    said = ["This is a plan: nothing has been changed yet."]
    if planned.stop is not None:
        said.append("A run of this sheet would end before its first change.")
    elif moves.totals:
        said.append("What a run changes can be put back afterwards, as long as nobody changes it in between.")
    return tuple(said)


def _facts(planned: Planned) -> tuple[Fact, ...]:
    document, server = planned.document, planned.prepared.server if planned.prepared else None
    version = f" (Rocket.Chat {one_line(document.server.version, 40)})" if document.server.version else ""
    facts = (
        Fact(word="Sheet", text=one_line(document.sheet.name)),
        Fact(word="Made", text=moment_of(planned.moment)),
        Fact(word="Server", text=f"{one_line(document.server.url)}{version}"),
        Fact(word="Account", text=f"@{one_line(server.account.username)}" if server and server.account.username else ""),
    )
    return tuple(fact for fact in facts if fact.text)
