"""A journal that is not whole, not ours, or not ours alone: nothing of it is believed that is not so, and nothing foreign is touched."""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bulkjob.changes.change import Outcome
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.undoing import state_of_rollback
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import REQUIRED_FIELDS
from bulkjob.rocketchat import endpoints
from bulkjob.rundir import history
from bulkjob.rundir.format import JOURNAL_FILE, Concluded, Intent, Kept, Opened, Owner, Record, Written, line_of, records_of
from bulkjob.rundir.history import History, read_history
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
REQUEST = endpoints.put_department("d1", dict.fromkeys(REQUIRED_FIELDS, "x"), unit_id="u2", knows_units=True, members=())
DONE = Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=1, http_status=200, seconds=0.25)
ROW = RowResult(row=3, status=Status.SUCCESS, change=Effect.UPDATED, message="Done “so”.", attempts=1, http_status=200, seconds=0.25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / JOURNAL_FILE


async def write_one(journal: Journal) -> None:
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {"unit": "u1"})
    journal.outcome(number, [DONE], [ROW])


def change(unit: str = "u2", *, rows: tuple[int, ...] = (2,)) -> Written:
    return Written(change=DepartmentUnit(department_id="d1", unit_id=unit, rows=rows), prior="u1")


def intent(number: int, *changes: Written) -> Intent:
    return Intent(number=number, operation="unit/u2", method="POST", path="/", body={}, changes=changes or (change(),), snapshot={})


def outcome(number: int, outcomes: int = 1) -> Concluded:
    return Concluded(number=number, outcomes=(DONE,) * outcomes, rows=())


def lines_of(*records: Record) -> bytes:
    return b"".join(line_of(record) for record in records)


def readers(path: Path) -> tuple[Callable[[], object], ...]:
    """What reads a journal: whoever goes on with it, and whoever undoes it."""
    return Journal(path, OWNER, SHEET).read, partial(read_history, path)


def statuses(history: History | None) -> list[Status | None]:
    """What is known of each change that went out."""
    assert history is not None
    return [attempt.status for attempt in history.attempts]


OPENED, KEPT = Opened(owner=OWNER), Kept.of(SHEET)


def refusal(path: Path) -> str:
    """What is said of a journal by both who go on with it and who undo it; it is as it was."""
    before = path.read_bytes()
    said = set()
    for read in readers(path):
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
            ([OPENED, KEPT, intent(1, change(rows=(2, 9)))], "line 3 tells of row 9, which the sheet does not have"),
            ([OPENED, structs.replace(KEPT, rows=(2,))], "line 2 holds a sheet whose columns differ in length"),
        ],
    )
    def test_lines_that_do_not_add_up(self, path: Path, records: list[Record], said: str) -> None:
        """A line that is missing, doubled, moved, or of another length than its intent is 73 and named."""
        path.write_bytes(lines_of(*records))
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
                assert len(statuses(Journal(path, OWNER, SHEET).read())) == 3
            else:
                assert refusal(path)

    def test_attempts_that_ended_early(self, path: Path) -> None:
        """Attempts that were killed before their first write, or between a write and its outcome, leave a good journal."""
        records: list[Record] = [OPENED, OPENED, KEPT, intent(1), OPENED, intent(2), outcome(2), OPENED]
        path.write_bytes(lines_of(*records))
        assert statuses(Journal(path, OWNER, SHEET).read()) == [None, Status.SUCCESS]


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


def test_a_large_foreign_file_is_not_read(path: Path) -> None:
    """What lies in the journal's place and is none of ours is known by its beginning, whatever its size."""
    with path.open("wb") as file:
        file.write(b"precious")
        file.truncate(2**40)
    for read in readers(path):
        with pytest.raises(Stop, match="it is not a bulkjob journal") as stopped:
            read()
        assert stopped.value.exit_code is Exit.CANNOT_CREATE


def test_a_journal_that_memory_does_not_hold(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is too little memory for a journal, that is said."""

    def fail(_: bytes) -> None:
        raise MemoryError

    path.write_bytes(lines_of(OPENED, KEPT))
    monkeypatch.setattr(history, "records_of", fail)
    assert refusal(path) == "there is not enough memory to read it"


@pytest.mark.parametrize("identifier", [{}, {"id": None}, {"id": 7}, {"id": ["u2"]}], ids=str)
def test_a_unit_without_an_id_is_refused(path: Path, identifier: dict[str, object]) -> None:
    """A write that is said to replace a unit, and does not say which, is no record of ours."""
    path.write_bytes(lines_of(OPENED, KEPT, structs.replace(intent(1), snapshot={"unit": {"name": "Nord", **identifier}})))
    assert refusal(path) == "line 3 tells of a unit without its id"


@pytest.mark.parametrize("text", ODD_RECORDS, ids=range(len(ODD_RECORDS)))
def test_a_record_of_another_shape_is_refused(path: Path, text: bytes) -> None:
    """A whole line that holds something else than a record is 73 with the line's number, wherever it stands."""
    odd = b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)
    good = line_of(OPENED) + line_of(KEPT)
    for data in (good + odd, good + odd + line_of(intent(1)), odd):
        path.write_bytes(data)
        assert "is not a record that this version of bulkjob knows" in refusal(path)


@given(data=st.data())
def test_a_value_of_another_kind_never_ends_in_a_defect(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever stands in the place of one value of a record, with a checksum that fits, is 73 or does no harm."""
    path = tmp_path_factory.mktemp("journal") / JOURNAL_FILE
    records: list[Record] = [
        OPENED,
        KEPT,
        intent(1, change(), change("u3")),
        Concluded(number=1, outcomes=(DONE, DONE), rows=(ROW,)),
        intent(2),
    ]
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
    assert len(state_of_rollback(history).checked.sheet.cells) == len(history.sheet.rows)
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
            b"\0" * 20,
            line_of(OPENED) + b"\0" * 20 + b"\n",
            line_of(OPENED) + b"\0" * 20 + b"precious",
            line_of(OPENED)[:-1] + b"\r\n",
            line_of(OPENED) + line_of(KEPT)[:-2] + b"]\n",
        ],
    )
    async def test_foreign_file_is_left_alone(self, path: Path, data: bytes) -> None:
        """It is neither emptied nor cut nor written to: not when it is read, and not when a run begins to write without having read it."""
        path.write_bytes(data)
        assert refusal(path) in ("it is not a bulkjob journal", "line 1 is damaged", "line 2 is damaged")
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
            assert statuses(journal.read()) == []
            await write_one(journal)
            await journal.close()
            assert statuses(read_history(path)) == [Status.SUCCESS]

    @pytest.mark.parametrize("size", [0, 1, 5, 28, 29, 60])
    async def test_zeros_that_a_power_cut_left(self, path: Path, size: int) -> None:
        """Zeros in the place of what was not on disk yet are cut off like what is torn, whatever there is of a line before them."""
        path.write_bytes(line_of(OPENED) + line_of(KEPT)[:size] + b"\0" * 4096)
        journal = Journal(path, OWNER, SHEET)
        assert statuses(journal.read()) == []
        await write_one(journal)
        await journal.close()
        assert statuses(read_history(path)) == [Status.SUCCESS]
        assert b"\0" not in path.read_bytes()

    @pytest.mark.parametrize("exists", [True, False])
    async def test_link_is_not_followed(self, path: Path, tmp_path: Path, *, exists: bool) -> None:
        """What a link leads to is as it was, also if it is a journal, and is not made."""
        other = tmp_path / "elsewhere"
        good = lines_of(OPENED, KEPT, intent(1))
        if exists:
            other.write_bytes(good)
        path.symlink_to(other)
        for attempt in readers(path):
            with pytest.raises(Stop, match="it is a symbolic link") as stopped:
                attempt()
            assert stopped.value.exit_code is Exit.CANNOT_CREATE
        with pytest.raises(Stop, match="it is a symbolic link"):
            await write_one(Journal(path, OWNER, SHEET))
        assert (other.read_bytes() == good) if exists else not other.exists()

    async def test_second_name_is_not_written_to(self, path: Path, tmp_path: Path) -> None:
        """A journal that has a second name, as in a backup made of hard links, is not appended to under both; it may be undone."""
        path.write_bytes(good := lines_of(OPENED, KEPT, intent(1)))
        (tmp_path / "backup").hardlink_to(path)
        journal = Journal(path, OWNER, SHEET)
        assert statuses(journal.read()) == [None]
        with pytest.raises(Stop, match="second name") as stopped:
            await write_one(journal)
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert path.read_bytes() == good

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
    async def test_no_file(self, path: Path, make: Callable[[Path], None]) -> None:
        """A pipe is not waited for, a directory not taken for an empty journal."""
        make(path)
        for attempt in readers(path):
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

    @pytest.mark.parametrize("before", [b"", line_of(OPENED) + line_of(KEPT)], ids=["none", "one"])
    async def test_gone_on_with_between_reading_and_writing(self, path: Path, before: bytes) -> None:
        """A journal to which another run has added lines since it was read is not gone on with: their numbers would be given twice."""
        if before:
            path.write_bytes(before)
        journal = Journal(path, OWNER, SHEET)
        journal.read()
        path.write_bytes(longer := lines_of(OPENED, KEPT, intent(1)))
        with pytest.raises(Stop, match="somebody has changed it") as stopped:
            await write_one(journal)
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert path.read_bytes() == longer

    async def test_read_once(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The lines of a long journal are taken apart once, before the first call: not again when the first write is announced."""
        path.write_bytes(lines_of(OPENED, KEPT, intent(1)) + line_of(OPENED)[:20])
        journal = Journal(path, OWNER, SHEET)
        journal.read()
        monkeypatch.setattr("bulkjob.rundir.journal.records_of", None)
        await write_one(journal)
        await journal.close()
        assert statuses(read_history(path)) == [None, Status.SUCCESS]


@pytest.mark.parametrize("kind", ["file", "pipe", "link"])
def test_report_that_is_no_file_tells_nothing(path: Path, tmp_path: Path, kind: str) -> None:
    """A report beside a journal that is gone tells that it is; a pipe in its place is not waited for, a link not followed."""
    elsewhere, summary = tmp_path / "elsewhere.json", path.with_name("summary.json")
    elsewhere.write_text('{"changes": {"updated": 3}}', encoding="utf-8")
    if kind == "pipe":
        os.mkfifo(summary)
    elif kind == "link":
        summary.symlink_to(elsewhere)
    else:
        elsewhere.rename(summary)
    if kind != "file":
        assert read_history(path) is None
        return
    with pytest.raises(Stop, match="tells of 3 changed rows") as stop:
        read_history(path)
    assert stop.value.exit_code == Exit.CANNOT_CREATE


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
        assert statuses(read_history(path)) == [Status.SUCCESS]


async def test_half_a_character_is_kept_as_well_as_can_be(path: Path) -> None:
    """Half a surrogate pair in somebody's words, which no file holds, stops no write; the rest of the words is kept."""
    said = Outcome(status=Status.FAILED, code=Code.REJECTED, said="No such name: 👍 \ud83d [error-x]")
    journal = Journal(path, OWNER, SHEET)
    number = await journal.intent("department/d1", REQUEST, {UNIT: "u1"}, {"name": "\udc4d"})
    journal.outcome(number, [said], [])
    await journal.close()
    [concluded] = [record for record in records_of(path.read_bytes())[0] if isinstance(record, Concluded)]
    assert concluded.outcomes[0].said == "No such name: 👍 \ufffd [error-x]"
