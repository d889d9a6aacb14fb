"""What the tests of the whole job share: the job on virtual time against the sandbox without a socket, and the program against one with."""

import asyncio
import csv
import io
import json
import logging
import runpy
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from bulkjob.cli import main
from bulkjob.commands.plan import planned
from bulkjob.commands.run import job_of
from bulkjob.plan.approval import read_approved
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.rundir.directory import opened
from bulkjob.sandbox import Fault, Reply, Sandbox
from bulkjob.sandbox.web import running
from bulkjob.settings.values import Settings
from bulkjob.sheet import check, read_sheet
from bulkjob.vocabulary import OUTCOME_COLUMNS, Code, Exit

VirtualTimeLoop = runpy.run_path(str(Path(__file__).parent.parent / "virtual_time.py"))["VirtualTimeLoop"]

SAMPLES = Path(__file__).parents[2] / "samples"
EPOCH = 1_800_000_000.0
TIMEOUT = 30.0
SECRET = "s3cret-Zx9-of-the-service-account"

State = dict[str, Any]
Meddling = Callable[["InProcess", Request[Any]], None]


class InProcess:
    """`Transport` onto a sandbox without a socket; each call takes the seconds that `latency` gives it."""

    def __init__(self, sandbox: Sandbox, user: Mapping[str, Any], latency: Callable[[str], float], meddle: Meddling | None) -> None:
        self.sandbox = sandbox
        self.in_flight = self.most_in_flight = 0
        self.overlaps: list[str] = []
        """Writes that were under way at the same time and concern one unit or one department."""
        self.homeless: set[str] = set()
        """Departments that were seen without a unit by some call."""
        self._writing: dict[int, frozenset[str]] = {}
        self._headers = {"X-User-Id": user["_id"], "X-Auth-Token": user.get("token", f"token-{user['username']}")}
        self._latency = latency
        self._meddle = meddle

    async def send(self, request: Request[Any]) -> Answer:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._begin(request)
        try:
            half = self._latency(request.path) / 2
            await asyncio.sleep(half)
            if self._meddle:
                self._meddle(self, request)
            reply = self.call(request.route.method, request.path, request.body, request.query)
            await asyncio.sleep(TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else half)
        finally:
            self.in_flight -= 1
            self._writing.pop(id(request), None)
        if reply.fault is Fault.REFUSE and reply.call is None:
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused"))
        if reply.lost:
            code = Code.TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else Code.CONNECTION
            raise NoAnswer(Failure(next=Next.REPEAT, code=code, said="no answer", undecided=request.writes))
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)

    def _begin(self, request: Request[Any]) -> None:
        departments = [document for document in self.sandbox._state.collection.values() if document.get("type") != "u"]
        self.homeless |= {department["_id"] for department in departments if not department.get("parentId")}
        if not request.writes:
            return
        kind, identifier = request.path.split("/")[4:6]
        concerned = {identifier}
        if kind == "units":
            concerned |= {item["departmentId"] for item in request.body["unitDepartments"]}
            concerned |= {department["_id"] for department in departments if department.get("parentId") == identifier}
        self.overlaps += [f"{request.path}: {both}" for other in self._writing.values() if (both := concerned & other)]
        self._writing[id(request)] = frozenset(concerned)

    def call(self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()) -> Reply:
        """One call as the job's account, at once."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self.sandbox.answer(method, path, dict(query), headers, b"" if body is None else json.dumps(body).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run and what it left behind."""

    exit: Exit
    rows: list[dict[str, str]]
    """results.csv, by header in lower case."""
    summary: dict[str, Any]
    before: State
    after: State
    calls: list[dict[str, Any]]
    said: str
    """Standard output."""
    log: str
    folder: Path
    most_in_flight: int = 0
    overlaps: list[str]
    homeless: set[str]
    seconds: float = 0.0
    """Of virtual time."""

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and route of each call that is no reading."""
        return [(call["method"], call["route"]) for call in self.calls if call["method"] != "GET"]

    @property
    def write_paths(self) -> list[tuple[str, str]]:
        return [(call["method"], call["path"]) for call in self.calls if call["method"] != "GET"]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def results_of(folder: Path) -> list[dict[str, str]]:
    """The rows of results.csv by header in lower case."""
    text = (folder / "results.csv").read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[-len(OUTCOME_COLUMNS) :] == list(OUTCOME_COLUMNS)
    return [dict(zip((name.lower() for name in header), row, strict=True)) for row in rows]


def sheet_text(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ("department", "unit", "agent", "count", "order", "action")
) -> str:
    """Rows as a CSV; a cell that a row lacks is blank."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    return text.getvalue()


def rehearse(
    folder: Path,
    state: State,
    sheet: str | Path | Sequence[Mapping[str, object]],
    *,
    user: str = "admin",
    version: str = "7.0",
    faults: str | None = None,
    rate_limit: str | None = None,
    processes: int = 1,
    seed: int = 0,
    latency: Callable[[str], float] = lambda _: 0.0,
    meddle: Meddling | None = None,
    log: io.StringIO | None = None,
    start: float = EPOCH,
    **settings: Any,
) -> Ran:
    """Runs the job once, on virtual time, and tells everything about it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(sheet, Path):
        text = sheet if isinstance(sheet, str) else sheet_text(sheet)
        sheet = folder / "sheet.csv"
        sheet.write_text(text, encoding="utf-8", newline="")
    said, log = io.StringIO(), log or io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, ExitStack() as stack:
        loop = runner.get_loop()
        sandbox = Sandbox(
            state,
            clock=lambda: start + loop.time(),
            server_version=version,
            faults=faults,
            rate_limit=rate_limit,
            processes=processes,
            seed=seed,
        )
        account = next(someone for someone in state["users"] if someone["username"] == user)
        transport = InProcess(sandbox, account, latency, meddle)

        @asynccontextmanager
        async def connection() -> Any:
            yield transport

        handler = logging.StreamHandler(log)
        # Of everybody: what asyncio says of a task that was forgotten is said in a run, too.
        logging.getLogger().addHandler(handler)
        stack.callback(logging.getLogger().removeHandler, handler)
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(log))
        directory = stack.enter_context(opened(folder / "run", sheet.name, None))  # type: ignore[arg-type]  # for a name that is not needed
        before = sandbox.state()
        approved = read_approved(settings["plan"]) if settings.get("plan") else None
        job = job_of(Settings.of(settings), check(read_sheet(sheet)), connection, approved)
        code = runner.run(job.run(directory))
        return Ran(
            exit=code,
            rows=results_of(folder / "run"),
            summary=json.loads((folder / "run" / "summary.json").read_text(encoding="utf-8")),
            before=before,
            after=sandbox.state(),
            calls=sandbox.calls(),
            said=said.getvalue(),
            log=log.getvalue(),
            folder=folder / "run",
            most_in_flight=transport.most_in_flight,
            overlaps=transport.overlaps,
            homeless=transport.homeless,
            seconds=loop.time(),
        )


def foresee(
    folder: Path,
    state: State,
    sheet: str | Path | Sequence[Mapping[str, object]],
    *,
    user: str = "admin",
    version: str = "7.0",
    rate_limit: str | None = None,
    out: Path | None = None,
    csv: Path | None = None,
    as_json: bool = False,
    **settings: Any,
) -> SimpleNamespace:
    """Plans once, on virtual time: exit code, what was said, the calls, the state before and after."""
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(sheet, Path):
        text = sheet if isinstance(sheet, str) else sheet_text(sheet)
        sheet = folder / "sheet.csv"
        sheet.write_text(text, encoding="utf-8", newline="")
    said = io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, redirect_stdout(said):
        loop = runner.get_loop()
        sandbox = Sandbox(state, clock=lambda: EPOCH + loop.time(), server_version=version, rate_limit=rate_limit)
        account = next(someone for someone in state["users"] if someone["username"] == user)

        @asynccontextmanager
        async def connect(_: Settings) -> Any:
            yield InProcess(sandbox, account, lambda _: 0.0, None)

        before = sandbox.state()
        code = runner.run(planned(Settings.of(settings), sheet, out=out, csv=csv, as_json=as_json, connect=connect))
        return SimpleNamespace(exit=code, said=said.getvalue(), calls=sandbox.calls(), before=before, after=sandbox.state())


@contextmanager
def serving(
    state: State, *, version: str = "7.0", faults: str | None = None, rate_limit: str = "off", latency_ms: float = 0
) -> Iterator[SimpleNamespace]:
    """A sandbox on a socket, in a thread of its own: `url`, and `sandbox` to look into once all is quiet."""
    sandbox = Sandbox(state, clock=time.time, server_version=version, faults=faults, rate_limit=rate_limit)
    served = SimpleNamespace(sandbox=sandbox, url="")
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with running(sandbox, latency_ms=latency_ms) as url:
            served.url = url
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield served
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@contextmanager
def answering(respond: Callable[[str, str], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A web server that answers each call, by method and path, as it is told; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = respond(self.command, self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def quoted(path: str, identifier: str) -> str:
    return f"/api/v1/{path}/{quote(identifier, safe='')}"


# --------------------------------------------------------------------------------------------------- what shall be there afterwards


def places(state: State) -> dict[tuple[str, str], tuple[int, int]]:
    """(department id, agent id) → (count, order)."""
    return {(row["departmentId"], row["agentId"]): (row.get("count", 0), row.get("order", 0)) for row in state["departmentAgents"]}


def parents(state: State) -> dict[str, str | None]:
    """Department id → id of its unit."""
    return {department["_id"]: department.get("parentId") for department in state["departments"]}


def differences(before: State, after: State, *, units: Mapping[str, str | None], agents: Mapping[tuple[str, str], Any]) -> list[str]:
    """Where ``after`` is anything else than ``before`` with these changes: department → unit, (department, agent) → (count, order).

    None is for no unit, and for an agent who is gone.
    Counters are compared with what they count, in what was touched; `_updatedAt` and the ids of new documents are nobody's business.
    """
    found: list[str] = []
    for key in ("license", "settings", "permissions", "users"):
        found += [] if before[key] == after[key] else [key]
    expected = {**parents(before), **units}
    found += _documents("departments", before, after, without=("parentId", "ancestors", "numAgents", "type"))
    for department in after["departments"]:
        parent = expected[department["_id"]]
        if (department.get("parentId"), department.get("ancestors")) not in (
            [(parent, [parent])] if parent else [(None, None), (None, [])]
        ):
            found.append(f"{department['_id']} is in {department.get('parentId')} ({department.get('ancestors')}), not in {parent}")
    wanted = {place: numbers for place, numbers in {**places(before), **agents}.items() if numbers is not None}
    found += [
        f"{place}: {places(after).get(place)}, not {wanted.get(place)}"
        for place in wanted.keys() | places(after).keys()
        if places(after).get(place) != wanted.get(place)
    ]
    found += [] if len(places(after)) == len(after["departmentAgents"]) else ["somebody is in a department twice"]
    found += _documents("departmentAgents", before, after, without=("count", "order"), same=False)
    found += _documents("units", before, after, without=("numDepartments",))
    found += _documents("unitMonitors", before, after)
    return found + wrong_counters(before, after)


def wrong_counters(before: State, after: State) -> list[str]:
    """The counters of what was touched that do not count what is there."""
    agents = {department["_id"]: 0 for department in after["departments"]}
    departments: dict[str, int] = {unit["_id"]: 0 for unit in after["units"]}
    for row in after["departmentAgents"]:
        agents[row["departmentId"]] += 1
    for parent in parents(after).values():
        if parent:
            departments[parent] += 1
    counted = [("departments", "numAgents", agents), ("units", "numDepartments", departments)]
    old = {document["_id"]: document for key, *_ in counted for document in before[key]}
    return [
        f"{name} of {document['_id']} is {document.get(name)}, not {counts[document['_id']]}"
        for key, name, counts in counted
        for document in after[key]
        if document.get(name) != counts[document["_id"]] and document.get(name) != old[document["_id"]].get(name)
    ]


def _documents(key: str, before: State, after: State, *, without: Sequence[str] = (), same: bool = True) -> list[str]:
    def bare(state: State) -> dict[str, Any]:
        return {
            document["_id"]: {name: value for name, value in document.items() if name not in ("_updatedAt", *without)}
            for document in state[key]
        }

    old, new = bare(before), bare(after)
    common = [identifier for identifier in old if identifier in new]
    found = [
        f"{key} {identifier}: {old[identifier]} became {new[identifier]}" for identifier in common if old[identifier] != new[identifier]
    ]
    return found + ([f"{key}: others than before"] if same and old.keys() != new.keys() else [])


# ------------------------------------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """The functions above."""
    return SimpleNamespace(
        rehearse=rehearse,
        foresee=foresee,
        serving=serving,
        answering=answering,
        places=places,
        parents=parents,
        differences=differences,
        wrong_counters=wrong_counters,
        results_of=results_of,
        sheet_text=sheet_text,
        quoted=quoted,
        samples=SAMPLES,
        secret=SECRET,
        loop=VirtualTimeLoop,
    )


@pytest.fixture
def sample() -> State:
    """The sample workspace."""
    state: State = json.loads((SAMPLES / "workspace.json").read_text(encoding="utf-8"))
    return state


@pytest.fixture
def small() -> State:
    """Three departments in two units and one in none, three agents, and accounts of all kinds; only `admin` is not limited by anything."""
    return deepcopy(_SMALL)


def _user(name: str, *roles: str) -> State:
    return {"_id": f"u-{name}", "username": name, "roles": ["user", *roles]}


def _department(identifier: str, unit: str | None, **more: Any) -> State:
    whole: State = {
        "_id": identifier,
        "name": identifier.capitalize(),
        "email": f"{identifier}@example.org",
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": False,
        "type": "d",
        "numAgents": 0,
        **more,
    }
    return {**whole, "parentId": unit, "ancestors": [unit]} if unit else whole


def _unit(identifier: str, count: int) -> State:
    return {"_id": identifier, "name": identifier.upper(), "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": count}


_SMALL: State = {
    "license": ["livechat-enterprise"],
    "users": [
        _user("admin", "admin"),
        _user("manager", "livechat-manager"),
        _user("monitor", "livechat-monitor"),
        _user("second", "livechat-monitor"),
        _user("custom", "custom"),
        _user("ann", "livechat-agent"),
        _user("bob", "livechat-agent"),
        _user("cid", "livechat-agent"),
    ],
    "departments": [
        _department("alpha", "north", numAgents=2, description="first", waitingQueueMessage="wait"),
        _department("beta", "north", numAgents=1),
        _department("gamma", "south"),
        _department("old", "south", archived=True, enabled=False),
        _department("free", None),
    ],
    "units": [_unit("north", 2), _unit("south", 2)],
    "unitMonitors": [
        {"_id": "m1", "monitorId": "u-monitor", "username": "monitor", "unitId": "north"},
        {"_id": "m2", "monitorId": "u-second", "username": "second", "unitId": "south"},
    ],
    "departmentAgents": [
        {"_id": "p1", "agentId": "u-ann", "departmentId": "alpha", "username": "ann", "departmentEnabled": True, "count": 7, "order": 1},
        {"_id": "p2", "agentId": "u-bob", "departmentId": "alpha", "username": "bob", "departmentEnabled": True, "count": 3, "order": 2},
        {"_id": "p3", "agentId": "u-bob", "departmentId": "beta", "username": "bob", "departmentEnabled": True, "count": 5, "order": 0},
    ],
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    """A function that types a command in `tmp_path`; tells its exit code, standard output and error, and the rows of run/results.csv."""
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def program(*arguments: object, url: str = "", user: str = "u-admin", token: str = SECRET) -> SimpleNamespace:
        monkeypatch.setenv("ROCKETCHAT_URL", url)
        monkeypatch.setenv("ROCKETCHAT_USER_ID", user)
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", token)
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        folder = tmp_path / "run"
        rows = results_of(folder) if (folder / "results.csv").exists() else None
        assert token not in shown.out + shown.err
        for path in tmp_path.rglob("run/**/*"):
            assert path.is_dir() or token.encode() not in path.read_bytes()
        return SimpleNamespace(exit=code, out=shown.out, err=shown.err, rows=rows, folder=folder)

    return program
