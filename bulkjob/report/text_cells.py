"""Texts as the cells of a workbook hold them, and very many of them: xlsxwriter's, with a short way for what nearly all cells are.

Without it, the marked copy of a hundred thousand rows takes seven seconds to write. It reaches into xlsxwriter where that writes a row; a
test holds it to the same bytes.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import repeat
from typing import Any, Final, NamedTuple

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

#: Characters of a cell, counted as UTF-16 does: an emoji is two.
LONGEST_TEXT: Final = 32_767
_CUT: Final = " … (cut here: a cell holds no more)"
#: What no XML file can hold, and so no workbook; other control characters are escaped as Excel does it.
_NO_XML: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
#: Of rows: few enough to take no memory that counts.
_AT_ONCE: Final = 2_000
#: What stands between texts that are looked at together; no text with one is plain.
_BETWEEN: Final = "\x00"
#: A text with one of these needs more than the usual three escapes: others, or word that its blanks count.
_NOT_PLAIN: Final = re.compile("[\x01-\x08\x0b-\x1f\ufffe\uffff]|_x|(?:\\A|\x00)\\s|\\s(?:\x00|\\Z)")
_NOT_AS_IT_STANDS: Final = re.compile(f"[&<>{_BETWEEN}]|{_NOT_PLAIN.pattern}")
_letters: Final = cache(xl_col_to_name)


class _Ready(NamedTuple):
    """Cells of a row as they stand in the file."""

    xml: str


class TextWorksheet(Worksheet):  # type: ignore[misc]  # xlsxwriter ships no types
    """A worksheet whose texts are texts, and where many of them are written in a fraction of the time if the workbook keeps no rows."""

    def write_string(self, row: int, col: int, string: str, cell_format: Any = None) -> Any:  # noqa: ANN401  # as xlsxwriter has it
        """A text; also one that xlsxwriter would take for the XML of a formatted one, and write as it stands."""
        if string.startswith("<r>") and string.endswith("</r>"):
            return self.write_rich_string(row, col, string[:1], cell_format, string[1:], cell_format)
        return self._write_string(row, col, string, cell_format)

    def ready_rows(
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        texts: Sequence[Sequence[str]],
        look: Any,  # noqa: ANN401  # as above
    ) -> Iterator[str | None]:
        """For each row what `write_ready` takes, all texts of one look and blank ones left out; ``texts``: by column.

        None where each text of the row has to be written by itself.
        """
        order = sorted(range(len(columns)), key=columns.__getitem__)
        for start in range(0, len(rows) if self.constant_memory else 0, _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            written = [_cells(some, columns[place], texts[place][start : start + _AT_ONCE], _look(look)) for place in order]
            yield from repeat(None, len(some)) if None in written else map("".join, zip(*filter(None, written), strict=True))
        yield from repeat(None, 0 if self.constant_memory else len(rows))

    def write_ready(self, row: int, first: int, last: int, xml: str) -> None:
        """A row that has no cells but these, in columns from ``first`` to ``last``."""
        self._check_dimensions(row, first)
        self._check_dimensions(row, last)
        if row > self.previous_row:
            self._write_single_row(row)
        self.table[row] = {first: _Ready(xml)}

    def _write_single_row(self, current_row_num: int = 0) -> None:
        """The row that has been finished, as xlsxwriter writes it."""
        row = int(self.previous_row)  # type: ignore[has-type]  # as above
        cells = self.table.get(row)
        if not cells:
            super()._write_single_row(current_row_num)
            return
        self.previous_row = current_row_num
        self._write_row(row, None, self.row_info.get(row))
        for column in sorted(cells):
            cell = cells[column]
            if isinstance(cell, _Ready):
                self.fh.write(cell.xml)
            elif type(cell).__name__ == "String" and cell.format and not _NOT_AS_IT_STANDS.search(cell.string):
                self.fh.write(
                    f'<c r="{_letters(column)}{row + 1}" s="{_look(cell.format)}" t="inlineStr"><is><t>{cell.string}</t></is></c>'
                )
            else:
                self._write_cell(row, column, cell)
        self._xml_end_tag("row")
        self.table.clear()


class TextWorkbook(xlsxwriter.Workbook):  # type: ignore[misc]  # as above
    """A workbook of such worksheets."""

    worksheet_class = TextWorksheet


def fitting(text: str) -> str:
    """The text as a cell can hold it: cut, and saying so, where it is too long; without what no XML file can hold."""
    whole = text if text.isascii() else _NO_XML.sub("?", text)
    if units(whole) <= LONGEST_TEXT:
        return whole
    kept = whole[: LONGEST_TEXT - len(_CUT)]
    if (over := units(kept) + len(_CUT) - LONGEST_TEXT) > 0:
        kept = kept.encode("utf-16-le")[: -2 * over].decode("utf-16-le", errors="ignore")
    return kept + _CUT


def units(text: str) -> int:
    """A text's length as a cell counts it."""
    if text.isascii() or 2 * len(text) <= LONGEST_TEXT:
        return len(text)
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _look(cell_format: Any) -> int:  # noqa: ANN401  # as above
    """The number that cells of a format refer to it by."""
    number: int = cell_format._get_xf_index()  # noqa: SLF001  # there is no other way to it
    return number


def _cells(rows: Sequence[int], column: int, texts: Sequence[str], look: int) -> list[str] | None:
    """The cells of some rows in one column, blank where there is no text; None where not all texts are plain."""
    together = _BETWEEN.join(texts)
    if not together.isascii() or max(map(len, texts)) > LONGEST_TEXT:
        together = _BETWEEN.join(map(fitting, texts))
    if together.count(_BETWEEN) != len(texts) - 1 or _NOT_PLAIN.search(together):
        return None
    escaped = together.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split(_BETWEEN)
    before, after = f'<c r="{_letters(column)}', f'" s="{look}" t="inlineStr"><is><t>'
    return [f"{before}{row + 1}{after}{text}</t></is></c>" if text else "" for row, text in zip(rows, escaped, strict=True)]
