"""Cells of OpenDocument sheets, each with what the user sees."""

# ruff: noqa: E501  # tables read best with a case on a line

from collections.abc import Callable
from typing import Any

import pytest

Look = Callable[..., Any]

ODS = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s" xmlns:calcext="c"><office:body><office:spreadsheet>'
    '<table:table table:name="Plan"><table:table-row><table:table-cell><text:p>department</text:p></table:table-cell>'
    "<table:table-cell><text:p>unit</text:p></table:table-cell></table:table-row>{}</table:table></office:spreadsheet></office:body></office:document-content>"
)

ODS_CELLS = {
    "text": ("<c><p>A</p></c>", "A", ""),
    "paragraphs, spaces, tab and break": (
        "<c><p>a<text:s/><text:s text:c='2'/>b<text:tab/>c</p><p>d<text:line-break/>e</p></c>",
        "a   b\tc\nd\ne",
        "",
    ),
    "spans": ("<c><p>a<text:span>b<text:span>c</text:span></text:span>d</p></c>", "abcd", ""),
    "a comment is not the text": ("<c><office:annotation><p>no</p></office:annotation><p>A</p></c>", "A", ""),
    "number as shown": ("<c office:value-type='float' office:value='7'><p>007</p></c>", "007", ""),
    "number without text": ("<c office:value-type='float' office:value='7.0'/>", "7", ""),
    "number in a narrow column": ("<c office:value-type='float' office:value='1001'><p>###</p></c>", "1001", ""),
    "long number": (
        "<c office:value-type='float' office:value='1.23456789012345E+17'><p>1.23E+17</p></c>",
        "123456789012345000",
        "excel-number",
    ),
    "number in a format with an E": ("<c office:value-type='float' office:value='42'><p>DE-42</p></c>", "DE-42", ""),
    "number with an exponent": ("<c office:value-type='float' office:value='42'><p>4.20E+01</p></c>", "42", ""),
    "number in a format with ###": ("<c office:value-type='float' office:value='42'><p>###-42</p></c>", "###-42", ""),
    "number beyond a float": ("<c office:value-type='float' office:value='1e999'><p>1E+999</p></c>", "inf", "excel-number"),
    "digits with an underscore": ("<c office:value-type='float' office:value='1_0'><p>10</p></c>", "10", "excel-error"),
    "not a number": ("<c office:value-type='float' office:value='nan'/>", "nan", "excel-error"),
    "neither true nor false": ("<c office:value-type='boolean' office:boolean-value='2'/>", "2", "excel-error"),
    "per cent": ("<c office:value-type='percentage' office:value='0.5'><p>50%</p></c>", "50%", ""),
    "boolean": ("<c office:value-type='boolean' office:boolean-value='true'><p>WAHR</p></c>", "TRUE", ""),
    "date": ("<c office:value-type='date' office:date-value='2026-01-02'><p>2.1.</p></c>", "2026-01-02", "excel-date"),
    "time": ("<c office:value-type='time' office:time-value='PT06H30M00S'><p>6:30</p></c>", "06:30:00", "excel-date"),
    "moment with a long fraction": (
        "<c office:value-type='date' office:date-value='2009-01-01T10:59:59.9999999999984025'><p>x</p></c>",
        "2009-01-01T11:00:00",
        "excel-date",
    ),
    "moment beyond the calendar": ("<c office:value-type='date' office:date-value='99999-01-02'><p>x</p></c>", "99999-01-02", "excel-date"),
    "time with a long fraction": (
        "<c office:value-type='time' office:time-value='PT10H59M59.99999999S'><p>x</p></c>",
        "11:00:00",
        "excel-date",
    ),
    "error": ("<c table:formula='of:=NA()' office:value-type='string' calcext:value-type='error'><p>#N/A</p></c>", "#N/A", "excel-error"),
    "formula": ("<c table:formula='of:=1' office:value-type='string'><p>A</p></c>", "A", ""),
    "formula without a result": ("<c table:formula='of:=[.B1]'/>", "=[.B1]", "excel-formula"),
}


@pytest.mark.parametrize("case", ODS_CELLS)
def test_a_cell_of_an_ods_is_as_people_saw_it(case: str, look: Look, packed: Callable[..., bytes]) -> None:
    """A cell of an OpenDocument sheet comes as people saw it, or is a problem with its address."""
    cell, shown, code = ODS_CELLS[case]
    cell = (
        cell.replace("<c", "<table:table-cell")
        .replace("</c>", "</table:table-cell>")
        .replace("<p>", "<text:p>")
        .replace("</p>", "</text:p>")
    )
    row = f"<table:table-row>{cell}<table:table-cell><text:p>u</text:p></table:table-cell></table:table-row>"
    seen = look(packed({"content.xml": ODS.format(row)}), "p.ods")
    assert seen.rows == {2: [shown, "u"]}
    assert seen.problems == ([f"2 A2 {code}"] if code else [])


def test_repeated_rows_and_cells_of_an_ods(look: Look, packed: Callable[..., bytes]) -> None:
    """Blank rows written once for a million keep the numbering and cost nothing; repeated texts count as often as they show."""
    blank = "<table:table-row table:number-rows-repeated='{}'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>"
    row = "<table:table-row table:number-rows-repeated='2'><table:table-cell table:number-columns-repeated='2'><text:p>A</text:p></table:table-cell></table:table-row>"
    seen = look(packed({"content.xml": ODS.format(blank.format(3) + row + blank.format(1_048_570))}), "p.ods")
    assert seen.rows == {5: ["A", "A"], 6: ["A", "A"]}
    bomb = row.replace("'2'", "'1000000000'")
    assert look(packed({"content.xml": ODS.format(bomb)}), "p.ods", max_rows=1000).stop is not None
