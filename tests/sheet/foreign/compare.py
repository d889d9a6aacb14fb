"""Reads the workbooks of `make.py` (or any others) in every way there is, and says where the cells differ and why.

    python tests/sheet/foreign/compare.py FOLDER

Both ways of bulkjob's own through an .xlsx must give the same; calamine and openpyxl may differ for the reasons in `REASONS`, as they
give values where bulkjob gives what people see. Prints a line for each file and the table of reasons; ends with 1 where something
differs for no reason that is known.
"""

# ruff: noqa: E501, T201  # tables read best with a case on a line; these are programs of their own

import datetime as dt
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pytest
import python_calamine

from bulkjob.sheet import parse
from bulkjob.sheet.formats import xlsx, xlsx_strings
from bulkjob.sheet.formats.markup import OtherXmlError
from bulkjob.sheet.formats.numbers import ERROR_TEXTS, plain
from bulkjob.vocabulary import Stop

Place = tuple[int, int]
Texts = Mapping[Place, str]

ERRORS = frozenset(ERROR_TEXTS.to_pylist())
KNOWN = (".xlsx", ".xls", ".ods", ".csv")


def ours(data: bytes, name: str) -> Texts:
    """What bulkjob reads below the headers; blank cells are left out."""
    sheet = parse(data, name)
    found = {(sheet.header_row, column): header for column, header in enumerate(sheet.headers)}
    for column in range(len(sheet.headers)):
        texts = zip(sheet.cells.index.tolist(), sheet.cells[column].tolist(), strict=True)
        found |= {(row, column): text for row, text in texts}
    return {place: text for place, text in found.items() if text.strip()}


def by_parser(data: bytes, name: str) -> Texts:
    """The same where an .xlsx is left to the XML parser."""

    def refuse(*_: object) -> None:
        raise OtherXmlError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xlsx, "read_at_once", refuse)
        patch.setattr(xlsx_strings, "_at_once", refuse)
        return ours(data, name)


def calamine(path: Path) -> Texts:
    """What calamine reads, as text."""
    rows = python_calamine.load_workbook(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return _texts({(row, column): value for row, values in enumerate(rows, start=1) for column, value in enumerate(values)})


def by_openpyxl(path: Path) -> Texts:
    """What openpyxl reads, as text."""
    sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]
    return _texts(
        {
            (row, column): value
            for row, values in enumerate(sheet.iter_rows(values_only=True), start=1)
            for column, value in enumerate(values)
        }
    )


def _texts(values: Mapping[Place, object]) -> Texts:
    texts = {place: _text(value) for place, value in values.items() if value is not None}
    return {place: text for place, text in texts.items() if text.strip()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return plain(float(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value)


def _number(text: str) -> float | None:
    """The number that the text shows in some format, or None."""
    bare = re.sub(r"[,%\s]", "", text)
    try:
        return float(bare) / (100 if "%" in text else 1)
    except ValueError:
        return None


#: Why another reader's text (the second) may differ from bulkjob's (the first).
REASONS: Mapping[str, Callable[[str, str], bool]] = {
    "an error, which they leave blank": lambda mine, its: mine in ERRORS and not its,
    "a number in its format (007, 12.5%), of which they give the value": lambda mine, its: _number(mine) is not None and _number(mine) == _number(its),
    "a date, of which they give the day's number or another spelling": lambda mine, its: bool(re.match(r"\d{4}-\d\d-\d\d", mine)) and bool(re.search(r"\d", its)),
    "a formula whose result is not in the file, which they leave blank": lambda mine, its: mine.startswith("=") and not its,
    "TRUE and FALSE of an .ods, of which they give 1 and 0": lambda mine, its: (mine, its) in {("TRUE", "1"), ("FALSE", "0")},
    "more digits of an .ods' number than a float holds, of which they give the float": lambda mine, its: mine.isdigit() and plain(float(mine)) == its,
    "blanks at the ends, which bulkjob takes off": lambda mine, its: mine.strip() == its.strip(" \t\n\r\u00a0"),
    "escaped characters (_x0041_), which they leave as they are": lambda mine, its: "_x" in its and mine != its,
    "the same after a line end or a tab": lambda mine, its: mine.split() == its.split(),
    "a formula's text, where its result is not in the file": lambda mine, its: mine.startswith("=") and bool(its),
}  # fmt: skip


def reason(mine: str, its: str) -> str | None:
    """Why the texts may differ; blank where they do not, None where there is no reason."""
    return "" if mine == its else next((words for words, holds in REASONS.items() if holds(mine, its)), None)


def compare(path: Path, reasons: Counter[str]) -> list[str]:
    """What is wrong with the file's reading, each as a line; counts the reasons for what is merely different."""
    data = path.read_bytes()
    try:
        mine = ours(data, path.name)
    except Stop as stop:
        print(f"{path.name}: refused: {stop.message}")
        return []
    others = {"calamine": calamine} | ({"openpyxl": by_openpyxl} if path.suffix == ".xlsx" else {})
    wrong = []
    if path.suffix == ".xlsx" and mine != by_parser(data, path.name):
        wrong.append(f"{path.name}: the two ways differ")
    for name, reader in others.items():
        try:
            its = reader(path)
        except Exception as error:  # noqa: BLE001  # whatever the other reader ends in, it has read nothing
            print(f"{path.name}: {name} cannot read it: {str(error)[:80]}")
            continue
        for place in sorted(mine.keys() | its.keys()):
            pair = mine.get(place, ""), its.get(place, "")
            if (why := reason(*pair)) is None:
                wrong.append(f"{path.name}: {place} is {pair[0]!r}, by {name} {pair[1]!r}")
            elif why:
                reasons[f"{name}: {why}"] += 1
    print(f"{path.name}: {len(mine)} cells")
    return wrong


def main(folder: Path) -> int:
    reasons = Counter[str]()
    wrong = [line for path in sorted(folder.iterdir()) if path.suffix in KNOWN for line in compare(path, reasons)]
    print(
        "",
        *(f"{count:6} {why}" for why, count in reasons.most_common()),
        "",
        *wrong,
        f"{len(wrong)} differences without a reason",
        sep="\n",
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
