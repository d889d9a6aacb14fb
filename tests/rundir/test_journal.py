"""The journal: lines, what they add up to, and that what is waited for is on disk."""

import asyncio
import json
import os
import resource
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bulkjob.records.plan import AgentWish, Outcome, UnitWish
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import REQUIRED_FIELDS, Membership
from bulkjob.rocketchat import endpoints
from bulkjob.rundir.format import JOURNAL_FILE, Change, Intent, Kept, Opened, Owner, Rows, Settled, line_of, records_of
from bulkjob.rundir.history import history_of, read_history
from bulkjob.rundir.journal import Journal
from bulkjob.vocabulary import Change as RowChange
from bulkjob.vocabulary import Code, Exit, Status, Stop

OWNER = Owner(sheet_sha256="ab12", sheet_name="", server="https://chat.example.org", agents="add", unit_route="auto", skip_invalid=False)
SHEET = Sheet(
    name="reorg.csv",
    sha256="ab12",
    sheet_name="",
    headers=("department", "Team lead"),
    letters=("A", "B"),
    positions={"department": 0},
    cells=pd.DataFrame({0: ["Sales", "007"], 1: ["Ö", ""]}, index=[2, 3], dtype="str"),
)
UNIT = UnitWish(department_id="d1", unit_id="u2", rows=(2, 3))
AGENT = AgentWish(department_id="d1", agent_id="a1", username="anna", present=True, count=None, order=4, rows=(3,))
BEFORE = Membership(agent_id="a1", username="anna", count=7, order=0)
REQUEST = endpoints.put_department("d1", dict.fromkeys(REQUIRED_FIELDS, "x"), unit_id="u2", knows_units=True, members=())
DONE = Outcome(status=Status.SUCCESS, change=RowChange.UPDATED, attempts=1, http_status=200, seconds=0.25)
ROW = RowResult(row=3, status=Status.SUCCESS, change=RowChange.UPDATED, message="Done “so”.", attempts=1, http_status=200, seconds=0.25)


async def write_one(journal: Journal, *, outcome: Outcome | None = DONE) -> int:
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1", AGENT: BEFORE}, {"unit": "u1"})
    if outcome is not None:
        journal.outcome(number, [outcome, outcome], [ROW] if outcome.status is Status.SUCCESS else [])
    return number


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
    earlier = RowResult(row=2, status=Status.SUCCESS, change=RowChange.UNCHANGED, message="Already so.")
    journal.settled([earlier])
    await write_one(journal)
    await journal.close()
    history = Journal(path, OWNER, SHEET).read()
    assert history.owner == OWNER
    assert history.rows == {2: earlier, 3: ROW}
    assert [(made.wish, made.before, made.status) for made in history.made] == [
        (UNIT, "u1", Status.SUCCESS),
        (AGENT, BEFORE, Status.SUCCESS),
    ]
    assert history.sheet is not None
    kept = history.sheet.sheet()
    assert (kept.headers, kept.name, dict(kept.positions)) == (SHEET.headers, SHEET.name, SHEET.positions)
    pd.testing.assert_frame_equal(kept.cells, SHEET.cells, check_column_type=False, check_index_type=False)


async def test_nothing_is_owned_before_the_first_intent(path: Path) -> None:
    """A run that writes nothing leaves no journal, so that a corrected sheet needs no new directory."""
    journal = Journal(path, OWNER, SHEET)
    journal.settled([ROW])
    await journal.close()
    assert not path.exists()


async def test_rows_that_needed_no_write_are_kept_by_a_run_that_goes_on(path: Path) -> None:
    """Once a directory belongs to a run, an attempt that has nothing to write keeps what it has found all the same."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal, outcome=None)
    await journal.close()
    again = Journal(path, OWNER, SHEET)
    assert again.read().rows == {}
    again.settled([ROW])
    await again.close()
    assert Journal(path, OWNER, SHEET).read().rows == {3: ROW}


async def test_another_run_is_kept_out(path: Path) -> None:
    """The directory of another sheet, server or setting ends with 73 and names what differs."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal)
    await journal.close()
    before = path.read_bytes()
    other = Owner(
        sheet_sha256="other", sheet_name="", server="https://chat.example.org", agents="mirror", unit_route="auto", skip_invalid=False
    )
    with pytest.raises(Stop) as stopped:
        Journal(path, other, SHEET).read()
    assert stopped.value.exit_code is Exit.CANNOT_CREATE
    assert "sheet, --agents" in stopped.value.message
    assert path.read_bytes() == before


@given(cut=st.integers(min_value=1))
def test_a_torn_last_line_is_cut_off(cut: int) -> None:
    """Wherever a crash tears the last line, the lines before it are whole, and exactly their bytes count."""
    lines = [line_of(Opened(owner=OWNER)), line_of(Rows(rows=(ROW,))), line_of(Settled(number=1, outcomes=(DONE,), rows=()))]
    whole = b"".join(lines[:2])
    torn = lines[2][: cut % len(lines[2])]
    records, size = records_of(whole + torn)
    assert (len(records), size) == (2, len(whole))


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_line_is_never_believed(place: int, flip: int) -> None:
    """A byte that is changed in a line before the last is noticed."""
    data = bytearray(line_of(Opened(owner=OWNER)) + line_of(Rows(rows=(ROW,))))
    first = len(line_of(Opened(owner=OWNER)))
    data[place % first] ^= flip
    with pytest.raises(ValueError, match=r"damaged|not a journal"):
        records_of(bytes(data))


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_last_line_is_not_taken_for_a_torn_one(place: int, flip: int) -> None:
    """A byte that is changed in a whole last line is noticed, unless it is the line end, without which the line counts as torn."""
    first, last = line_of(Opened(owner=OWNER)), bytearray(line_of(Rows(rows=(ROW,))))
    last[place % (len(last) - 1)] ^= flip
    with pytest.raises(ValueError, match=r"line [23] is damaged"):
        records_of(first + bytes(last))


async def test_the_next_attempt_goes_on_behind_a_torn_line(path: Path) -> None:
    """An attempt after a crash cuts the torn line off, numbers its writes on, and its lines are read together with the earlier ones."""
    journal = Journal(path, OWNER, SHEET)
    await write_one(journal, outcome=None)
    await journal.close()
    with path.open("ab") as file:
        file.write(line_of(Settled(number=1, outcomes=(DONE, DONE), rows=(ROW,)))[:40])
    journal = Journal(path, OWNER, SHEET)
    assert [made.status for made in journal.read().made] == [None, None]
    assert await write_one(journal) == 2
    await journal.close()
    history = history_of(records_of(path.read_bytes())[0])
    assert [made.status for made in history.made] == [None, None, Status.SUCCESS, Status.SUCCESS]
    assert sum(line.startswith(b'{"crc32":') for line in path.read_bytes().splitlines()) == len(path.read_bytes().splitlines())


def test_a_write_that_could_not_be_looked_up_is_unknown() -> None:
    """A failed write of which nobody knows what it did is told from one that was refused."""
    unknown = Outcome(status=Status.FAILED, code=Code.TIMEOUT, looked_up=False)
    refused = Outcome(status=Status.FAILED, code=Code.REJECTED)
    change = Change(department="d1", rows=(2,), unit="u2", before="u1")
    intent = Intent(number=1, operation="unit/u2", method="POST", path="/", body={}, changes=(change, change), picture={})
    history = history_of([intent, Settled(number=1, outcomes=(unknown, refused), rows=())])
    assert [made.status for made in history.made] == [None, Status.FAILED]


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
    assert len(history_of(records_of(path.read_bytes())[0]).made) == 2


async def test_an_outcome_is_written_at_once_and_synced_with_what_comes_next(path: Path) -> None:
    """A process that is killed after an outcome leaves it; the disk is told to keep it with the next intent, and at the end."""
    disk = Disk()

    def known() -> list[Status | None]:
        return [made.status for made in history_of(records_of(path.read_bytes()[: disk.synced[-1]])[0]).made]

    journal = Journal(path, OWNER, SHEET, sync=disk.sync)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    journal.outcome(number, [DONE], [ROW])
    assert [made.status for made in history_of(records_of(path.read_bytes())[0]).made] == [Status.SUCCESS]
    assert known() == [None]
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
    assert known() == [Status.SUCCESS, None]
    journal.outcome(number, [DONE], [ROW])
    await journal.close()
    assert known() == [Status.SUCCESS, Status.SUCCESS]


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
    assert [made.status for made in history_of(records_of(path.read_bytes())[0]).made] == [None]


class TestOwed:
    """Of units that others took departments from, and that were not written since."""

    @staticmethod
    def post(number: int, unit: str, *gains: tuple[str, str | None]) -> Intent:
        changes = tuple(Change(department=department, rows=(2,), unit=unit, before=before) for department, before in gains)
        return Intent(
            number=number, operation=f"unit/{unit}", method="POST", path="/", body={}, changes=changes, picture={"unit": {"id": unit}}
        )

    @pytest.mark.parametrize("outcome", [DONE, Outcome(status=Status.FAILED, code=Code.TIMEOUT), None])
    def test_taken_or_perhaps_taken(self, outcome: Outcome | None) -> None:
        """A unit that a department was taken from, or may have been, is owed a write."""
        settled = [Settled(number=1, outcomes=(outcome, outcome), rows=())] if outcome else []
        history = history_of([self.post(1, "u2", ("d1", "u1"), ("d2", None)), *settled])
        assert history.owed == {"u1": {"d1"}}

    def test_not_taken(self) -> None:
        """One whose department stayed where it was is not."""
        refused = Outcome(status=Status.FAILED, code=Code.REJECTED)
        history = history_of([self.post(1, "u2", ("d1", "u1")), Settled(number=1, outcomes=(refused,), rows=())])
        assert history.owed == {}

    def test_written_since(self) -> None:
        """One that was written afterwards is owed nothing; one of which that is not known still is."""
        taken = [self.post(1, "u2", ("d1", "u1")), Settled(number=1, outcomes=(DONE,), rows=()), self.post(2, "u1")]
        assert history_of(taken).owed == {"u1": {"d1"}}
        assert history_of([*taken, Settled(number=2, outcomes=(), rows=())]).owed == {}


# ------------------------------------------------------------------------------------------------ nothing is missing, nothing foreign


def change(unit: str = "u2") -> Change:
    return Change(department="d1", rows=(2,), unit=unit, before="u1")


def intent(number: int, *changes: Change) -> Intent:
    return Intent(number=number, operation="unit/u2", method="POST", path="/", body={}, changes=changes or (change(),), picture={})


def outcome(number: int, outcomes: int = 1) -> Settled:
    return Settled(number=number, outcomes=(DONE,) * outcomes, rows=())


OPENED, KEPT = Opened(owner=OWNER), Kept.of(SHEET)


def refusal(path: Path) -> str:
    """What is said of a journal by both who go on with it and who undo it; it is as it was."""
    before = path.read_bytes()
    said = set()
    for read in (Journal(path, OWNER, SHEET).read, lambda: read_history(path)):
        with pytest.raises(Stop) as stopped:
            read()
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        said.add(stopped.value.message.partition(" cannot be used: ")[2].partition(". ")[0])
    assert path.read_bytes() == before
    [one] = said
    return one


class TestMissing:
    """Lines that are whole, and do not add up to what a run writes."""

    @pytest.mark.parametrize(
        ("records", "said"),
        [
            ([OPENED, KEPT, intent(2), outcome(2)], "line 3 announces write 2, where write 1 should be: a line is missing"),
            ([OPENED, KEPT, intent(1), intent(3)], "line 4 announces write 3, where write 2 should be: a line is missing"),
            ([OPENED, KEPT, intent(1), intent(1)], "line 4 announces write 1, where write 2 should be: a line is missing"),
            ([OPENED, KEPT, intent(2), intent(1)], "line 3 announces write 2, where write 1 should be: a line is missing"),
            ([OPENED, KEPT, outcome(1)], "line 3 tells the outcome of write 1, which no line before it announces"),
            ([OPENED, KEPT, intent(1), outcome(2)], "line 4 tells the outcome of write 2, which no line before it announces"),
            ([OPENED, KEPT, intent(1), outcome(1), outcome(1)], "line 5 tells the outcome of write 1 a second time"),
            ([OPENED, KEPT, intent(1, change(), change("u3")), outcome(1)], "line 4 tells 1 outcome of write 1, which had 2 changes"),
            ([OPENED, KEPT, intent(1), outcome(1, 3)], "line 4 tells 3 outcomes of write 1, which had 1 change"),
            ([OPENED, intent(1)], "line 2 comes before the line with the sheet, which is missing"),
            ([OPENED, KEPT, KEPT], "line 3 holds the sheet a second time"),
            ([KEPT, intent(1)], "its first line is missing, which says whose it is"),
            ([OPENED, KEPT, intent(1, Change(department="d1", rows=(2, 9)))], "line 3 tells of row 9, which the sheet does not have"),
            ([OPENED, structs.replace(KEPT, rows=(2,))], "line 2 holds a sheet whose columns differ in length"),
        ],
    )
    def test_lines_that_do_not_add_up(self, path: Path, records: list[Any], said: str) -> None:
        """A line that is missing, doubled, moved, or of another length than its intent is 73 and named."""
        path.write_bytes(b"".join(map(line_of, records)))
        assert refusal(path) == said

    async def test_each_line_that_is_taken_out(self, path: Path) -> None:
        """Of a journal of three writes, whichever line is lost but the last: what is believed then is never that less was written."""
        journal = Journal(path, OWNER, SHEET)
        for _ in range(3):
            await write_one(journal)
        await journal.close()
        lines = path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines[:-1]):
            path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
            if b'"type":"outcome"' in line:
                assert len(Journal(path, OWNER, SHEET).read().made) == 6
            else:
                assert refusal(path)

    def test_attempts_that_ended_early(self, path: Path) -> None:
        """Attempts that were killed before their first write, or between a write and its outcome, leave a good journal."""
        records = [OPENED, OPENED, KEPT, intent(1), OPENED, intent(2), outcome(2), OPENED]
        path.write_bytes(b"".join(map(line_of, records)))
        assert [made.status for made in Journal(path, OWNER, SHEET).read().made] == [None, Status.SUCCESS]


#: What another program, or a later version, may have written with a checksum that fits.
ODD_RECORDS = [
    b'{"type":"pause"}',
    b'{"type":"intent"}',
    b'{"type":"outcome","number":"1","outcomes":[],"rows":[]}',
    b'{"type":"rows","rows":[{"row":2,"status":"splendid"}]}',
    b"[]",
    b"7",
    b"null",
    b"",
    b"{",
    b'{"type":"rows","rows":"\xff"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("text", ODD_RECORDS, ids=range(len(ODD_RECORDS)))
def test_a_record_of_another_shape_is_refused(path: Path, text: bytes) -> None:
    """A whole line that holds something else than a record is 73 with the line's number, wherever it stands."""
    odd = b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)
    good = line_of(OPENED) + line_of(KEPT)
    for data in (good + odd, good + odd + line_of(intent(1)), odd):
        path.write_bytes(data)
        assert "is no record that this version of bulkjob knows" in refusal(path)


@given(data=st.data())
def test_a_value_of_another_kind_never_ends_in_a_defect(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever stands in the place of one value of a record, with a checksum that fits, is 73 or does no harm."""
    path = tmp_path_factory.mktemp("journal") / JOURNAL_FILE
    records = [OPENED, KEPT, intent(1, change(), change("u3")), Settled(number=1, outcomes=(DONE, DONE), rows=(ROW,)), intent(2)]
    documents = [json.loads(line_of(record))["record"] for record in records]
    places = list(_places(documents))
    *way, last = data.draw(st.sampled_from(places))
    holder: Any = documents
    for step in way:
        holder = holder[step]
    holder[last] = data.draw(st.sampled_from([None, True, -1, 2, 10**30, 1.5, "", "2", [], [[]], {}, {"id": 3}]))
    texts = [json.dumps(document).encode() for document in documents]
    path.write_bytes(b"".join(b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text) for text in texts))
    assert refused_with(path) in (None, Exit.CANNOT_CREATE)


def refused_with(path: Path) -> Exit | None:
    """The exit code of who reads a journal and what it kept; None if it is good."""
    try:
        history = read_history(path)
    except Stop as stopped:
        return stopped.exit_code
    assert history is not None
    assert history.sheet is not None
    assert len(history.sheet.sheet().cells) == len(history.sheet.rows)
    return None


def _places(value: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a document, as keys and indexes."""
    if way:
        yield way
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _places(value[step], *way, step)


class TestForeign:
    """What lies in the journal's place and is no journal of ours."""

    @pytest.mark.parametrize(
        "data",
        [
            b"precious",
            b"precious\n",
            b"\n",
            b'{"a": 1}',
            b'{"crc32":"0000000g',
            b"\xef\xbb\xbf",
            b"PK\x03\x04",
            line_of(OPENED) + b"precious",
            line_of(OPENED) + b"\0" * 20,
            line_of(OPENED)[:-1] + b"\r\n",
            line_of(OPENED) + line_of(KEPT)[:-2] + b"]\n",
        ],
    )
    async def test_foreign_file_is_left_alone(self, path: Path, data: bytes) -> None:
        """It is neither emptied nor cut nor written to: not when it is read, and not when a run begins to write without having read it."""
        path.write_bytes(data)
        assert refusal(path) in ("it is not a journal of bulkjob's", "line 1 is damaged", "line 2 is damaged")
        journal = Journal(path, OWNER, SHEET)
        with pytest.raises(Stop) as stopped:
            await write_one(journal)
        await journal.close()
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert path.read_bytes() == data

    @pytest.mark.parametrize("whole", [0, 1])
    async def test_torn_line_of_ours_is_cut_at_every_byte(self, path: Path, whole: int) -> None:
        """Whatever a crash leaves of the line that was being written, the next attempt goes on."""
        lines = [line_of(OPENED), line_of(KEPT)]
        for size in range(len(lines[whole])):
            path.write_bytes(b"".join(lines[:whole]) + lines[whole][:size])
            journal = Journal(path, OWNER, SHEET)
            assert journal.read().made == ()
            await write_one(journal)
            await journal.close()
            history = read_history(path)
            assert history is not None
            assert len(history.made) == 2

    @pytest.mark.parametrize("exists", [True, False])
    async def test_link_is_not_followed(self, path: Path, tmp_path: Path, *, exists: bool) -> None:
        """What a link leads to is as it was, also if it is a journal, and is not made."""
        other = tmp_path / "elsewhere"
        good = b"".join(map(line_of, [OPENED, KEPT, intent(1)]))
        if exists:
            other.write_bytes(good)
        path.symlink_to(other)
        for attempt in (Journal(path, OWNER, SHEET).read, lambda: read_history(path)):
            with pytest.raises(Stop, match="it is a symbolic link") as stopped:
                attempt()
            assert stopped.value.exit_code is Exit.CANNOT_CREATE
        with pytest.raises(Stop, match="it is a symbolic link"):
            await write_one(Journal(path, OWNER, SHEET))
        assert (other.read_bytes() == good) if exists else not other.exists()

    async def test_second_name_is_not_written_to(self, path: Path, tmp_path: Path) -> None:
        """A journal that has a second name, as in a backup made of hard links, is not appended to under both; it may be undone."""
        path.write_bytes(good := b"".join(map(line_of, [OPENED, KEPT, intent(1)])))
        (tmp_path / "backup").hardlink_to(path)
        journal = Journal(path, OWNER, SHEET)
        assert len(journal.read().made) == 1
        with pytest.raises(Stop, match="second name") as stopped:
            await write_one(journal)
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert path.read_bytes() == good

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
    async def test_no_file(self, path: Path, make: Callable[[Path], None]) -> None:
        """A pipe is not waited for, a directory not taken for an empty journal."""
        make(path)
        for attempt in (Journal(path, OWNER, SHEET).read, lambda: read_history(path)):
            with pytest.raises(Stop, match="it is a ") as stopped:
                attempt()
            assert stopped.value.exit_code is Exit.CANNOT_CREATE

    async def test_changed_between_reading_and_writing(self, path: Path) -> None:
        """A journal that somebody has replaced since it was read is not cut."""
        path.write_bytes(line_of(OPENED) + line_of(KEPT))
        journal = Journal(path, OWNER, SHEET)
        journal.read()
        path.write_bytes(b"precious")
        with pytest.raises(Stop, match="somebody has changed it") as stopped:
            await write_one(journal)
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert path.read_bytes() == b"precious"


class TestLock:
    """Only one run writes."""

    async def test_second_writer_is_turned_away(self, path: Path) -> None:
        """While one run has begun to write, another one that came in all the same leaves with 75 before its first write."""
        first, second = Journal(path, OWNER, SHEET), Journal(path, OWNER, SHEET)
        second.read()
        await write_one(first)
        with pytest.raises(Stop) as stopped:
            await write_one(second)
        assert stopped.value.exit_code is Exit.INTERRUPTED
        await first.close()

    async def test_lost_directory_ends_the_writing(self, path: Path) -> None:
        """A run whose directory is not its own any more announces no further write, even if it gets it back; outcomes are still kept."""
        lost = False

        def hold() -> None:
            if lost:
                raise Stop(Exit.CANNOT_CREATE, "Somebody has removed the lock.")

        journal = Journal(path, OWNER, SHEET, hold=hold)
        number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
        lost = True
        journal.outcome(number, [DONE], [ROW])
        for _ in range(2):
            with pytest.raises(Stop, match="removed the lock") as stopped:
                await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {})
            assert stopped.value.exit_code is Exit.CANNOT_CREATE
            lost = False
        await journal.close()
        history = read_history(path)
        assert history is not None
        assert [made.status for made in history.made] == [Status.SUCCESS]


async def test_half_a_character_is_kept_as_well_as_can_be(path: Path) -> None:
    """Half a surrogate pair in somebody's words, which no file holds, stops no write; the rest of the words is kept."""
    said = Outcome(status=Status.FAILED, code=Code.REJECTED, said="No such name: 👍 \ud83d [error-x]")
    journal = Journal(path, OWNER, SHEET)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {"name": "\udc4d"})
    journal.outcome(number, [said], [])
    await journal.close()
    [settled] = [record for record in records_of(path.read_bytes())[0] if isinstance(record, Settled)]
    assert settled.outcomes[0].said == "No such name: 👍 \ufffd [error-x]"
