"""Which worksheet of a workbook is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from bulkjob.sheet import messages
from bulkjob.sheet.text import comparable
from bulkjob.vocabulary import Exit, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Worksheet:
    """A worksheet as the workbook lists it."""

    name: str
    part: str
    """Where its cells are; what that is depends on the family of files."""
    hidden: bool


def chosen(worksheets: Sequence[Worksheet], wanted: str | None, file_name: str) -> tuple[Worksheet, tuple[str, ...]]:
    """The worksheet called ``wanted`` (hidden or not), or the first visible one, and notes on what is not read."""
    if wanted is not None:
        exact = [sheet for sheet in worksheets if sheet.name == wanted]
        alike = [sheet for sheet in worksheets if comparable(sheet.name).casefold() == comparable(wanted).casefold()]
        if not exact and not alike:
            raise Stop(Exit.BAD_SHEET, messages.no_worksheet(file_name, wanted, [sheet.name for sheet in worksheets]))
        return (exact or alike)[0], ()
    visible = [sheet for sheet in worksheets if not sheet.hidden]
    if not visible:
        raise Stop(Exit.BAD_SHEET, messages.no_visible_worksheet(file_name) if worksheets else messages.empty(file_name))
    others = [sheet.name for sheet in worksheets if sheet is not visible[0]]
    return visible[0], (messages.other_worksheets(visible[0].name, others),) if others else ()
