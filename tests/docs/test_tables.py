"""README.md and docs/ say what the program says: tables of columns, settings, codes and files, and the map of the code."""

import argparse
import ast
import re
from pathlib import Path

import openpyxl
import pytest

from bulkjob.cli import main
from bulkjob.commands.flags import add_arguments
from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.commands.table import COMMANDS
from bulkjob.sheet import parse
from bulkjob.vocabulary import OUTCOME_COLUMNS, SHEET_COLUMNS, Code, Exit, Stop
from tests.docs.documents import CLUSTER, DOCUMENTS, ROOT, blocks, section, table, text_of, written
from tests.docs.generated import GENERATED, marked_cells
from tests.support.rehearsal import rehearse
from tests.support.settings import settings_table
from tests.support.workspaces import sample_workspace

REFERENCE, CODE, TALK = "docs/reference.md", "docs/code.md", "docs/rocketchat.md"

#: Codes after which the same call later may end otherwise.
WORTH_A_RETRY = (Exit.UNAVAILABLE, Exit.INTERRUPTED)

LONGEST_README = 150
LARGEST_PICTURE = 200_000


def codes_in(document: str) -> set[str]:
    """What is set as code in the first cells of a document's tables."""
    return {
        code for line in text_of(document).splitlines() if line.startswith("|") for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }


def test_readme_is_short() -> None:
    """Whoever comes to the front door reads at most 150 lines."""
    assert len(text_of("README.md").splitlines()) <= LONGEST_README


@pytest.mark.parametrize(("document", "name"), GENERATED, ids=" ".join)
def test_what_the_program_knows(document: str, name: str) -> None:
    """Settings, faults, the small sample and its report, how long a sheet takes: each table is as the program has it (`make docs`)."""
    rows = GENERATED[document, name]()
    assert [[cell.strip() for cell in row] for row in rows] == table(document, name)
    assert written(rows) in text_of(document)


def test_seven_cells_are_marked() -> None:
    """The table of marked cells, which stands where a refused sheet is shown, has every marked cell: seven, of six mistakes."""
    assert len(marked_cells()) - 1 == 7
    assert "<!-- table: marked cells -->" in section(REFERENCE, "What a refused sheet looks like")


def test_sheet_columns() -> None:
    """The table of columns names the columns of a sheet in their order, and says which of them a sheet cannot do without."""
    _, *rows = table(REFERENCE, "sheet columns")
    assert [row[0] for row in rows] == [f"`{column}`" for column in SHEET_COLUMNS]
    said = {column: needed for column, (_, needed, _) in zip(SHEET_COLUMNS, rows, strict=True)}
    assert {column: needed for column, needed in said.items() if needed != "no"} == {"department": "yes, except in a row about a unit only"}
    for column in SHEET_COLUMNS:
        parse(",".join(other for other in SHEET_COLUMNS if other != column).encode(), "s.csv")
    with pytest.raises(Stop):
        parse(b"unit,agent,count,order,action,new department name\n", "s.csv")


def test_sheet_columns_in_brief() -> None:
    """README's short table has every column, and no other."""
    _, *rows = table("README.md", "columns in brief")
    named = [column for row in rows for column in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(named) == sorted(SHEET_COLUMNS)


def test_settings() -> None:
    """The table of settings is the one that the command line is made of."""
    header, *rows = table(REFERENCE, "settings")
    assert header == ["setting", "environment", "default", "meaning"]
    assert [tuple(cell.replace("`", "") for cell in row) for row in rows] == list(settings_table())


def test_commands() -> None:
    """Every command is in the table, and every flag that is no setting is in the other one, with its commands."""
    assert [row[0].split(" ")[1].strip("`") for row in table(REFERENCE, "commands")[1:]] == [command.name for command in COMMANDS]
    flags: dict[str, set[str]] = {}
    settings = {row[0].split(" ")[0] for row in settings_table()}
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        add_arguments(parser, command)
        for action in parser._actions:  # noqa: SLF001
            own = [
                flag
                for flag in action.option_strings
                if flag.startswith("--") and flag not in {"--help", *settings} and "--no-" not in flag
            ]
            for flag in own if command.name != "sandbox" else ():
                flags.setdefault(flag, set()).add(command.name)
    said: dict[str, set[str]] = {}
    for flag, commands, _ in table(REFERENCE, "flags of commands")[1:]:
        said.setdefault(flag.strip("`").split(" ")[0], set()).update(re.findall(r"`(\w+)`", commands))
    assert said == flags


def test_exit_codes() -> None:
    """The table of exit codes has each code with the meaning that the help gives it."""
    _, *rows = table(REFERENCE, "exit codes")
    assert {int(code): meaning.replace("`", "") for code, meaning, _ in rows} == {int(code): text for code, text in EXIT_MEANINGS.items()}
    assert [int(code) for code, _, retry in rows if retry == "yes"] == list(WORTH_A_RETRY)


def test_what_to_do_at_each_exit_code() -> None:
    """README says for each exit code what to do."""
    _, *rows = table("README.md", "what to do")
    assert [int(code) for code, _, _ in rows] == sorted(Exit)
    assert all(said and done for _, said, done in rows)


def test_codes() -> None:
    """Each reason code that a report can have is explained in a table, with its cause and with what to do."""
    assert {str(code) for code in Code} - codes_in(REFERENCE) == set()
    lines = [line for line in section(REFERENCE, "Codes").splitlines() if line.startswith("| `")]
    assert {code for line in lines for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])} == {str(code) for code in Code}
    assert all(len(line.split("|")) == 5 and all(map(str.strip, line.split("|")[1:-1])) for line in lines)


def test_report_columns() -> None:
    """The table of the report's columns has those that a report adds to the sheet's, in their order."""
    _, *rows = table(REFERENCE, "report columns")
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row[0])] == list(OUTCOME_COLUMNS)


def test_files_of_a_run(tmp_path: Path) -> None:
    """Every file that a good and a bad run leave behind is in the table of files, and they leave every file of it."""
    header = "department,unit,agent\n"
    good = rehearse(tmp_path / "good", sample_workspace(), f"{header}Warranty,Nordics,00731\n")
    bad = rehearse(tmp_path / "bad", sample_workspace(), f"{header}Warrantee,Nordics,00731\n")
    left = {path.name for ran in (good, bad) for path in ran.folder.iterdir() if not path.name.startswith(".")}
    named = {name for row in table(REFERENCE, "files of a run")[1:] for name in re.findall(r"`([^`]+)`", row[0])}
    assert left == named - {"rollback"}


def test_routes() -> None:
    """The table of calls has every method and route that the program can call, and no other."""
    source = (ROOT / "bulkjob" / "rocketchat" / "endpoints.py").read_text(encoding="utf-8")
    written_out = set(re.findall(r'Route\(method="(\w+)", pattern="([^"]+)"\)', source))
    read = {("GET", pattern) for pattern in re.findall(r'_(?:get|list)\("([^"]+)"', source)}
    said = [tuple(row[0].strip("`").split(" ")) for row in table(TALK, "routes")[1:]]
    assert set(said) == written_out | read
    assert len(said) == len(set(said))


def test_settings_have_an_effect() -> None:
    """Every setting of the table is taken by something outside of the settings."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "bulkjob").rglob("*.py") if path.parent.name != "settings"]
    taken = {node.attr for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    named = {cells[0].removeprefix("--").split(" ")[0] if cells[0].startswith("--") else cells[0] for cells in settings_table()}
    assert {name.replace(" ", "_").replace("-", "_") for name in named} <= taken


def test_reading_the_code() -> None:
    """Every package of the program is in the map of the code, and every module or folder that the map names is there."""
    named = {document: set(re.findall(r"`([a-z_/0-9]+(?:/|\.py))`", text_of(document))) for document in (CODE, "docs/contributing.md")}
    for names in named.values():
        assert {name for name in names if not (ROOT / "bulkjob" / name).exists() and not (ROOT / name).exists()} == set()
    packages = {f"{path.parent.name}/" for path in (ROOT / "bulkjob").glob("*/__init__.py")}
    modules = {path.name for path in (ROOT / "bulkjob").glob("*.py")} - {"__main__.py"}
    assert packages | modules <= named[CODE]


def test_make_targets() -> None:
    """Every target that a document names is one of the Makefile's, and every target is named by what is for those who change something."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, flags=re.MULTILINE))
    for document in DOCUMENTS:
        assert set(re.findall(r"`make ([a-z]+)", text_of(document))) <= targets, document
    assert targets - set(re.findall(r"make ([a-z]+)", text_of("docs/contributing.md"))) == set()


def test_links() -> None:
    """Every link within the project leads to a file that is there, and to a heading of it."""
    for document in (*DOCUMENTS, "CHANGELOG.md"):
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text_of(document)):
            path, _, heading = target.partition("#")
            file = (ROOT / document).parent / path if path else ROOT / document
            assert file.exists(), f"{document}: {target}"
            if heading:
                titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
                assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, f"{document}: {target}"


def test_every_page_is_found() -> None:
    """From README every document is at most one link away."""
    assert {document for document in DOCUMENTS if f"]({document})" not in text_of("README.md")} == {"README.md"}


def test_the_cluster_in_five_lines() -> None:
    """What README shows of the chapter stands in it to the letter, where its own tests hold it."""
    (block,) = [block for block in blocks(text_of("README.md")) if block.reason.startswith("needs a cluster")]
    assert len(block.commands) == 5
    assert all(f"$ {line}\n" in text_of(CLUSTER) for line, _ in block.commands)


def test_pictures() -> None:
    """The two pictures are pictures, and small."""
    named = set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", text_of("README.md")))
    assert named == {"docs/sheet.png", "docs/report.png"}
    for name in named:
        data = (ROOT / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) < LARGEST_PICTURE


def test_where_to_click_for_what_is_not_done() -> None:
    """What the program leaves to people is named with the place, in README and in the reference."""
    for document in ("README.md", REFERENCE):
        for place in ("Departments", "Monitors"):
            assert f"Omnichannel → {place}" in text_of(document)


def test_the_retry_sheet_says_why(tmp_path: Path) -> None:
    """retry.xlsx has the reason of each row before the sheet's own columns, as README promises, and is read as a sheet again."""
    ran = rehearse(tmp_path, sample_workspace(), "department,unit,agent\nWarrantee,Nordics,00731\n")
    rows = list(openpyxl.load_workbook(ran.folder / "retry.xlsx").worksheets[0].iter_rows(values_only=True))
    assert "Warranty" in " ".join(str(cell) for cell in rows[1])
    assert main(["validate", str(ran.folder / "retry.xlsx")]) == Exit.OK
