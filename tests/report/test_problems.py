"""The list of a sheet's problems, for people and for machines."""

import csv
import io
import json
import os
import re
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.cli import main
from bulkjob.phrases import printable
from bulkjob.records.sheet import CheckedSheet, Problem, Sheet
from bulkjob.report import workbook
from bulkjob.report.problems import COLUMNS, problem_lines, problems_document, render_problems
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code, Exit
from tests.support.screens import screen, shown

MISTAKES = "department,unit,agent,count\nSales,North,anna,many\n,North,,\nService,,=cmd,1.5\nBack office,South,,\n"


def problem(code: Code = Code.BAD_NUMBER, row: int = 2, value: str = "many", message: str = "Write a whole number.") -> Problem:
    return Problem(row=row, column="count", cell=f"D{row}", value=value, code=code, message=message)


def checked(*problems: Problem, rows: int = 61, warnings: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> CheckedSheet:
    cells = pd.DataFrame({0: ["x"] * rows}, index=range(2, rows + 2), dtype=object)
    sheet = Sheet(
        name="s.csv",
        sha256="0",
        sheet_name="",
        headers=("department",),
        letters=("A",),
        positions={"department": 0},
        cells=cells,
        notes=notes,
    )
    return CheckedSheet(sheet=sheet, problems=problems, warnings=warnings, assignments=(), suspects=())


def lines(sheet: CheckedSheet, width: int = 100, height: int = 40, whole_list: str = "") -> list[str]:
    on = screen(width, height)
    return shown(problem_lines(on, sheet, height=height, whole_list=whole_list), on)


class TestListing:
    """What people read."""

    def test_nothing_wrong(self) -> None:
        """A good sheet is one sentence with the number of its rows."""
        assert lines(checked()) == ["No problems in 61 rows. Names were not checked against the server; bulkjob plan does that."]

    def test_everything_that_fits_is_shown(self) -> None:
        """Problems stand below their code, each with place, value and remedy."""
        seen = lines(checked(problem(), problem(row=3), problem(Code.BAD_ACTION, row=4)))
        assert seen == [
            "3 problems in 3 of 61 rows of s.csv.",
            "",
            "bad-number (2)",
            '  row 2  D2  count  "many"  Write a whole number.',
            '  row 3  D3  count  "many"  Write a whole number.',
            "",
            "bad-action (1)",
            '  row 4  D4  count  "many"  Write a whole number.',
        ]

    def test_notes_and_warnings_come_first(self) -> None:
        """How the sheet was read, and what is odd about it, is said before anything else."""
        seen = lines(checked(notes=("read as UTF-8",), warnings=("a hidden row",)))
        assert seen == [
            "Note: read as UTF-8",
            "Warning: a hidden row",
            "No problems in 61 rows. Names were not checked against the server; bulkjob plan does that.",
        ]

    def test_the_rest_is_counted(self) -> None:
        """What does not fit is counted, and where to find it is said."""
        seen = lines(checked(*(problem(row=row) for row in range(2, 1002)), rows=2000), height=24)
        in_full = sum(line.startswith("  row ") for line in seen)
        assert seen[2].startswith("bad-number (1,000): D2, D3, D4,")
        assert len(seen[2]) <= 100
        named = seen[2].count(", D") + 1
        assert seen[2].endswith(f" and {1000 - named:,} more")
        assert " ".join(seen[-2:]) == (
            f"{1000 - in_full:,} problems not shown in full. --out DIR writes all of them to DIR/problems.csv, and the sheet with the bad "
            "cells marked to DIR/annotated.xlsx."
        )

    def test_the_whole_list_is_named(self) -> None:
        """Where the whole list has been written, the listing says where instead of how."""
        seen = lines(checked(*(problem(row=row) for row in range(2, 1002))), height=24, whole_list="out/problems.csv")
        assert seen[-1].endswith("not shown in full. out/problems.csv has them all.")

    def test_kinds_without_room_are_named_with_their_places(self) -> None:
        """On a small screen, kinds for whose remedy there is no room are a line each, with their places."""
        codes = list(Code)[:12]
        seen = lines(checked(*(problem(code, row=row) for row in (2, 3) for code in codes)), height=22)
        assert [sum(line.startswith(f"{code} (2): D2, D3") for line in seen) for code in codes] == [1] * 12
        assert len(seen) < 22

    def test_every_kind_is_seen_before_any_is_seen_twice(self) -> None:
        """Thousands of one mistake do not hide the one of another kind."""
        many = [problem(row=row) for row in range(2, 1002)]
        seen = lines(checked(*many, problem(Code.CONFLICTING_UNIT, row=1002), rows=2000), height=24)
        assert "conflicting-unit (1)" in seen
        assert seen[seen.index("conflicting-unit (1)") + 1].startswith("  row 1002  ")

    @settings(deadline=None)
    @given(
        st.lists(
            st.builds(
                problem, st.sampled_from(list(Code)[:12]), st.integers(2, 62), st.text(max_size=40), st.text(min_size=1, max_size=90)
            ),
            min_size=1,
            max_size=40,
        ),
        st.integers(40, 200),
        st.integers(20, 60),
    )
    def test_one_screen(self, problems: list[Problem], width: int, height: int) -> None:
        """Whatever is wrong, the list fits a screen (with one problem in any case), moves no cursor, and accounts for every problem."""
        seen = lines(checked(*problems), width, height)
        assert all(line == printable(line) for line in seen)
        assert all(len(line) <= width for line in seen)
        assert len(seen) < height or sum(line.startswith("  row ") for line in seen) == 1
        in_full = sum(line.startswith("  row ") for line in seen)
        rest = re.findall(r"^(\d+) problems? not ", "\n".join(seen[1:]), flags=re.MULTILINE)
        assert in_full + sum(map(int, rest)) == len(problems)


class TestMachines:
    """The whole list."""

    @settings(deadline=None)
    @given(
        st.lists(
            st.builds(
                problem,
                value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                message=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            )
        )
    )
    def test_csv_has_every_problem(self, problems: list[Problem]) -> None:
        """Every problem is a row of problems.csv, and none of its cells starts a formula."""
        text = render_problems(problems).decode("utf-8-sig")
        header, *rows = list(csv.reader(io.StringIO(text, newline="")))
        assert tuple(header) == COLUMNS == ("row", "column", "cell", "value", "code", "message")
        assert len(rows) == len(problems)
        for row, one in zip(rows, problems, strict=True):
            assert row[3] in {one.value, f"'{one.value}"}
            assert row[3] == "-" or not row[3].startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_document(self) -> None:
        """The document has the number of rows, the problems and the warnings, as JSON can hold them."""
        document = json.loads(json.dumps(problems_document(checked(problem(), warnings=("w",)))))
        assert document == {
            "rows": 61,
            "problems": [
                {"row": 2, "column": "count", "cell": "D2", "value": "many", "code": "bad-number", "message": "Write a whole number."}
            ],
            "warnings": ["w"],
        }


class TestCommand:
    """The whole of ``bulkjob validate``."""

    @pytest.fixture
    def mistakes(self, tmp_path: Path) -> Path:
        path = tmp_path / "mistakes.csv"
        path.write_text(MISTAKES, encoding="utf-8")
        return path

    def test_good_sheet(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A good sheet leaves with 0 and says so."""
        (tmp_path / "good.csv").write_text("department,unit\nSales,North\nService,North\n", encoding="utf-8")
        assert main(["validate", str(tmp_path / "good.csv")]) == Exit.OK
        assert capsys.readouterr().out.splitlines()[-4:] == [
            "No problems in 2 rows. Names were not checked against the server; bulkjob plan does that.",
            "",
            "Next: To check the names and see what would change:",
            f"  bulkjob plan {tmp_path / 'good.csv'}",
        ]

    def test_mistakes(self, mistakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A sheet with mistakes leaves with 65 and shows each."""
        assert main(["validate", str(mistakes)]) == Exit.BAD_SHEET
        said = capsys.readouterr().out
        assert "3 problems in 3 of 4 rows of mistakes.csv." in said
        assert 'row 2  D2  count  "many"' in said

    def test_json(self, mistakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """--json prints one document and nothing else."""
        assert main(["validate", str(mistakes), "--json"]) == Exit.BAD_SHEET
        document = json.loads(capsys.readouterr().out)
        assert document["rows"] == 4
        assert [one["code"] for one in document["problems"]] == ["bad-number", "missing-department", "bad-number"]

    def test_out(self, mistakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """--out makes the directory and writes the list and the marked copy, in place of older ones, and says so."""
        out = tmp_path / "new" / "out"
        for _ in range(2):
            assert main(["validate", str(mistakes), "--out", str(out)]) == Exit.BAD_SHEET
        assert sorted(path.name for path in out.iterdir()) == ["annotated.xlsx", "problems.csv"]
        assert capsys.readouterr().out.splitlines()[-3] == f"Written to {out}: problems.csv and annotated.xlsx."
        assert parse((out / "annotated.xlsx").read_bytes(), "annotated.xlsx").sheet_name == "mistakes"
        data = (out / "problems.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.decode("utf-8-sig").splitlines()[1].startswith("2,count,D2,many,bad-number,")

    def test_out_with_json(self, mistakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """With --json, standard output is still one document."""
        assert main(["validate", str(mistakes), "--json", "--out", str(tmp_path / "out")]) == Exit.BAD_SHEET
        assert len(json.loads(capsys.readouterr().out)["problems"]) == 3

    def test_sheet_beyond_what_a_workbook_holds(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Where Excel cannot hold the sheet, one sentence says so, and no marked copy of an earlier sheet stays behind."""
        (tmp_path / "long.csv").write_text("department,unit\n" + "\n" * 1_048_575 + "Sales,\n", encoding="utf-8")
        (tmp_path / "annotated.xlsx").touch()
        assert main(["validate", str(tmp_path / "long.csv"), "--out", str(tmp_path)]) == Exit.BAD_SHEET
        assert capsys.readouterr().out.splitlines()[-3].startswith("annotated.xlsx was not written: ")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["long.csv", "problems.csv"]

    def test_no_room_for_a_temporary_file(
        self, mistakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A large sheet that finds no room for its temporary files is 73, in one sentence; the system's own place is not asked."""
        monkeypatch.setattr(workbook, "MANY_CELLS", 0)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        assert main(["validate", str(mistakes), "--out", str(tmp_path)]) == Exit.BAD_SHEET
        monkeypatch.setattr(tempfile, "mkstemp", lambda **_: os.open(tmp_path / "nowhere" / "file", os.O_RDONLY))
        assert main(["validate", str(mistakes), "--out", str(tmp_path)]) == Exit.CANNOT_CREATE
        assert "temporary file" in capsys.readouterr().err

    def test_out_that_cannot_be_written(self, mistakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file where the directory should be is 73, in one sentence."""
        assert main(["validate", str(mistakes), "--out", str(mistakes)]) == Exit.CANNOT_CREATE
        assert capsys.readouterr().err.count("\n") == 1

    @pytest.mark.parametrize(("content", "code"), [(None, Exit.NO_INPUT), ("", Exit.BAD_SHEET), ("unit\nNorth\n", Exit.BAD_SHEET)])
    def test_no_sheet(self, content: str | None, code: Exit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A sheet that cannot be opened is 66, one that is none is 65; each in one sentence, with nothing on standard output."""
        path = tmp_path / "sheet.csv"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        assert main(["validate", str(path), "--json"]) == code
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
