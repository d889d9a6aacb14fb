"""What the tests of the sheet share: a look at what a user sees, and makers of files."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import Workbook

from bulkjob.cli import main
from bulkjob.records.sheet import CheckedSheet, Sheet
from bulkjob.sheet import check, parse, with_contradictions
from bulkjob.vocabulary import Exit, Stop

GOLDEN = Path(__file__).parent / "golden"

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


@dataclass(frozen=True)
class Seen:
    """What a user sees of a file: a sheet with its problems, or one sentence."""

    checked: CheckedSheet | None = None
    stop: Stop | None = None

    @property
    def sheet(self) -> Sheet:
        assert self.stop is None, self.stop
        assert self.checked is not None
        return self.checked.sheet

    @property
    def rows(self) -> dict[int, list[str]]:
        """The sheet's rows by their numbers, all columns."""
        return {
            int(row): list(values) for row, values in zip(self.sheet.cells.index, self.sheet.cells.itertuples(index=False), strict=True)
        }

    def column(self, name: str) -> list[str]:
        return self.sheet.cells[self.sheet.positions[name]].to_list()

    @property
    def problems(self) -> list[str]:
        """Each problem as ``row cell code``."""
        assert self.checked is not None, self.stop
        return [f"{problem.row} {problem.cell or '-'} {problem.code}" for problem in self.checked.problems]


@pytest.fixture
def look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Seen]:
    """Reads and checks bytes, and has the command line do the same with a file: what a user sees there must agree."""

    def look(data: bytes | str, name: str = "sheet.csv", **options: object) -> Seen:
        data = data.encode() if isinstance(data, str) else data
        seen = looked_at(data, name, options)
        path = tmp_path / name
        path.write_bytes(data)
        flags = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
        capsys.readouterr()
        code = main(["validate", str(path), *flags])
        said = capsys.readouterr()
        if seen.stop is not None:
            assert (code, said.out, said.err) == (Exit.BAD_SHEET, "", f"bulkjob: {seen.stop.message}\n")
            return seen
        assert seen.checked is not None
        problems = seen.checked.problems
        assert (code, said.err) == (Exit.BAD_SHEET if problems else Exit.OK, "")
        # Each kind of problem is on the screen, and the address of each cell as far as a line holds them.
        for problem in problems if len(problems) <= 10 else ():
            assert str(problem.code) in said.out
            assert (problem.cell or f"row {problem.row}") in said.out
        return seen

    return look


def looked_at(data: bytes, name: str, options: dict[str, object]) -> Seen:
    try:
        return Seen(checked=with_contradictions(check(parse(data, name, **options))))  # type: ignore[arg-type]
    except Stop as refusal:
        stop = refusal
    assert stop.exit_code is Exit.BAD_SHEET
    assert "\n" not in stop.message
    assert name in stop.message
    return Seen(stop=stop)


@pytest.fixture(scope="session")
def golden() -> Callable[[str], bytes]:
    """The bytes of a file that a real program wrote."""
    return lambda name: (GOLDEN / name).read_bytes()


@pytest.fixture(scope="session")
def saved() -> Callable[[Workbook], bytes]:
    """The bytes of a workbook that openpyxl writes."""

    def saved(workbook: Workbook) -> bytes:
        buffer = io.BytesIO()
        workbook.save(buffer)
        return buffer.getvalue()

    return saved


@pytest.fixture(scope="session")
def packed() -> Callable[[dict[str, str | bytes]], bytes]:
    """A zip archive with these parts."""

    def packed(parts: dict[str, str | bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    return packed


@pytest.fixture(scope="session")
def raw_xlsx(packed: Callable[[dict[str, str | bytes]], bytes]) -> Callable[..., bytes]:
    """A workbook whose worksheet holds exactly this XML between (and around) ``sheetData``."""

    def raw(
        rows: str,
        *,
        before: str = "",
        after: str = "",
        strings: Sequence[str] = (),
        formats: Sequence[str] = (),
        root: str = f'<worksheet xmlns="{_MAIN}">',
        end: str = "</worksheet>",
        data: tuple[str, str] = ("<sheetData>", "</sheetData>"),
        state: str = "visible",
        date1904: bool = False,
        more: dict[str, str | bytes] | None = None,
    ) -> bytes:
        number_formats = "".join(f'<numFmt numFmtId="{200 + i}" formatCode="{code}"/>' for i, code in enumerate(formats))
        styles = "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(formats)))
        return packed(
            {
                "[Content_Types].xml": _TYPES,
                "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}">'
                f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
                "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr date1904="{int(date1904)}"/>'
                f'<sheets><sheet name="Plan" sheetId="1" state="{state}" r:id="r1"/></sheets></workbook>',
                "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">'
                f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
                f'<Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
                f'<Relationship Id="r3" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
                "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{"".join(strings)}</sst>',
                "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts>{number_formats}</numFmts>'
                f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
                "xl/worksheets/sheet1.xml": f"{root}{before}{data[0]}{rows}{data[1]}{after}{end}",
                **(more or {}),
            }
        )

    return raw
