"""Workbooks of many texts: the short way writes what xlsxwriter's own way does."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.worksheet import Worksheet

from bulkjob.report import text_cells
from bulkjob.report.text_cells import TextWorkbook, TextWorksheet, fitting
from bulkjob.report.workbook import Formats

TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["", " a", "a ", "a\nb", "\n", "_x0041_", "a_x", "R&D", "<b>", "a\x00b", "\ufffe", "x" * 40_000, "=1"]),
)
PLAIN = st.sampled_from(["Sales", "Zürich", "R&D", "a < b", "", "two\nlines", "🚲"])


def written(rows: Mapping[int, list[str]], *, by_row: bool, large: bool) -> bytes:
    """A workbook of these rows; ``by_row``: ready ones where there are, else each text by itself."""
    file = io.BytesIO()
    with TextWorkbook(file, {"constant_memory": large, "in_memory": not large}) as workbook:
        look = Formats(workbook).text
        sheet = workbook.add_worksheet("Rows")
        columns = [3, 0, 27][: len(next(iter(rows.values()), []))]
        ready = sheet.ready_rows(list(rows), columns, list(zip(*rows.values(), strict=True)), look)
        for (row, texts), xml in zip(rows.items(), ready if rows else (), strict=True):
            if by_row and xml is not None:
                sheet.write_ready(row, min(columns), max(columns), xml)
                continue
            for column, text in zip(columns, texts, strict=True):
                if text:
                    sheet.write_string(row, column, fitting(text), look)
    return file.getvalue()


def cells(data: bytes) -> bytes:
    """The XML of the only worksheet's rows."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("xl/worksheets/sheet1.xml").partition(b"<sheetData")[2]


@given(st.lists(st.lists(st.one_of(TEXT, PLAIN), min_size=3, max_size=3), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_the_short_way_writes_what_the_long_one_does(texts: list[list[str]]) -> None:
    """A law: whatever the texts are, a row written at once and one written by xlsxwriter itself are the same bytes."""
    rows = {number * 2: row for number, row in enumerate(texts, start=1) if any(row)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_cells, "_AT_ONCE", 2)
        short = written(rows, by_row=True, large=True)
        patch.setattr(TextWorksheet, "_write_single_row", Worksheet._write_single_row)  # noqa: SLF001  # the long way
        assert cells(short) == cells(written(rows, by_row=False, large=True))


def test_nearly_all_rows_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain texts never meet xlsxwriter's way of writing a cell; only what needs an escape of its own does."""
    met: list[object] = []
    way = Worksheet._write_cell  # noqa: SLF001  # what is counted

    def counted(sheet: Any, *cell: Any) -> None:
        met.append(cell)
        way(sheet, *cell)

    monkeypatch.setattr(TextWorksheet, "_write_cell", counted)
    written({row: ["Zürich", "R&D", f"agent{row}"] for row in range(4000)} | {4000: [" a", "b", "c"]}, by_row=True, large=True)
    assert len(met) == 1


@pytest.mark.parametrize("large", [True, False])
def test_a_text_like_formatted_ones_xml_comes_back_as_it_is(large: bool) -> None:  # noqa: FBT001
    """A cell of the sheet cannot put XML into the workbook, though xlsxwriter takes ``<r>…</r>`` for a text with formats."""
    texts = ["<r>a</r>", "<r><t>b</t></r>", "<r></c></r>"]
    book = openpyxl.load_workbook(io.BytesIO(written({0: texts}, by_row=False, large=large)))
    assert [cell.value for cell in book.worksheets[0][1] if cell.value] == [texts[1], texts[0], texts[2]]
