"""``bulkjob doctor`` as a program: the address, the settings, signals."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from bulkjob.cli import main
from bulkjob.doctor.look import gather_facts
from bulkjob.settings.secret import Secret
from bulkjob.settings.table import SETTINGS
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit, Stop
from tests.doctor.support import SECRET
from tests.support.servers import answering


class TestProgram:
    """``bulkjob doctor`` as it is typed."""

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A folder of its own, and no setting but an account."""
        monkeypatch.chdir(tmp_path)
        for setting in SETTINGS:
            monkeypatch.delenv(setting.variable or "-", raising=False)
            monkeypatch.delenv(f"{setting.variable}_FILE", raising=False)
        monkeypatch.setenv("ROCKETCHAT_USER_ID", "u-1")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", SECRET)

    @pytest.fixture
    def unused(self) -> str:
        """An address at which nothing listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{taken.getsockname()[1]}"

    def test_unreachable(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A server that is not there is 69."""
        assert main(["doctor", "--url", unused, "--retries", "1"]) == Exit.UNAVAILABLE
        said = capsys.readouterr()
        assert "missing  address" in said.out
        assert SECRET not in said.out + said.err

    def test_everything_at_once(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A missing server does not hide a missing sheet or a closed run directory, nor they the server."""
        Path("file").write_text("", encoding="utf-8")
        assert main(["doctor", "none.csv", "--url", unused, "--retries", "1", "--run-dir", "file/run"]) == Exit.NO_INPUT
        assert [line.split("  ")[1].split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("missing")] == [
            "sheet",
            "run directory",
            "address",
        ]

    @pytest.mark.parametrize(
        ("answer", "code", "words"),
        [
            ((301, {"Location": "https://new.example.org/api/info"}, b""), Exit.BAD_SETTING, "to https://new.example.org."),
            ((302, {"Location": "/sign-in"}, b""), Exit.BAD_SETTING, "to Rocket.Chat's own address"),
            ((200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"), Exit.BAD_SETTING, "is not Rocket.Chat"),
            ((503, {"Content-Type": "text/html"}, b"<html>Later</html>"), Exit.UNAVAILABLE, "only with failures"),
        ],
    )
    def test_not_rocket_chat(
        self, answer: tuple[int, dict[str, str], bytes], code: Exit, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A redirect, somebody else's web page and a proxy's failure are told apart."""
        with answering(lambda *_: answer) as url:
            assert main(["doctor", "--url", url, "--retries", "1"]) == code
        assert words in " ".join(capsys.readouterr().out.split())

    def test_settings_are_findings(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Missing and wrong settings are lines of the table beside the rest: 78."""
        monkeypatch.delenv("ROCKETCHAT_AUTH_TOKEN")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN_FILE", "not-mounted")
        monkeypatch.setenv("BULKJOB_TIMEOUT", "soon")
        assert main(["doctor"]) == Exit.BAD_SETTING
        said = " ".join(capsys.readouterr().out.split())
        assert 'ROCKETCHAT_AUTH_TOKEN_FILE names "not-mounted", which cannot be read' in said
        assert 'BULKJOB_TIMEOUT cannot be "soon"' in said
        assert "--url or ROCKETCHAT_URL" in said
        assert "ok run directory" in said

    def test_interrupted(self) -> None:
        """A signal while the server is asked ends it with 75, and is no wrong setting."""

        def interrupting(*_: str) -> tuple[int, dict[str, str], bytes]:
            os.kill(os.getpid(), signal.SIGTERM)
            return 503, {}, b"later"

        with (
            answering(interrupting) as url,
            pytest.raises(Stop, match="Doctor only looks") as stop,
        ):
            asyncio.run(gather_facts(Settings.of({"url": url, "user_id": "u-1", "auth_token": Secret(SECRET)}), None))
        assert stop.value.exit_code is Exit.INTERRUPTED

    def test_certificates(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A --ca-file that holds no certificates is a wrong setting."""
        Path("ca.pem").write_text("none", encoding="utf-8")
        assert main(["doctor", "--url", unused, "--ca-file", "ca.pem"]) == Exit.BAD_SETTING
        assert "--ca-file ca.pem" in capsys.readouterr().out

    def test_wrong_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Wrong usage is 2, with nothing on standard output."""
        assert main(["doctor", "--concurrency", "0"]) == Exit.USAGE
        assert capsys.readouterr().out == ""
