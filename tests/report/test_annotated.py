"""annotated.xlsx: the sheet as it came, with its bad cells marked."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.workbook import Workbook

from bulkjob.report import annotated
from bulkjob.report.annotated import render_annotated, title_of, too_large
from bulkjob.report.workbook import LONGEST_TEXT
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.sheet.text import stripped

#: What neither XML nor Excel can hold is replaced by the program that writes the file; everything else has to come back.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=12)
RISKY = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "http://", "internal:", "{=", "'", "_x0041_"]), TEXT)


def rendered(data: bytes | str, name: str = "reorg.csv") -> Workbook:
    checked = check(parse(data.encode() if isinstance(data, str) else data, name))
    return openpyxl.load_workbook(io.BytesIO(render_annotated(checked)))


def marks(book: Workbook) -> dict[str, str | None]:
    """Address → note of each marked cell of the first worksheet."""
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    return {cell.coordinate: cell.comment and cell.comment.text for cell in cells if cell.fill.fgColor.rgb == "FFFFC7CE"}


def listed(book: Workbook) -> list[tuple[object, ...]]:
    return list(book.worksheets[1].values)


def test_bad_cells_are_marked_with_the_remedy() -> None:
    """A bad cell has a fill and a note that says what to do, a blank one too; the others have neither."""
    book = rendered("department,unit,agent,count\nSales,EMEA,anna,many\n,EMEA,,\nService,EMEA,bert,1\n")
    found = marks(book)
    assert list(found) == ["D2", "A3"]
    assert "whole number" in (found["D2"] or "")
    assert "Fill in the department" in (found["A3"] or "")
    assert book.worksheets[0]["D2"].value == "many"


def test_a_problem_of_a_row_is_marked_at_its_first_cell() -> None:
    """Where the whole row is meant, its first cell under a header carries mark and note, and the list leads there."""
    book = rendered("\n,department,unit\nx,Sales,\n")
    assert list(marks(book)) == ["B3"]
    assert listed(book)[1][:3] == (3, None, "B3")


def test_problems_of_one_cell_share_a_note() -> None:
    """Two problems of one cell are both in its note, each once."""
    book = rendered("department,unit,agent,count\n,,,1\n")
    note = marks(book)["A2"]
    assert note is not None
    assert note.count("Fill in the department") == note.count("names neither a unit nor an agent") == 1


def test_every_problem_is_listed_with_a_link() -> None:
    """The worksheet "Problems" has each problem of problems.csv, and its address leads to the cell."""
    book = rendered("department,unit,agent,count\nSales,EMEA,anna,many\n,EMEA,,\n", "O'Brien's plan.csv")
    header, *rows = listed(book)
    assert header == ("row", "column", "cell", "value", "code", "message")
    assert [row[:5] for row in rows] == [(2, "count", "D2", "many", "bad-number"), (3, "department", "A3", None, "missing-department")]
    assert book.worksheets[1]["C2"].hyperlink.location == "'O''Brien''s plan'!D2"
    assert [sheet.freeze_panes for sheet in book] == ["A2", "A2"]


def test_a_good_sheet_has_no_mark() -> None:
    """A sheet without problems comes without marks, and the list says that there is none."""
    book = rendered("department,unit\nSales,EMEA\n")
    assert marks(book) == {}
    assert [value for row in listed(book)[1:] for value in row if value] == ["No problem found."]


def test_cells_keep_their_addresses() -> None:
    """Blank rows, rows before the headers, a report's own columns and what stands beyond the headers are where they were."""
    text = "\nrow,department,status,unit\n7,Sales,failed,EMEA\n\n8,Service,invalid,EMEA,,slipped\n9,Press\n"
    sheet = rendered(text).worksheets[0]
    assert [[cell or "" for cell in row] for row in sheet.values] == [
        [""] * 6,
        ["row", "department", "status", "unit", "", ""],
        ["7", "Sales", "failed", "EMEA", "", ""],
        [""] * 6,
        ["8", "Service", "invalid", "EMEA", "", "slipped"],
        ["9", "Press", "", "", "", ""],
    ]
    assert sheet.freeze_panes == "A3"
    assert list(marks(rendered(text))) == ["F5", "B6"]


def test_a_workbook_keeps_its_worksheets_name() -> None:
    """The copy's first worksheet is called as the one that was read, also where that is "Problems"."""
    book = Workbook()
    book.active.title = "problems"
    book.active.append(["department", "unit"])
    book.active.append([None, "EMEA"])
    data = io.BytesIO()
    book.save(data)
    again = rendered(data.getvalue(), "plan.xlsx")
    assert again.sheetnames == ["problems", "Problems found"]
    assert list(marks(again)) == ["A2"]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_every_file_name_gives_a_worksheet(name: str) -> None:
    """Whatever a file is called, the worksheet has a name that Excel takes."""
    title = title_of(parse(b"department,unit\n", f"{name}.csv"))
    assert 0 < len(title) <= 31
    assert not set(title) & set("[]:*?/\\")
    assert title.casefold() != "history"
    assert not title.startswith("'")


@given(st.lists(st.tuples(RISKY | TEXT, RISKY | TEXT), min_size=1, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_texts_stay_texts(rows: list[tuple[str, str]], large: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """Whatever a cell holds is the same text in the copy: never a formula, never a link; in large sheets as in small ones."""
    lines = [[f"d{number}", *row] for number, row in enumerate(rows)]
    quoted = "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in line) + "\r\n" for line in [["department", "note", "note"], *lines]
    )
    checked = check(parse(quoted.encode(), "s.csv"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annotated, "_MANY_CELLS", 0 if large else 100)
        data = render_annotated(checked)
    again = parse(data, "s.xlsx")
    # In a workbook, a cell of blanks is blank.
    texts = [[cell if stripped(cell) else "" for cell in row] for row in checked.sheet.cells.to_numpy().tolist()]
    assert again.cells.to_numpy().tolist() == texts
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in first
    assert b"<hyperlink" not in first


def test_a_cell_that_is_too_long_is_cut_and_says_so() -> None:
    """A text longer than Excel's limit is cut to it, with a word about that."""
    value = rendered(f"department,unit,note\nSales,EMEA,{'x' * 40_000}\n").worksheets[0]["C2"].value
    assert len(value) == LONGEST_TEXT
    assert "cut here" in value[-60:]


def test_beyond_the_limit_of_notes_cells_are_still_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems beyond the limit have no note and no link, but mark and line; the end of the list says so."""
    monkeypatch.setattr(annotated, "MOST_NOTES", 2)
    book = rendered("department,unit\n" + ",EMEA\n" * 4)
    assert [bool(note) for note in marks(book).values()] == [True, True, False, False]
    assert [bool(book.worksheets[1][f"C{row}"].hyperlink) for row in range(2, 6)] == [True, True, False, False]
    assert "first 2 problems" in str(listed(book)[-1][-1])


def test_a_list_beyond_excels_rows_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even the list fits, its last line says how many are missing and where they are."""
    monkeypatch.setattr(annotated, "MOST_ROWS", 5)
    book = rendered("department,unit\n" + ",EMEA\n" * 4)
    assert len(listed(book)) == 5
    assert ": 1 more." in str(listed(book)[-1][-1])


def test_a_sheet_beyond_excels_limits_is_said_to_be() -> None:
    """Rows or columns beyond what Excel holds end in a sentence instead of a file."""
    long = parse(b"department,unit\n" + b"\n" * 1_048_575 + b"Sales,EMEA\n", "long.csv")
    wide = parse(b"department,unit\nSales,EMEA" + b"," * 16_383 + b"x\n", "wide.csv")
    assert "1,048,577" in too_large(long)
    assert "16,385" in too_large(wide)
    assert too_large(parse(b"department,unit\nSales,EMEA\n", "s.csv")) == ""
    with pytest.raises(ValueError, match="Excel"):
        render_annotated(check(long))
