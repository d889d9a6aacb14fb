"""Doctor in front of a sandbox."""

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bulkjob.doctor.findings import findings_of
from bulkjob.doctor.look import gather_facts
from bulkjob.doctor.table import findings_lines
from bulkjob.sandbox import Sandbox
from bulkjob.settings.secret import Secret
from bulkjob.settings.values import Settings
from tests.doctor.support import SECRET, URL, Examine, Seen, workspace
from tests.support.in_process import EPOCH, InProcess
from tests.support.screens import screen, shown
from tests.support.virtual_time import VirtualTimeLoop


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """A function that lets doctor look at a sandbox, on virtual time; whatever it changes there, or leaves here, fails the test."""
    monkeypatch.chdir(tmp_path)

    def examine(
        user: str = "manager",
        sheet: str | Path | None = None,
        *,
        version: str = "7.0",
        state: Mapping[str, Any] | None = None,
        rate_limit: str | None = None,
        faults: str | None = None,
        token: str = "",
        behind: float = 0.0,
        up: float = 0.0,
        **settings: Any,
    ) -> Seen:
        if isinstance(sheet, str):
            Path("sheet.csv").write_text(sheet, encoding="utf-8")
            sheet = Path("sheet.csv")
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            loop = runner.get_loop()
            sandbox = Sandbox(
                workspace() if state is None else state,
                clock=lambda: EPOCH + loop.time(),
                server_version=version,
                rate_limit=rate_limit,
                faults=faults,
            )

            @asynccontextmanager
            async def connect(_: Settings) -> Any:
                yield InProcess(sandbox, {"_id": f"u-{user}", "username": user, "token": token or f"token-{user}"}, lambda _: 0.05, None)

            chosen = Settings.of({"url": URL, "user_id": f"u-{user}", "auth_token": Secret(SECRET), **settings})
            runner.run(asyncio.sleep(up))
            before, files = sandbox.state(), sorted(tmp_path.rglob("*"))
            seen = runner.run(gather_facts(chosen, sheet, connect=connect, now=lambda: EPOCH + loop.time() - behind))
            assert sandbox.state() == before
            assert sorted(tmp_path.rglob("*")) == files
            calls = sandbox.calls()
            assert {call["method"] for call in calls} <= {"GET"}
            findings = findings_of(seen)
            on = screen(120)
            lines = shown(findings_lines(on, findings, with_sheet=seen.assignments is not None), on)
            assert SECRET not in "".join(lines) + repr(seen)
            return Seen(findings=findings, lines=lines, calls=calls, seconds=loop.time() - up)

    return examine
