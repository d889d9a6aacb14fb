"""A sheet of texts that were a sheet's before."""

from bulkjob.sheet import check, parse, sheet_of_texts


def test_it_is_the_sheet_that_the_texts_came_from() -> None:
    """Made of a sheet's own columns and row numbers, it has the same cells, and asks for the same."""
    read = parse(b"department,unit,agent\nalpha,north,\n,,\nbeta,,NA\n", "sheet.csv")
    made = sheet_of_texts(
        [read.cells[position].tolist() for position in range(3)],
        rows=read.cells.index.tolist(),
        positions=read.positions,
        headers=read.headers,
        letters=read.letters,
        name=read.name,
    )
    assert (made.cells.to_numpy().tolist(), made.cells.index.tolist()) == ([["alpha", "north", ""], ["beta", "", "NA"]], [2, 4])
    assert [*check(made).assignments] == [*check(read).assignments]


def test_without_rows_there_are_columns_all_the_same() -> None:
    """A sheet of no rows can be looked at like any other."""
    made = sheet_of_texts([[], []], rows=[], positions={"department": 0, "unit": 1}, headers=("department", "unit"), letters="AB", name="")
    assert made.cells[0].tolist() == []
    assert [*check(made).assignments] == []
