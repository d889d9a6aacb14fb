"""What somebody has to do, one card for each reason."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from bulkjob.phrases import MESSAGE_LIMIT, one_line
from bulkjob.records import RowResult
from bulkjob.report.pages.reasons import Reason, reason_of
from bulkjob.report.pages.story import Card, Kind, Said, Who, kind_of
from bulkjob.vocabulary import UNSENT_CODE, Exit, Status, Stop

#: Messages on one card, and rows that are named for each.
MOST_MESSAGES: Final = 25
MOST_ROWS: Final = 100


#: Endings that the rows' code says enough about.
_TELLING: Final = (Exit.ROWS_NOT_DONE, Exit.UNAVAILABLE, Exit.INTERRUPTED)


_WHO: Final = tuple(Who)


def cards_of(results: Iterable[RowResult], stop: Stop | None, *, undoes: bool = False) -> tuple[Card, ...]:
    """One card for each reason: operations' first, then an administrator's, then the engineer's; of each the most frequent first."""
    groups: dict[tuple[Kind, str], list[RowResult]] = defaultdict(list)
    for result in results:
        if result.status not in (Status.SUCCESS, Status.PLANNED):
            groups[kind_of(result.status, result.change), str(result.code or "")].append(result)
    invalid = any(kind is Kind.INVALID for kind, _ in groups)
    cards = [_card(kind, code, found, _reason(kind, code, stop, invalid=invalid), undoes=undoes) for (kind, code), found in groups.items()]
    told = {card.code for card in cards if card.kind is Kind.NOT_SENT}
    if stop is not None and UNSENT_CODE.get(stop.exit_code) not in told and not invalid:
        cards.append(_of_stop(stop))
    return tuple(sorted(cards, key=lambda card: (_WHO.index(card.who), card.kind is Kind.NOT_SENT, -card.rows, card.code)))


def _reason(kind: Kind, code: str, stop: Stop | None, *, invalid: bool) -> Reason:
    """What a card says; of rows that were not sent, what stopped the job, unless other rows' being invalid says it all."""
    reason = reason_of(code, kind)
    if kind is not Kind.NOT_SENT or stop is None or code != UNSENT_CODE.get(stop.exit_code):
        return reason
    if stop.exit_code is Exit.BAD_SHEET and invalid:
        return replace(reason, who=Who.OPERATIONS, remedy="Nothing is wrong with them: they go along once the other rows are corrected.")
    message = one_line(stop.message, MESSAGE_LIMIT)
    if stop.exit_code in _TELLING:
        return replace(reason, happened=f"{reason.happened} {message}")
    return replace(reason, title=TITLES.get(stop.exit_code, reason.title), happened=message, remedy=_REMEDY)


def _of_stop(stop: Stop) -> Card:
    """The card of what stopped the job, where no row tells it."""
    return Card(
        code="",
        kind=None,
        title=TITLES.get(stop.exit_code, "The run did not reach its end"),
        who=Who.ENGINEER,
        happened=one_line(stop.message, MESSAGE_LIMIT),
        remedy=_REMEDY,
        rows=0,
        said=(),
    )


_REMEDY: Final = "Fix what is named here, then run the same sheet again; rows that are in place are not sent again."


#: What the card of an ending is called.
TITLES: Final = {
    Exit.BAD_SHEET: "The sheet was refused",
    Exit.NO_PERMISSION: "The account may not do this",
    Exit.BAD_SETTING: "A setting is wrong",
    Exit.CANNOT_CREATE: "The run directory could not be written",
    Exit.DEFECT: "bulkjob itself failed",
    Exit.INTERRUPTED: "The run was interrupted",
    Exit.UNAVAILABLE: "Rocket.Chat stopped answering",
    Exit.ROWS_NOT_DONE: "Too many rows had failed",
}


def _card(kind: Kind, code: str, results: Sequence[RowResult], reason: Reason, *, undoes: bool) -> Card:
    messages: dict[str, list[int]] = {}
    for result in results:
        messages.setdefault(result.message, []).append(result.row)
    first = list(messages.items())[:MOST_MESSAGES]
    said = tuple(
        Said(text=one_line(text, MESSAGE_LIMIT), rows=tuple(rows[:MOST_ROWS]), more=max(len(rows) - MOST_ROWS, 0)) for text, rows in first
    )
    return Card(
        code=code,
        kind=kind,
        title=reason.title,
        who=reason.who,
        happened=reason.happened,
        remedy=reason.remedy.replace("the same sheet", "the same rollback") if undoes else reason.remedy,
        rows=len(results),
        said=said,
        more=len(results) - sum(len(rows) for _, rows in first),
    )


def needing(cards: Collection[Card]) -> int:
    """How many rows somebody has to do something about; rows that were only not sent wait for nobody but the next run."""
    return sum(card.rows for card in cards if card.kind in (Kind.FAILED, Kind.INVALID))
