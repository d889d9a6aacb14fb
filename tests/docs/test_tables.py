"""README.md says what the program says: consoles, tables, and the three views of a sheet."""

import ast
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest

from bulkjob.cli import main
from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.sheet import parse
from bulkjob.vocabulary import SHEET_COLUMNS, Code, Exit, Stop
from tests.support.settings import settings_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = "What a refused sheet looks like"

#: Codes after which the same call later may end otherwise.
WORTH_A_RETRY = (Exit.UNAVAILABLE, Exit.INTERRUPTED)


def section(title: str) -> str:
    """The text under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(##+) {re.escape(title)}\n(.*?)(?=^##? |\Z)", README, flags=re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title}"
    return found[2]


def table(name: str) -> list[list[str]]:
    """The rows of the table behind the marker ``<!-- table: name -->``, its header first, as the cells are written."""
    _, marker, after = README.partition(f"<!-- table: {name} -->\n")
    assert marker, f"README.md has no table marked {name}"
    lines = after.split("\n\n", maxsplit=1)[0].splitlines()
    rows = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert set(rows[1]) == {"---"}
    return [rows[0], *rows[2:]]


def written(rows: Sequence[Sequence[str]]) -> str:
    """A table as README.md holds it."""
    header, *lines = ["".join(f"| {cell} " if cell else "| " for cell in row) + "|" for row in rows]
    return "\n".join([header, "|" + "---|" * len(rows[0]), *lines, ""])


def calls(text: str) -> Iterator[tuple[list[str], str]]:
    """Each ``$ bulkjob …`` of the console blocks, and what stands below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        for call in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = call.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "bulkjob"
            yield arguments, output


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where the samples are, as in a checkout; the terminal is a page of 120 columns."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    return tmp_path


def test_a_good_and_a_bad_sheet_look_as_shown(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The console blocks show exactly what the commands print, a good sheet first."""
    shown = list(calls(section(SECTION)))
    codes = []
    for arguments, output in shown:
        codes.append(main(arguments))
        assert capsys.readouterr().out == output
    assert codes == [Exit.OK, Exit.BAD_SHEET]


def test_the_annotated_workbook_looks_as_shown(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table of marked cells is what the workbook holds: every cell with a mark, what stands in it, and its note."""
    for arguments, _ in calls(section(SECTION)):
        main(arguments)
    sheet = openpyxl.load_workbook(io.BytesIO((checkout / "checked" / "annotated.xlsx").read_bytes())).worksheets[0]
    marked = [cell for row in sheet.iter_rows() for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"]
    rows = [["marked cell", "holds", "its note"]]
    rows += [[cell.coordinate, str(cell.value or ""), cell.comment.text if cell.comment else ""] for cell in marked]
    assert written(rows) in section(SECTION)
    assert len(marked) == 7


def test_sheet_columns() -> None:
    """The table of columns names the columns of a sheet in their order, and says which of them a sheet cannot do without."""
    _, *rows = table("sheet columns")
    assert [row[0] for row in rows] == [f"`{column}`" for column in SHEET_COLUMNS]
    said = {column: needed for column, (_, needed, _) in zip(SHEET_COLUMNS, rows, strict=True)}
    assert {column: needed for column, needed in said.items() if needed != "no"} == {"department": "yes, except in a row about a unit only"}
    for column in SHEET_COLUMNS:
        parse(",".join(other for other in SHEET_COLUMNS if other != column).encode(), "s.csv")
    with pytest.raises(Stop):
        parse(b"unit,agent,count,order,action,new department name\n", "s.csv")


def test_settings() -> None:
    """The table of settings is the one that the command line is made of."""
    header, *rows = table("settings")
    assert header == ["setting", "environment", "default", "meaning"]
    assert [tuple(cell.replace("`", "") for cell in row) for row in rows] == list(settings_table())


def test_exit_codes() -> None:
    """The table of exit codes has each code with the meaning that the help gives it."""
    _, *rows = table("exit codes")
    assert {int(code): meaning.replace("`", "") for code, meaning, _ in rows} == {int(code): text for code, text in EXIT_MEANINGS.items()}
    assert [int(code) for code, _, retry in rows if retry == "yes"] == list(WORTH_A_RETRY)


def test_codes() -> None:
    """Each reason code that a report can have is explained in a table."""
    explained = {code for line in README.splitlines() if line.startswith("|") for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])}
    assert {str(code) for code in Code} - explained == set()


def test_settings_have_an_effect() -> None:
    """Every setting of the table is taken by something outside of the settings."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "bulkjob").rglob("*.py") if path.parent.name != "settings"]
    taken = {node.attr for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    named = {cells[0].removeprefix("--").split(" ")[0] if cells[0].startswith("--") else cells[0] for cells in settings_table()}
    assert {name.replace(" ", "_").replace("-", "_") for name in named} <= taken


def test_reading_the_code() -> None:
    """Every package of the program is in the map of the code, and every module or folder that the map names is there."""
    named = set(re.findall(r"`([a-z_/0-9]+(?:/|\.py))`", section("Reading the code")))
    assert {name for name in named if not (ROOT / "bulkjob" / name).exists() and not (ROOT / name).exists()} == set()
    packages = {f"{path.parent.name}/" for path in (ROOT / "bulkjob").glob("*/__init__.py")}
    modules = {path.name for path in (ROOT / "bulkjob").glob("*.py")} - {"__main__.py"}
    assert packages | modules <= named
