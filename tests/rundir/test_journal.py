"""The journal: lines, what they add up to, and that what is waited for is on disk."""

import asyncio
import os
import resource
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import Change, Outcome, Place, Prior
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.kinds import AnyChange
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import REQUIRED_FIELDS
from bulkjob.rocketchat import endpoints
from bulkjob.rundir.format import FORMAT, JOURNAL_FILE, Concluded, Intent, Opened, Owner, Record, Rows, Written, line_of, records_of
from bulkjob.rundir.history import History, history_of
from bulkjob.rundir.journal import Journal
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Effect, Exit, Status, Stop

OWNER = Owner(sheet_sha256="ab12", sheet_name="", server="https://chat.example.org", choices=Choices())
SHEET = Sheet(
    name="reorg.csv",
    sha256="ab12",
    sheet_name="",
    headers=("department", "Team lead"),
    letters=("A", "B"),
    positions={"department": 0},
    cells=pd.DataFrame({0: ["Sales", "007"], 1: ["Ö", ""]}, index=[2, 3], dtype="str"),
)
UNIT = DepartmentUnit(department_id="d1", unit_id="u2", rows=(2, 3))
AGENT = DepartmentAgent(department_id="d1", agent_id="a1", username="anna", present=True, count=None, order=4, rows=(3,))
BEFORE = Place(count=7, order=0)
REQUEST = endpoints.put_department("d1", dict.fromkeys(REQUIRED_FIELDS, "x"), unit_id="u2", knows_units=True, members=())
DONE = Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=1, http_status=200, seconds=0.25)
ROW = RowResult(row=3, status=Status.SUCCESS, change=Effect.UPDATED, message="Done “so”.", attempts=1, http_status=200, seconds=0.25)


async def write_one(journal: Journal, *, outcome: Outcome | None = DONE) -> int:
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1", AGENT: BEFORE}, {"unit": "u1"})
    if outcome is not None:
        journal.outcome(number, [outcome, outcome], [ROW] if outcome.status is Status.SUCCESS else [])
    return number


#: A change that went out, what it found, and what is known of it.
Known = tuple[Change, Prior, Status | None]


def known(history: History) -> list[Known]:
    return [(attempt.change, attempt.prior, attempt.status) for attempt in history.attempts]


class Disk:
    """Takes note of how long the journal was each time that it was synced."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.synced: list[int] = []
        self._seconds = seconds

    async def sync(self, file: int) -> None:
        size = os.fstat(file).st_size
        if self._seconds:
            await asyncio.sleep(self._seconds)
        self.synced.append(size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / JOURNAL_FILE


async def test_what_was_written_is_read_back(path: Path) -> None:
    """Owner, sheet, rows and changes of a journal are those that were written."""
    journal = Journal(path, OWNER, SHEET)
    assert journal.read().owner is None
    earlier = RowResult(row=2, status=Status.SUCCESS, change=Effect.UNCHANGED, message="Already so.")
    journal.keep([earlier])
    await write_one(journal)
    await journal.close()
    history = Journal(path, OWNER, SHEET).read()
    assert history.owner == OWNER
    assert history.rows == {2: earlier, 3: ROW}
    expected: list[Known] = [(UNIT, "u1", Status.SUCCESS), (AGENT, BEFORE, Status.SUCCESS)]
    assert known(history) == expected
    assert history.sheet is not None
    kept = history.sheet
    assert (kept.headers, kept.name, kept.positions) == (SHEET.headers, SHEET.name, SHEET.positions)
    assert kept.rows == tuple(SHEET.cells.index)
    assert kept.cells == tuple(tuple(SHEET.cells[position]) for position in SHEET.cells)


async def test_nothing_is_owned_before_the_first_intent(path: Path) -> None:
    """A run that writes nothing leaves no journal, so that a corrected sheet needs no new directory."""
    journal = Journal(path, OWNER, SHEET)
    journal.keep([ROW])
    await journal.close()
    assert not path.exists()


async def test_rows_that_needed_no_write_are_kept_by_a_run_that_goes_on(path: Path) -> None:
    """Once a directory belongs to a run, an attempt that has nothing to write keeps what it has found all the same."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal, outcome=None)
    await journal.close()
    again = Journal(path, OWNER, SHEET)
    assert again.read().rows == {}
    again.keep([ROW])
    await again.close()
    assert Journal(path, OWNER, SHEET).read().rows == {3: ROW}


async def test_another_run_is_kept_out(path: Path) -> None:
    """The directory of another sheet, server or setting ends with 73 and names what differs."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal)
    await journal.close()
    before = path.read_bytes()
    other = Owner(sheet_sha256="other", sheet_name="", server="https://chat.example.org", choices=Choices(agents="mirror"))
    with pytest.raises(Stop) as stopped:
        Journal(path, other, SHEET).read()
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    assert "with another sheet and --agents" in stopped.value.message
    assert "choose another one with --run-dir" in stopped.value.message
    with pytest.raises(Stop, match="Move it away") as stopped:
        Journal(path, other, SHEET).read(undoes=True)
    assert "--run-dir" not in stopped.value.message
    assert path.read_bytes() == before


@given(cut=st.integers(min_value=1))
def test_a_torn_last_line_is_cut_off(cut: int) -> None:
    """Wherever a crash tears the last line, the lines before it are whole, and exactly their bytes count."""
    lines = [line_of(Opened(owner=OWNER)), line_of(Rows(rows=(ROW,))), line_of(Concluded(number=1, outcomes=(DONE,), rows=()))]
    whole = b"".join(lines[:2])
    torn = lines[2][: cut % len(lines[2])]
    records, size = records_of(whole + torn)
    assert (len(records), size) == (2, len(whole))


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_line_is_never_believed(place: int, flip: int) -> None:
    """A byte that is changed anywhere but in the last line is noticed."""
    data = bytearray(line_of(Opened(owner=OWNER)) + line_of(Rows(rows=(ROW,))))
    first = len(line_of(Opened(owner=OWNER)))
    data[place % first] ^= flip
    try:
        records, _ = records_of(bytes(data))
    except ValueError:
        return
    # A line break that was lost or made joins or splits lines, and what is left of them is the torn end.
    assert len(records) < 2


async def test_the_next_attempt_goes_on_behind_a_torn_line(path: Path) -> None:
    """An attempt after a crash cuts the torn line off, numbers its writes on, and its lines are read together with the earlier ones."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal, outcome=None)
    await journal.close()
    with path.open("ab") as file:
        file.write(line_of(Concluded(number=1, outcomes=(DONE, DONE), rows=(ROW,)))[:40])
    journal = Journal(path, OWNER, SHEET)
    assert [attempt.status for attempt in journal.read().attempts] == [None, None]
    assert await write_one(journal) == 2
    await journal.close()
    history = history_of(records_of(path.read_bytes())[0])
    assert [attempt.status for attempt in history.attempts] == [None, None, Status.SUCCESS, Status.SUCCESS]
    assert sum(line.startswith(b'{"crc32":') for line in path.read_bytes().splitlines()) == len(path.read_bytes().splitlines())


def test_a_write_that_could_not_be_looked_up_is_unknown() -> None:
    """A failed write of which nobody knows what it did is told from one that was refused."""
    unknown = Outcome(status=Status.FAILED, code=Code.TIMEOUT, looked_up=False)
    refused = Outcome(status=Status.FAILED, code=Code.REJECTED)
    written = Written(change=UNIT, prior="u1")
    intent = Intent(number=1, operation="unit/u2", method="POST", path="/", body={}, changes=(written, written), snapshot={})
    history = history_of([intent, Concluded(number=1, outcomes=(unknown, refused), rows=())])
    assert [attempt.status for attempt in history.attempts] == [None, Status.FAILED]


async def test_who_waits_is_told_after_the_sync(path: Path) -> None:
    """No intent returns before its own line was written and synced, and lines that wait together share a sync."""
    disk = Disk(0.001)
    journal = Journal(path, OWNER, SHEET, sync=disk.sync)

    async def one() -> None:
        number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
        data = path.read_bytes()[: disk.synced[-1]]
        assert any(isinstance(record, Intent) and record.number == number for record in records_of(data)[0])

    await asyncio.gather(*(one() for _ in range(50)))
    await journal.close()
    assert len(disk.synced) <= 3


async def test_intents_of_the_next_turns_share_a_sync(path: Path) -> None:
    """A sync waits for those that come in the next few turns of the loop, also where the disk is fast."""
    disk = Disk()
    journal = Journal(path, OWNER, SHEET, sync=disk.sync)

    async def one(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})

    await asyncio.gather(*(one(turns) for turns in range(10)))
    await journal.close()
    assert disk.synced == [path.stat().st_size]


async def test_a_full_disk_stops_the_write(path: Path) -> None:
    """An intent that cannot be put on disk is an error, so that its write does not go out."""

    async def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    journal = Journal(path, OWNER, SHEET, sync=full)
    with pytest.raises(Stop) as stopped:
        await write_one(journal)
    await journal.close()
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    assert "No space left on device" in stopped.value.message


async def test_a_line_that_was_cut_short_stays_the_last(path: Path) -> None:
    """After a write that failed half-way nothing is appended, even if there is room again: what was sure to be there can be read."""
    fails = False

    async def sync(_file: int) -> None:
        if fails:
            raise OSError(28, "No space left on device")

    journal = Journal(path, OWNER, SHEET, sync=sync)
    await write_one(journal, outcome=None)
    whole = path.read_bytes()
    fails = True
    with pytest.raises(Stop):
        await write_one(journal)
    fails = False
    with pytest.raises(Stop) as stopped:
        await write_one(journal)
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    await journal.close()
    assert path.read_bytes() == whole


async def test_an_outcome_for_which_there_is_no_room_leaves_whole_lines(path: Path) -> None:
    """A disk that is full in the middle of an outcome: the part is taken back, what was written before stays."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    whole = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, limits[1]))
    try:
        with pytest.raises(Stop) as stopped:
            journal.outcome(number, [DONE], [ROW])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await journal.close()
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    assert path.read_bytes() == whole


async def test_closing_keeps_what_nobody_waits_for(path: Path) -> None:
    """Lines on their way to the disk get there although those who wrote them were given up."""
    disk = Disk(0.01)
    journal = Journal(path, OWNER, SHEET, sync=disk.sync)
    writing = [asyncio.create_task(journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})) for _ in range(2)]
    await asyncio.sleep(0)
    for task in writing:
        task.cancel()
    await asyncio.gather(*writing, return_exceptions=True)
    await journal.close()
    assert disk.synced[-1] == path.stat().st_size
    assert len(history_of(records_of(path.read_bytes())[0]).attempts) == 2


async def test_an_outcome_is_written_at_once_and_synced_with_what_comes_next(path: Path) -> None:
    """A process that is killed after an outcome leaves it; the disk is told to keep it with the next intent, and at the end."""
    disk = Disk()

    def on_disk() -> list[Status | None]:
        return [attempt.status for attempt in history_of(records_of(path.read_bytes()[: disk.synced[-1]])[0]).attempts]

    journal = Journal(path, OWNER, SHEET, sync=disk.sync)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    journal.outcome(number, [DONE], [ROW])
    assert [attempt.status for attempt in history_of(records_of(path.read_bytes())[0]).attempts] == [Status.SUCCESS]
    assert on_disk() == [None]
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    assert on_disk() == [Status.SUCCESS, None]
    journal.outcome(number, [DONE], [ROW])
    await journal.close()
    assert on_disk() == [Status.SUCCESS, Status.SUCCESS]


async def test_who_is_cancelled_while_closing_is_so_when_all_is_on_disk(path: Path) -> None:
    """A second interruption comes at any time: what a report may already tell is not left to luck."""
    disk = Disk(0.01)
    journal = Journal(path, OWNER, SHEET, sync=disk.sync)
    await write_one(journal)
    closing = asyncio.create_task(journal.close())
    for _ in range(3):
        await asyncio.sleep(0.001)
        closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert disk.synced[-1] == path.stat().st_size


async def test_what_is_believed_is_on_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed attempt has written and not synced is synced by who reads it: a report that builds on it must stay true."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.fstat(file).st_size))
    assert Journal(path, OWNER, SHEET).read().rows == {3: ROW}
    assert synced == [path.stat().st_size]
    await journal.close()


async def test_a_disk_that_fails_at_the_end_is_told(path: Path) -> None:
    """If the last outcomes cannot be put on disk, closing says so; what was on disk stays readable."""
    fails = False

    async def sync(_file: int) -> None:
        if fails:
            raise OSError(5, "Input/output error")

    journal = Journal(path, OWNER, SHEET, sync=sync)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    journal.outcome(number, [DONE], [ROW])
    fails = True
    with pytest.raises(Stop) as stopped:
        await journal.close()
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    assert [attempt.status for attempt in history_of(records_of(path.read_bytes())[0]).attempts] == [None]


@given(
    prior=st.none()
    | st.text()
    | st.booleans()
    | st.builds(Place, count=st.none() | st.integers(0, 9), order=st.none() | st.integers(0, 9), doubled=st.booleans()),
    known=st.booleans(),
)
def test_prior_states_of_every_kind_are_read_back(*, prior: Prior, known: bool) -> None:
    """What a write found, and what its outcome says of it, is read back as it was; nothing found is told from nothing said."""
    outcome = msgspec.structs.replace(DONE, prior=prior) if known else DONE
    intent = Intent(
        number=1, operation="unit/u2", method="POST", path="/", body={}, changes=(Written(change=UNIT, prior=prior),), snapshot={}
    )
    concluded = Concluded(number=1, outcomes=(outcome,), rows=())
    records, _ = records_of(lines_of(Opened(owner=OWNER), intent, concluded))
    (attempt,) = history_of(records).attempts
    assert (attempt.change, attempt.change.rows, attempt.prior, attempt.outcome) == (UNIT, UNIT.rows, prior, outcome)


@pytest.mark.parametrize("change", [UNIT, AGENT, msgspec.structs.replace(AGENT, present=False, order=None, mirrored=True)])
def test_changes_are_read_back_whole(change: AnyChange) -> None:
    """A change comes back from the journal with all that it asks for, its rows, and whether ``mirror`` asks for it."""
    written = (Written(change=change),)
    intent = Intent(number=1, operation="x", method="POST", path="/", body={}, changes=written, snapshot={})
    (record,) = records_of(line_of(Opened(owner=OWNER)) + line_of(intent))[0][1:]
    assert isinstance(record, Intent)
    assert msgspec.structs.asdict(record.changes[0].change) == msgspec.structs.asdict(change)


def removals(number: int) -> Intent:
    """A write that takes so many agents out of a department to which as many rows add others (``mirror``)."""
    rows = tuple(range(number))
    leaving = [
        DepartmentAgent(department_id="d1", agent_id=f"a{place}", username="", present=False, mirrored=True, rows=rows)
        for place in range(number)
    ]
    changes = (Written(change=AGENT, prior=None), *(Written(change=change, prior=BEFORE) for change in leaving))
    return Intent(number=1, operation="agents/d1", method="POST", path="/", body={}, changes=changes, snapshot={})


def test_rows_that_removals_share_are_read_back() -> None:
    """The rows that all removals of a write share stand in its line once, and are those of each again when it is read."""
    intent = removals(3)
    line = line_of(intent)
    assert line.count(b'"rows":[0,1,2]') == 1
    (record,) = records_of(line_of(Opened(owner=OWNER)) + line)[0][1:]
    assert isinstance(record, Intent)
    assert record == intent
    assert [each.change.rows for each in record.changes] == [AGENT.rows, *[(0, 1, 2)] * 3]
    assert line_of(record) == line


def test_a_line_grows_with_rows_and_removals() -> None:
    """Twice the removals for twice the rows are twice the bytes."""
    assert len(line_of(removals(400))) < 2.2 * len(line_of(removals(200)))


@pytest.mark.parametrize("place", [-1, 2])
def test_rows_of_a_change_that_is_not_there(place: int) -> None:
    """A line that gives rows to a change that it does not have is damaged."""
    lines = [
        {"type": "opened", "format": FORMAT, "bulkjob": "1", "owner": msgspec.to_builtins(OWNER)},
        {**msgspec.to_builtins(removals(1)), "shared_rows": [{"rows": [3], "changes": [place]}]},
    ]
    with pytest.raises(ValueError, match=r"line 2 is not a record .*not there"):
        records_of(b"".join(map(old_line, lines)))


def test_third_format_gave_each_removal_its_rows() -> None:
    """A journal of format 3, in which every removal has its rows itself, is read as it is, and continued in today's."""
    intent = removals(2)
    opened = old_line({"type": "opened", "format": 3, "bulkjob": "1", "owner": msgspec.to_builtins(OWNER)})
    old, new = opened + old_line(msgspec.to_builtins(intent)), msgspec.structs.replace(intent, number=2)
    assert b"shared_rows" not in old
    records, _ = records_of(old + lines_of(Opened(owner=OWNER), new))
    assert [record for record in records if isinstance(record, Intent)] == [intent, new]
    assert [attempt.change.rows for attempt in history_of(records).attempts] == [AGENT.rows, (0, 1), (0, 1)] * 2


def lines_of(*records: Record) -> bytes:
    return b"".join(line_of(record) for record in records)


def old_line(record: dict[str, object]) -> bytes:
    """A line as the first format of the journal had it."""
    text = msgspec.json.encode(record)
    return b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)


def old_intent(number: int, *changes: Mapping[str, object]) -> bytes:
    whole = {"operation": "x", "method": "POST", "path": "/", "body": {}, "picture": {"unit": {"id": "u2"}}}
    return old_line({"type": "intent", "number": number, **whole, "changes": changes})


def old_opened(agents: str = "add", version: int = 1) -> bytes:
    choices = {"agents": agents, "unit_route": "auto", "skip_invalid": False}
    owner = {"sheet_sha256": "ab12", "sheet_name": "", "server": "https://chat.example.org", **choices, "plan_sha256": ""}
    return old_line({"type": "opened", "format": version, "bulkjob": "0.1.0", "owner": owner})


class TestFirstFormat:
    """Journals of the version before."""

    OPENED = old_opened()
    MOVE: ClassVar[Mapping[str, object]] = {"department": "d1", "rows": [2, 3], "unit": "u2", "before": "u1"}
    PLACE: ClassVar[Mapping[str, object]] = {"department": "d1", "rows": [3], "agent": "a1", "username": "anna"}

    def test_changes_are_those_of_today(self) -> None:
        """Moves, places with their numbers, and removals come with what they found and with their rows."""
        set_order = {**self.PLACE, "order": 4, "before": {"agent_id": "a1", "username": "anna", "count": 7, "order": 0}}
        removal = {
            **self.PLACE,
            "present": False,
            "before": {"agent_id": "a1", "username": "anna", "count": 7, "order": 0, "doubled": True},
        }
        out = {"department": "d2", "rows": [5], "before": "u1"}
        history = history_of(records_of(self.OPENED + old_intent(1, self.MOVE, set_order, removal, out))[0])
        expected: list[Known] = [
            (UNIT, "u1", None),
            (AGENT, Place(count=7, order=0), None),
            (msgspec.structs.replace(AGENT, present=False, order=None), Place(count=7, order=0, doubled=True), None),
            (DepartmentUnit(department_id="d2", unit_id=None, rows=(5,)), "u1", None),
        ]
        assert known(history) == expected
        assert [attempt.change.rows for attempt in history.attempts] == [(2, 3), (3,), (3,), (5,)]
        assert history.pending_repairs == {"u1": {"d1"}}
        assert history.owner == OWNER

    def test_later_attempts_have_todays_format(self) -> None:
        """A journal that was begun by the version before is continued in today's format, and all of it is read."""
        concluded = Concluded(number=1, outcomes=(DONE,), rows=(ROW,))
        intent = Intent(
            number=2, operation="x", method="PUT", path="/", body={}, changes=(Written(change=AGENT, prior=BEFORE),), snapshot={}
        )
        data = self.OPENED + old_intent(1, self.MOVE) + lines_of(concluded, Opened(owner=OWNER), intent)
        records, whole = records_of(data)
        history = history_of(records)
        assert whole == len(data)
        expected: list[Known] = [(UNIT, "u1", Status.SUCCESS), (AGENT, BEFORE, None)]
        assert known(history) == expected
        assert history.rows == {3: ROW}

    def test_removals_by_mirror_are_known_by_their_rows(self) -> None:
        """The first format does not say what ``mirror`` asked for: it is the removals for rows that add somebody else."""
        leaver = {"department": "d1", "rows": [3], "agent": "a2", "username": "bob", "present": False}
        by_a_row = {**leaver, "agent": "a3", "rows": [4]}
        changes = (self.PLACE, leaver, by_a_row)
        for beginning, expected in ((old_opened("mirror"), [False, True, False]), (self.OPENED, [False, False, False])):
            history = history_of(records_of(beginning + old_intent(1, *changes))[0])
            assert [isinstance(one.change, DepartmentAgent) and one.change.mirrored for one in history.attempts] == expected

    def test_format_of_tomorrow(self) -> None:
        """A journal of a format that this version does not know is not read."""
        with pytest.raises(ValueError, match=f"line 1 is of format {FORMAT + 1}, which this version"):
            records_of(old_opened(version=FORMAT + 1))


class TestPendingRepairs:
    """Of units that others took departments from, and that were not written since."""

    @staticmethod
    def post(number: int, unit: str, *gains: tuple[str, str | None]) -> Intent:
        changes = tuple(
            Written(change=DepartmentUnit(department_id=department, unit_id=unit, rows=(2,)), prior=prior) for department, prior in gains
        )
        return Intent(
            number=number, operation=f"unit/{unit}", method="POST", path="/", body={}, changes=changes, snapshot={"unit": {"id": unit}}
        )

    @pytest.mark.parametrize("outcome", [DONE, Outcome(status=Status.FAILED, code=Code.TIMEOUT), None])
    def test_taken_or_perhaps_taken(self, outcome: Outcome | None) -> None:
        """A unit that a department was taken from, or may have been, has a repair pending."""
        concluded = [Concluded(number=1, outcomes=(outcome, outcome), rows=())] if outcome else []
        history = history_of([self.post(1, "u2", ("d1", "u1"), ("d2", None)), *concluded])
        assert history.pending_repairs == {"u1": {"d1"}}

    def test_not_taken(self) -> None:
        """One whose department stayed where it was has none."""
        refused = Outcome(status=Status.FAILED, code=Code.REJECTED)
        history = history_of([self.post(1, "u2", ("d1", "u1")), Concluded(number=1, outcomes=(refused,), rows=())])
        assert history.pending_repairs == {}

    def test_written_since(self) -> None:
        """One that was written afterwards needs no repair; one of which that is not known still does."""
        taken: list[Record] = [self.post(1, "u2", ("d1", "u1")), Concluded(number=1, outcomes=(DONE,), rows=()), self.post(2, "u1")]
        assert history_of(taken).pending_repairs == {"u1": {"d1"}}
        assert history_of([*taken, Concluded(number=2, outcomes=(), rows=())]).pending_repairs == {}


def test_an_address_as_older_versions_kept_it() -> None:
    """A journal that holds the server's address as it was typed is of the server that the address means."""
    owner = Owner(sheet_sha256="x", sheet_name="", server="HTTPS://Chat.Example.org:443/", choices=Choices())
    history = history_of([Opened(owner=owner)])
    assert history.owner == replace(owner, server="https://chat.example.org")
