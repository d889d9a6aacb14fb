"""What reading costs grows with a sheet's bytes, not with calls for each row: counted, not timed."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from bulkjob.sheet import check, with_contradictions
from bulkjob.sheet.reading import parse

ODS_ROW = (
    '<table:table-row table:style-name="ro1"><table:table-cell office:value-type="string" calcext:value-type="string"><text:p>{}</text:p>'
    '</table:table-cell><table:table-cell office:value-type="float" office:value="{}" calcext:value-type="float"><text:p>{}</text:p>'
    '</table:table-cell><table:table-cell table:number-columns-repeated="5"/></table:table-row>'
)


def excel(count: int, raw: Callable[..., bytes]) -> bytes:
    """Rows in the shape that Excel saves."""
    head = '<row r="1" spans="1:2" x14ac:dyDescent="0.25"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    rows = "".join(
        f'<row r="{row}" spans="1:2" x14ac:dyDescent="0.25"><c r="A{row}" t="s"><v>{row}</v></c><c r="B{row}"><v>{row}</v></c></row>'
        for row in range(2, count + 2)
    )
    root = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:x14ac="http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac">'
    )
    return raw(head + rows, root=root, strings=[f"<si><t>{text}</t></si>" for text in ("department", "unit", *map(str, range(count)))])


def libreoffice(count: int, packed: Callable[..., bytes]) -> bytes:
    """Rows in the shape that LibreOffice saves."""
    rows = ODS_ROW.format("department", 1, "unit") + "".join(ODS_ROW.format(f"d{row}", row % 7, row % 7) for row in range(count))
    content = f'<table:table table:name="T">{rows}</table:table>'
    spaces = " ".join(f'xmlns:{name}="{name}"' for name in ("office", "table", "text", "calcext"))
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
            f"{content}</office:spreadsheet></office:body></office:document-content>",
        }
    )


def calls(data: bytes, act: Callable[[bytes], object] = lambda data: parse(data, "sheet")) -> int:
    """How many Python functions are called until the sheet is read, or ``act`` is done."""
    count = 0

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        act(data)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("shape", ["excel", "libreoffice", "csv"])
def test_calls_do_not_grow_with_the_rows(shape: str, raw_xlsx: Callable[..., bytes], packed: Callable[..., bytes]) -> None:
    """Twenty times the rows of one piece take hardly more calls: no row and no cell is looked at by itself."""

    def made(count: int) -> bytes:
        if shape == "csv":
            return b"department,unit\n" + b"".join(b"d%d,%d\n" % (row, row) for row in range(count))
        return excel(count, raw_xlsx) if shape == "excel" else libreoffice(count, packed)

    calls(made(100))  # what is imported or cached at first does not count
    few, many = calls(made(100)), calls(made(2_000))
    assert many < 1.1 * few


@pytest.mark.parametrize("row", ["D,U%d,a,x", "D%d,u,a,#N/A", ",,a%d,"])
def test_a_problem_takes_few_calls(row: str) -> None:
    """A row that is wrong is looked up and said in a few calls: a frame of pandas takes a hundred for each cell."""

    def checked(data: bytes) -> object:
        return with_contradictions(check(parse(data, "sheet")))

    def made(count: int) -> bytes:
        return b"department,unit,agent,count\n" + "".join(row.replace("%d", str(number)) + "\n" for number in range(count)).encode()

    calls(made(100), checked)
    assert calls(made(400), checked) - calls(made(100), checked) < 300 * 50
