"""annotated.xlsx: the sheet as it came, with its bad cells marked."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.workbook import Workbook

from bulkjob.report import annotated, workbook
from bulkjob.report.annotated import render_annotated, title_of, too_large
from bulkjob.report.text_cells import LONGEST_TEXT
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.sheet.text import stripped
from bulkjob.vocabulary import Code

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


def test_of_a_row_with_nothing_to_do_the_cells_to_fill_are_marked() -> None:
    """Of a row with nothing to do unit and agent are marked, as one of them must be filled in, each with the note."""
    book = rendered("\n,department,unit,note,agent\nx,Sales,,y,\n")
    found = marks(book)
    assert list(found) == ["C3", "E3"]
    assert "nothing to do" in (found["C3"] or "")
    assert found["E3"] == found["C3"]
    assert listed(book)[1][:3] == (3, None, "C3")


def test_of_a_row_that_is_too_short_the_missing_cells_are_marked() -> None:
    """Of a row with fewer cells than headers, those that it lacks are marked."""
    assert list(marks(rendered("department,unit,agent\nSales\n"))) == ["B2", "C2"]


def test_a_large_sheet_has_notes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet of so many cells that its rows are not kept in memory has the same notes as a small one."""
    text = "department,unit,agent,count\nSales,EMEA,anna,many\nService,EMEA,bert,1\n,EMEA,,\n"
    small = marks(rendered(text))
    monkeypatch.setattr(workbook, "MANY_CELLS", 0)
    assert marks(rendered(text)) == small
    assert all(small.values())


def test_a_problem_of_a_row_is_marked_at_its_first_cell() -> None:
    """Where no cell is meant and none can be filled in, the first under a header carries mark and note, and the list leads there."""
    book = rendered("\n,department,note\nx,Sales,\n")
    assert list(marks(book)) == ["B3"]
    assert listed(book)[1][:3] == (3, None, "B3")


def test_problems_of_one_cell_share_a_note() -> None:
    """Two problems of one cell are both in its note, each once."""
    book = rendered("department,count\n,1\n")
    note = marks(book)["A2"]
    assert note is not None
    assert note.count("Fill in the department") == note.count("but no agent") == 1


def remedies(book: Workbook) -> list[str]:
    """The last column of the first worksheet, without its head."""
    sheet = book.worksheets[0]
    head, *texts = [row[-1] for row in sheet.values]
    assert head.startswith("What to do\nCorrect the red cells")
    return [text or "" for text in texts]


def test_the_last_column_says_what_to_do() -> None:
    """Behind the sheet stands a column "What to do", whose head says how to read it, and whose cells what the notes say."""
    book = rendered("department,unit,agent,count\nSales,EMEA,anna,1\nSales,EMEA,anna,many\n,EMEA,bert,few\n")
    good, one, two = remedies(book)
    assert good == ""
    assert one == marks(book)["D3"]
    assert two.split("\n") == [f"A4: {marks(book)['A4']}", f"D4: {marks(book)['D4']}"]


def test_rows_are_as_high_as_their_text() -> None:
    """Rows have a height of their own where a text needs it, as not every program gives them one; others have none."""
    sheet = rendered('department,unit,agent,count,note\nSales,EMEA,,7\nSales,EMEA,,,\nSales,EMEA,,,"a\nb\nc"\n').worksheets[0]
    assert (sheet.row_dimensions[1].height or 0) > 25
    assert (sheet.row_dimensions[2].height or 0) > 25
    assert sheet.row_dimensions[3].height is None
    assert (sheet.row_dimensions[4].height or 0) > 35


def test_a_corrected_copy_can_be_run() -> None:
    """Once its cells are corrected, the copy is a sheet like the one that came: the last column is not read, and not carried along."""
    book = rendered("department,unit,note\nSales,,007\n")
    book.worksheets[0]["B2"].value = "EMEA"
    data = io.BytesIO()
    book.save(data)
    again = check(parse(data.getvalue(), "annotated.xlsx"))
    assert again.problems == ()
    assert again.sheet.headers == ("department", "unit", "note")
    assert again.sheet.cells.to_numpy().tolist() == [["Sales", "EMEA", "007"]]


@pytest.mark.parametrize("text", ["department,unit\nSales,EMEA,,slipped\n,EMEA\n", "department,unit,agent\nSales,EMEA,many,x\nB,E,f,,,y\n"])
def test_what_has_slipped_is_refused_again(text: str) -> None:
    """The last column stands right of what has slipped beyond the headers, which is refused all the same when the copy comes back."""
    first = check(parse(text.encode(), "s.csv"))
    again = check(parse(render_annotated(first), "annotated.xlsx"))
    slipped = [(problem.cell, problem.value) for problem in first.problems if problem.code is Code.RAGGED_ROW]
    assert [(problem.cell, problem.value) for problem in again.problems if problem.code is Code.RAGGED_ROW] == slipped
    assert slipped
    assert again.sheet.beyond == first.sheet.beyond


def test_a_copy_of_a_copy_has_one_such_column() -> None:
    """A copy that is marked again has one last column, which says what is wrong now."""
    first = render_annotated(check(parse(b"department,unit,agent,count\nSales,EMEA,anna,many\n", "s.csv")))
    book = rendered(first, "annotated.xlsx")
    assert book.worksheets[0].max_column == 5
    assert remedies(book) == [marks(book)["D2"]]


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
    assert [[cell or "" for cell in row[:6]] for row in sheet.values] == [
        [""] * 6,
        ["row", "department", "status", "unit", "", ""],
        ["7", "Sales", "failed", "EMEA", "", ""],
        [""] * 6,
        ["8", "Service", "invalid", "EMEA", "", "slipped"],
        ["9", "Press", "", "", "", ""],
    ]
    assert sheet.freeze_panes == "A3"
    assert ["right of the last header" in (sheet[f"G{row}"].value or "") for row in (3, 5)] == [False, True]
    assert list(marks(rendered(text))) == ["F5", "D6"]


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
        patch.setattr(workbook, "MANY_CELLS", 0 if large else 100)
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
    """Rows beyond what Excel holds end in a sentence instead of a file; more columns than it holds no sheet has."""
    long = parse(b"department,unit\n" + b"\n" * 1_048_575 + b"Sales,EMEA\n", "long.csv")
    assert "1,048,577" in too_large(long)
    assert too_large(parse(b"department,unit\nSales,EMEA\n", "s.csv")) == ""
    with pytest.raises(ValueError, match="Excel"):
        render_annotated(check(long))
