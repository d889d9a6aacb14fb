"""Workspaces, and the program as it is typed."""

from pathlib import Path

import pytest

from bulkjob.cli import main
from tests.support.program import SECRET, Program, Typed
from tests.support.rehearsal import results_of
from tests.support.states import State
from tests.support.workspaces import sample_workspace, small_workspace


@pytest.fixture
def sample() -> State:
    """The sample workspace."""
    return sample_workspace()


@pytest.fixture
def small() -> State:
    """Three departments in two units and one in none, three agents, and accounts of all kinds; only `admin` is not limited by anything."""
    return small_workspace()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """A function that types a command in `tmp_path`; tells its exit code, standard output and error, and the rows of run/results.csv."""
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def program(*arguments: object, url: str = "", user: str = "u-admin", token: str = SECRET) -> Typed:
        monkeypatch.setenv("ROCKETCHAT_URL", url)
        monkeypatch.setenv("ROCKETCHAT_USER_ID", user)
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", token)
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        folder = tmp_path / "run"
        rows = results_of(folder) if (folder / "results.csv").exists() else []
        assert token not in shown.out + shown.err
        for path in tmp_path.rglob("run/**/*"):
            assert path.is_dir() or token.encode() not in path.read_bytes()
        return Typed(exit=code, out=shown.out, err=shown.err, rows=rows, folder=folder)

    return program
