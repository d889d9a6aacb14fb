"""Workbooks for people: what an .xlsx file can hold, cells that are text whatever they begin with, looks, and rows as high as their text.

Everything is written from top to bottom, so that a large workbook needs no more memory than a small one.
"""

import io
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from bulkjob.records import RowResult
from bulkjob.report.row_words import is_row_word, place_of, row_word
from bulkjob.report.text_cells import TextWorkbook, fitting

MOST_ROWS: Final = 1_048_576


MOST_COLUMNS: Final = 16_384


#: More cells than this go through temporary files instead of memory.
MANY_CELLS: Final = 100_000


#: Its digits are as wide as Excel's unit of column widths assumes, and a program without it has a letter of the same widths instead.
_FONT: Final = {"font_name": "Arial", "font_size": 10}


#: Points. Excel allows no row to be higher than this.
_LINE, _HIGHEST = 12.75, 409.0


class Formats:
    """The looks of a workbook's cells. "Text" keeps what people type there later as they type it: 007, 1-2, 1e5."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        text = {"num_format": "@", "valign": "top"}
        self.text = workbook.add_format(text)
        self.bad = workbook.add_format({**text, "bg_color": "#FFC7CE", "border": 1, "border_color": "#C00000"})
        self.head = workbook.add_format({**text, "bold": True, "bg_color": "#D9E2EC", "bottom": 1, "text_wrap": True})
        self.wrapped = workbook.add_format({**text, "text_wrap": True})
        self.title = workbook.add_format({**text, "text_wrap": True, "bold": True, "font_size": 14})
        self.heading = workbook.add_format({**text, "bold": True, "font_size": 11, "font_color": "#1F3A5F"})
        self.link = workbook.add_format({"font_color": "#0563C1", "underline": 1, "valign": "top"})
        self.number = workbook.add_format({"num_format": "0", "valign": "top", "align": "left"})
        self.seconds = workbook.add_format({"num_format": "0.000", "valign": "top", "align": "left"})
        self._coloured = {
            colour: workbook.add_format({**text, "bold": True, "bg_color": fill, "font_color": ink})
            for colour, (fill, ink) in _COLOURS.items()
        }

    def coloured(self, word: str) -> Any:  # noqa: ANN401  # xlsxwriter ships no types
        """The look of what became of a row, by the word for it."""
        return self._coloured[word]


#: Word → (fill, ink); dark on light, so that it can be read in grey, too.
_COLOURS: Final = {
    "changed": ("#C6EFCE", "#0B5A1B"),
    "to change": ("#C6EFCE", "#0B5A1B"),
    "already correct": ("#E7E9EC", "#333F4D"),
    "failed": ("#FFC7CE", "#8A0010"),
    "would fail": ("#FFC7CE", "#8A0010"),
    "invalid": ("#FFD8A8", "#7A3B00"),
    "not sent": ("#FFF2B3", "#665200"),
}


def rendered(write: Callable[[Any, Formats], None], *, cells: int, scratch: Path | None = None) -> bytes:
    """The .xlsx file that ``write`` makes of a workbook and its formats; nothing in it is taken for a formula or a link.

    ``cells``: about how many there will be. Many go through temporary files in ``scratch`` (None: where the system has them), and have to
    be written row by row. Raises `OSError` where these find no room.
    """
    file = io.BytesIO()
    many = cells > MANY_CELLS
    options = {
        "constant_memory": many,
        "in_memory": not many,
        "tmpdir": None if scratch is None else str(scratch),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": _FONT,
    }
    try:
        with TextWorkbook(file, options) as workbook:
            workbook.use_zip64()  # only where a worksheet comes to more than 4 GB
            write(workbook, Formats(workbook))
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error
    return file.getvalue()


# ------------------------------------------------------------------------------------------------------------------- texts


def height_of(text: str, width: float) -> float | None:
    """Points that a row needs to show a text in a cell that wraps after so many characters; None for a single line.

    Programs differ in whether they make rows higher by themselves, and in the widths of letters: it is rather a bit too high. A unit of a
    column's width is a digit, and letters are narrower; the end of a line stays empty where a word does not fit.
    """
    room = max(width - 1, 1.1 * width - 4, 1)
    lines = sum(max(1, math.ceil(_breadth(line) / room)) for line in text.split("\n"))
    return None if lines == 1 else min(lines * _LINE + 3, _HIGHEST)


def _breadth(text: str) -> int:
    """In characters; what East Asian scripts have is twice as wide."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# ---------------------------------------------------------------------------------------------------------- what became of rows

#: Columns before a sheet's own, and their widths: what people want to know first. Named as outcome columns, so that they are dropped where
#: the rows are fed back as a sheet.
OUTCOME: Final = (("Row", 8), ("Status", 16), ("Message", 60))


def write_outcome_headers(worksheet: Any, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    """The heads of `OUTCOME`, in the first row."""
    for column, (header, width) in enumerate(OUTCOME):
        worksheet.set_column(column, column, width)
        worksheet.write_string(0, column, header, formats.head)


def write_outcome(worksheet: Any, line: int, result: RowResult, formats: Formats) -> None:  # noqa: ANN401  # as above
    """The cells of `OUTCOME`; ``line`` is the row of the worksheet, from 0."""
    if height := height_of(result.message, OUTCOME[-1][1]):
        worksheet.set_row(line, height)
    word = row_word(result)
    worksheet.write_number(line, 0, result.row, formats.number)
    worksheet.write_string(line, 1, word, formats.coloured(word))
    worksheet.write_string(line, 2, fitting(result.message), formats.wrapped)


# ------------------------------------------------------------------------------------------------------------------- pages


def for_paper(worksheet: Any, *, headers: int | None = None) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    """Printed as wide as a page, with the row of headers on each."""
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.fit_to_pages(1, 0)
    if headers is not None:
        worksheet.repeat_rows(headers)


class Page:
    """A worksheet for people, written from top to bottom: sentences across its width, and tables."""

    def __init__(self, worksheet: Any, formats: Formats, widths: Sequence[float]) -> None:  # noqa: ANN401  # xlsxwriter ships no types
        """``widths``: of the columns, in characters."""
        self.worksheet = worksheet
        self.row = 0
        """The next row to write, from 0."""
        self._formats = formats
        self._widths = tuple(widths)
        for column, width in enumerate(widths):
            worksheet.set_column(column, column, width)
        worksheet.hide_gridlines(2)
        for_paper(worksheet)

    def sentence(self, text: str, look: Any = None, *, size: float = 1.0) -> None:  # noqa: ANN401  # as above
        """One that may run over several lines; ``size``: of its letters, where the usual one is 1."""
        look = look or self._formats.wrapped
        if height := height_of(text, sum(self._widths) / size):
            self.worksheet.set_row(self.row, height * size)
        elif size > 1:
            self.worksheet.set_row(self.row, _LINE * size + 3)
        if len(self._widths) > 1:
            self.worksheet.merge_range(self.row, 0, self.row, len(self._widths) - 1, "", look)
        self.worksheet.write_string(self.row, 0, fitting(text), look)
        self.row += 1

    def title(self, text: str) -> None:
        """The sentence that is read first."""
        self.sentence(text, self._formats.title, size=1.5)

    def heading(self, text: str) -> None:
        """The beginning of a part, after a blank row."""
        self.row += 1
        self.worksheet.write_string(self.row, 0, fitting(text), self._formats.heading)
        self.row += 1

    def headers(self, headers: Sequence[str]) -> None:
        """The head of a table."""
        for column, header in enumerate(headers):
            self.worksheet.write_string(self.row, column, header, self._formats.head)
        self.row += 1

    def line(self, cells: Sequence[str | int]) -> None:
        """A line of a table; the word for what became of a row has its colour."""
        # Numbers and words for rows have room.
        texts = [(cell, width) for cell, width in zip(cells, self._widths, strict=False) if isinstance(cell, str) and not is_row_word(cell)]
        heights = [height_of(text, width) or 0 for text, width in texts]
        if tallest := max(heights, default=0):
            self.worksheet.set_row(self.row, tallest)
        for column, cell in enumerate(cells):
            if isinstance(cell, int):
                self.worksheet.write_number(self.row, column, cell, self._formats.number)
            elif cell:
                look = self._formats.coloured(cell) if is_row_word(cell) else self._formats.wrapped
                self.worksheet.write_string(self.row, column, fitting(cell), look)
        self.row += 1

    def row_counts(self, words: Iterable[str]) -> None:
        """How many rows there are of each word, in their order."""
        counts = Counter(words)
        self.heading("Rows of the sheet")
        self.headers(("Rows", "Status"))
        for word in sorted(counts, key=place_of):
            self.line((counts[word], word))
        self.line((counts.total(), "in all"))

    def as_table(self, columns: int) -> None:
        """What was written is one table whose headers stay in sight, with filters."""
        self.worksheet.freeze_panes(1, 0)
        self.worksheet.autofilter(0, 0, max(self.row - 1, 1), columns - 1)
        for_paper(self.worksheet, headers=0)
