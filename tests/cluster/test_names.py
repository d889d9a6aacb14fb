"""name-job.sh: one sheet, one Job; and many sheets, one Job."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bulkjob.sheet import check, parse
from tests.support.manifests import ROOT, built_from, job_of, of_kind

SHEET: Final = ROOT / "samples" / "reorganisation.csv"


def name_job(copied: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs name-job.sh."""
    return subprocess.run([copied / "name-job.sh", *map(str, arguments)], capture_output=True, text=True, check=False)


class TestNames:
    def test_samples_are_what_the_script_makes(self, copied: Path) -> None:
        """The manifests in the repository are those of the sample sheets."""
        before = {path.relative_to(copied): path.read_bytes() for path in copied.rglob("*") if path.is_file()}
        for source in (SHEET, ROOT / "samples" / "workspaces"):
            assert name_job(copied, source).returncode == 0
        assert {path.relative_to(copied): path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before

    def test_name_is_the_sheets_hash(self, copied: Path) -> None:
        """It begins as the sheet_sha256 of the summary does; another sheet has another name, and the same one the same."""
        sha256 = check(parse(SHEET.read_bytes(), SHEET.name)).sheet.sha256
        done = name_job(copied, SHEET)
        assert done.stdout == f"The Job is named bulkjob-run-{sha256[:12]}.\n"
        assert job_of("run")["metadata"]["name"] == f"bulkjob-run-{sha256[:12]}"
        other = copied / "other.csv"
        other.write_bytes(SHEET.read_bytes() + b"\n")
        assert name_job(copied, other).stdout != done.stdout
        assert (copied / "sheet" / "sheet").read_bytes() == other.read_bytes()

    def test_many_sheets_have_one_hash(self, copied: Path, tmp_path: Path) -> None:
        """A change of any of the sheets, or of their order, changes the name; so many are there as files."""
        source = shutil.copytree(ROOT / "samples" / "workspaces", tmp_path / "night")
        names = [name_job(copied, source).stdout]
        (source / "2.xlsx").write_bytes(b"department\n")
        names.append(name_job(copied, source).stdout)
        (source / "0.xlsx").rename(source / "3.xlsx")
        (source / "1.xlsx").rename(source / "0.xlsx")
        (source / "3.xlsx").rename(source / "1.xlsx")
        names.append(name_job(copied, source).stdout)
        for suffix in ("xlsx", "toml"):
            shutil.copy(source / f"0.{suffix}", source / f"3.{suffix}")
        names.append(name_job(copied, source).stdout)
        assert len(set(names)) == 4
        (job,) = of_kind("Job", built_from(copied / "overlays" / "many-workspaces"))
        assert job["spec"]["completions"] == 4

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda night: (night / "1.toml").unlink(), "there is no 1.xlsx with its 1.toml"),
            (lambda night: (night / "sales.xlsx").touch(), "sales.xlsx is not named by a number"),
            (lambda night: [path.unlink() for path in night.iterdir()], "holds no 0.xlsx with its 0.toml"),
        ],
    )
    def test_gaps_are_refused(self, copied: Path, tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
        """A number that is missing would be a workspace that is forgotten: nothing is written."""
        source = shutil.copytree(ROOT / "samples" / "workspaces", tmp_path / "night")
        spoil(source)
        before = sorted((path, path.read_bytes()) for path in copied.rglob("*") if path.is_file())
        done = name_job(copied, source)
        assert done.returncode == 2
        assert said in done.stderr
        assert sorted((path, path.read_bytes()) for path in copied.rglob("*") if path.is_file()) == before

    @pytest.mark.parametrize("arguments", [(), ("a", "b"), ("nowhere.xlsx",), ("{copied}/workspaces",)])
    def test_wrong_usage_is_refused(self, copied: Path, arguments: tuple[str, ...]) -> None:
        """Without a sheet that is there, and for the directory that it would replace."""
        assert name_job(copied, *(each.format(copied=copied) for each in arguments)).returncode == 2
        assert (copied / "workspaces" / "0.xlsx").exists()
