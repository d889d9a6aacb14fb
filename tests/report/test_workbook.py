"""Cells that are text, and rows as high as their text."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records import RowResult
from bulkjob.report import workbook
from bulkjob.report.annotated import render_annotated
from bulkjob.report.results_workbook import render_results_workbook
from bulkjob.report.retry import render_retry_workbook
from bulkjob.report.text_cells import LONGEST_TEXT, fitting, units
from bulkjob.report.workbook import Formats, Page, height_of, rendered
from bulkjob.sheet import check
from bulkjob.vocabulary import Code, Exit, Status
from tests.report.conftest import MakeEnding, MakeSheet
from tests.support.hostile import HOSTILE, LONG, LONG_EMOJI, UNHOLDABLE, is_inert, said, texts_in

Render = Callable[[list[str]], bytes]
"""A workbook of a sheet with a note in each row."""


@pytest.fixture(params=["annotated", "results", "retry"])
def render(request: pytest.FixtureRequest, make_sheet: MakeSheet, make_ending: MakeEnding) -> Render:
    def render(notes: list[str]) -> bytes:
        sheet = make_sheet(["department", "note", *notes], [["d", note, *[""] * len(notes)] for note in notes])
        if request.param == "annotated":
            return render_annotated(check(sheet))
        results = {
            row: RowResult(row=row, status=Status.FAILED, code=Code.REJECTED, message=note) for row, note in enumerate(notes, start=2)
        }
        if request.param == "results":
            return render_results_workbook(sheet, results, make_ending(Exit.ROWS_NOT_DONE, notes[0]))
        data = render_retry_workbook(sheet, results)
        assert data is not None
        return data

    return render


def rows_of(data: bytes) -> list[list[str]]:
    """Of the worksheet that has the sheet's rows; a report's first one has the verdict."""
    names = openpyxl.load_workbook(io.BytesIO(data)).sheetnames
    return texts_in(data, names.index("Rows") if "Rows" in names else 0)


@pytest.mark.parametrize("large", [False, True])
def test_hostile_cells_stay_texts(render: Render, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:  # noqa: FBT001  # a case
    """Whatever a sheet's cell holds is the same text in each workbook: no formula, no link, nothing lost; in large ones, too."""
    monkeypatch.setattr(workbook, "MANY_CELLS", 0 if large else 100_000)
    notes = list(HOSTILE.values())
    data = render(notes)
    assert is_inert(data)
    rows = rows_of(data)
    column = rows[0].index("note")
    assert [row[column] for row in rows[1:]] == [*map(said, notes)]
    assert rows[0][column + 1 : column + 1 + len(notes)] == [*map(said, notes)]


@pytest.mark.parametrize("large", [False, True])
def test_what_no_file_can_hold_is_replaced(monkeypatch: pytest.MonkeyPatch, large: bool) -> None:  # noqa: FBT001  # a case
    """Halves of characters and code points that XML does not have are question marks, and the file can still be opened."""
    monkeypatch.setattr(workbook, "MANY_CELLS", 0 if large else 100_000)

    def write(book: Any, formats: Formats) -> None:
        page = Page(book.add_worksheet(), formats, (20,))
        for text in UNHOLDABLE:
            page.line((text,))
            page.sentence(text)

    assert [row[0] for row in texts_in(rendered(write, cells=1))] == [text for text in UNHOLDABLE.values() for _ in range(2)]


@pytest.mark.parametrize("text", [LONG, LONG_EMOJI, "x" * 20_000 + "😀" * 10_000])
def test_a_text_that_is_too_long_is_cut_and_says_so(text: str) -> None:
    """What a cell cannot hold is cut, between characters, to the length that Excel counts, and says so."""
    cut = fitting(text)
    assert LONGEST_TEXT - 1 <= units(cut) <= LONGEST_TEXT
    assert cut.endswith("… (cut here: a cell holds no more)")
    assert text.startswith(cut[:-40])


@given(st.text(max_size=40))
def test_a_text_that_fits_is_left_alone(text: str) -> None:
    """What a cell can hold is not touched but for what no file can hold."""
    kept = "".join("?" if "\ud800" <= letter <= "\udfff" or letter in "\ufffe\uffff" else letter for letter in text)
    assert fitting(text) == kept


def test_heights_grow_with_the_text() -> None:
    """A single line needs no height; more lines, by width or by line ends, need more; no row is higher than Excel allows."""
    assert height_of("short", 60) is None
    two, four = height_of("x" * 100, 60), height_of("x" * 200, 60)
    assert two is not None
    assert four is not None
    assert 25 < two < four < 60
    assert height_of("a\nb", 60) == two
    assert height_of("漢" * 100, 60) == four
    assert height_of("x" * 40_000, 60) == 409
