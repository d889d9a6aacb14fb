"""The story of a run, or of a rollback, from what it knows at its end."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from bulkjob.changes import Change
from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line, printable
from bulkjob.plan import Drifted, RunState
from bulkjob.records import RowResult, Workspace
from bulkjob.report.pages.cards import cards_of, needing
from bulkjob.report.pages.duration import time_of_run
from bulkjob.report.pages.kinds import Made, totals_of
from bulkjob.report.pages.moves import Names, emptied, moves_of, watch_of, without_agents
from bulkjob.report.pages.story import Card, Fact, Headings, Kind, Story, Watch, Who
from bulkjob.report.pages.table import counts_of, table_of, words_of
from bulkjob.report.plan_listing import ambiguous
from bulkjob.report.summary import Ending, RowCounts, row_counts
from bulkjob.vocabulary import Effect, Exit, Status, Stop


def story_of_run(state: RunState, results: Mapping[int, RowResult], ending: Ending, stop: Stop | None) -> Story:
    """Everything that report.html tells."""
    everything = tuple(_made(state))
    names = names_of(state, everything)
    words = words_of(undoes=state.undoes)
    cards = cards_of(results.values(), stop, undoes=state.undoes)
    rows = row_counts(results.values())
    verdict = _verdict(ending, rows, cards)
    return Story(
        title=f"{verdict} – {one_line(ending.sheet_name, 80)}",
        subject="Report of a rollback" if state.undoes else "Report of a reorganisation of Rocket.Chat",
        verdict=verdict,
        good=ending.exit_code is Exit.OK,
        sentences=_sentences(state, ending, rows),
        counts=counts_of(results.values(), words),
        facts=_facts(state, ending, everything),
        headings=Headings(
            cards="What you need to do" if _is_yours(cards) else "What has to be done",
            moves="What was put back" if state.undoes else "What moved",
            message="What happened",
        ),
        cards=cards,
        then=_then(cards, ending),
        moves=moves_of(everything, names, totals=totals_of(everything)),
        watch=_watch(state, everything, names, stop),
        time=time_of_run(ending.figures),
        table=table_of(state.checked.sheet, results, words, rest="results.csv beside this page"),
        made_by=f"bulkjob {ending.bulkjob_version}",
    )


def names_of(state: RunState, everything: tuple[Made, ...]) -> Names:
    """How things are called; what the server was not asked about goes by the sheet's word for it."""
    if state.workspace is not None:
        return Names(naming=state.naming, with_ids=ambiguous(state.workspace))
    by_row = state.departments if everything else {}
    words = {made.change.target[1]: by_row.get(made.change.rows[0], "") for made in everything if made.change.rows}
    return Names(naming=state.naming, words=words)


def _made(state: RunState) -> Iterator[Made]:
    """What this run changed, its earlier attempts included: of each thing the state that the first of them found, and the last one made."""
    found: dict[tuple[str, ...], Made] = {}

    def keep(change: Change, prior: object, *, earlier: bool) -> None:
        before = found.get(change.target)
        found[change.target] = Made(change=change, prior=before.prior if before else prior, earlier=earlier)  # type: ignore[arg-type]

    for attempt in state.attempts:
        if attempt.status is Status.SUCCESS:
            keep(attempt.change, attempt.prior, earlier=True)
    for change, outcome in (state.outcomes or {}).items():
        if outcome.change is Effect.UPDATED and not isinstance(outcome.prior, msgspec.UnsetType):
            keep(change, outcome.prior, earlier=False)
    return iter(found.values())


# ---------------------------------------------------------------------------------------------------------------- the head


def _verdict(ending: Ending, rows: RowCounts, cards: tuple[Card, ...]) -> str:
    if ending.exit_code is Exit.OK:
        if ending.undoes:
            return "Everything is back as it was"
        return f"All {rows.total:,} rows are in place" if rows.total > 1 else "The only row is in place" if rows.total else "Nothing to do"
    if need := needing(cards):
        of_all = f"{need:,} of {counted(rows.total, 'row')}"
        if _is_yours(cards):
            return f"{of_all} {'needs' if need == 1 else 'need'} you"
        return f"{of_all} {'is' if need == 1 else 'are'} not {'put back' if ending.undoes else 'in place'}"
    if rows.not_sent:
        return f"{rows.not_sent:,} of {counted(rows.total, 'row')} {'was' if rows.not_sent == 1 else 'were'} not sent"
    return "All rows are in place, but the run did not reach its end"


def _sentences(state: RunState, ending: Ending, rows: RowCounts) -> tuple[str, ...]:
    said = []
    if ending.exit_code not in (Exit.OK, Exit.ROWS_NOT_DONE):
        early = (
            "It stopped early. What is in place stays so." if ending.owned else "It stopped before the first change: nothing was changed."
        )
        said.append(early)
    if state.undoes:
        said.append("A rollback puts back what a run changed; the rows are those of that run.")
    if not state.undoes and state.earlier:
        were = "was" if len(state.earlier) == 1 else "were"
        said.append(f"This run went on from an earlier attempt: {counted(len(state.earlier), 'row')} {were} in place before it began.")
    if not rows.total:
        said.append("The sheet has no rows.")
    return tuple(said)


def _facts(state: RunState, ending: Ending, everything: tuple[Made, ...]) -> tuple[Fact, ...]:
    figures, server = ending.figures, state.server
    version = f" (Rocket.Chat {one_line(server.version_text, 40)})" if server and server.version_text else ""
    facts = [
        Fact(word="Sheet", text=one_line(ending.sheet_name)),
        Fact(word="When", text=moment_of(figures.started) if figures.started else ""),
        Fact(word="Server", text=f"{one_line(figures.server_url)}{version}" if figures.server_url else ""),
        Fact(word="Account", text=f"@{one_line(server.account.username)}" if server and server.account.username else ""),
        Fact(word="Files", text=one_line(ending.run_dir, MESSAGE_LIMIT)),
    ]
    if everything and ending.undo:
        facts.append(Fact(word="To undo it", text=printable(ending.undo), command=True))
    return tuple(fact for fact in facts if fact.text)


def moment_of(time: datetime) -> str:
    """A moment as people write it: ``23 November 2026, 00:54 UTC``."""
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def _is_yours(cards: tuple[Card, ...]) -> bool:
    """Whether there is something that operations can mend."""
    return any(card.who is Who.OPERATIONS and card.kind is not Kind.NOT_SENT for card in cards)


def _then(cards: tuple[Card, ...], ending: Ending) -> str:
    """How the sheet gets back to whoever runs it."""
    if ending.undoes or not _is_yours(cards):
        return ""
    if not ending.owned:
        return "Correct the sheet, and send it back to whoever runs bulkjob. Nothing was changed so far, so all of it is still to come."
    if ending.retry:
        return (
            f"The file {ending.retry}, which lies beside this page, has just the rows that are left. Correct them there and send it back "
            "to whoever runs bulkjob. Rows that are in place need nothing more."
        )
    return "Correct the rows, and send the sheet back to whoever runs bulkjob. Rows that are in place are not sent again."


# ------------------------------------------------------------------------------------------------------------- to look at


def _watch(state: RunState, everything: tuple[Made, ...], names: Names, stop: Stop | None) -> tuple[Watch, ...]:
    foretold = list(state.plan.warnings) if state.plan else []
    during = [warning for warning in state.warnings if warning not in set(foretold)]
    drifted = list(stop.differences) if isinstance(stop, Drifted) else []
    workspace = state.workspace or _NOTHING
    lists = (
        without_agents(everything, workspace, names),
        emptied(everything, workspace, names),
        watch_of("What somebody has changed since the plan was approved", drifted, _line),
        watch_of("What was noticed on the way", during, _line),
        watch_of("What the plan said before the first change", foretold, _line),
    )
    return tuple(filter(None, lists))


def _line(text: str) -> str:
    return one_line(text, MESSAGE_LIMIT)


_NOTHING: Final = Workspace(departments={}, units=None, agents={})
