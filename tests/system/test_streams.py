"""Standard streams: whatever is printed is text, and what lies behind them ends nothing."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bulkjob.settings import Mask, Secret
from bulkjob.system.console import console_on
from bulkjob.system.streams import mask_standard_streams, sturdy_standard_streams


class Behind(io.TextIOWrapper):
    """What lies behind a standard stream: remembers what it was given, and may be a terminal."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


@contextmanager
def behind(monkeypatch: pytest.MonkeyPatch, out: Behind, err: Behind) -> Iterator[None]:
    """The program's streams over these two."""
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with sturdy_standard_streams():
        yield


@pytest.mark.parametrize("terminal", [False, True])
def test_no_print_passes_the_gate_by(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    """On both streams only line ends are more than text: nothing that was said elsewhere acts on a terminal."""
    out, err = Behind(terminal=terminal), Behind(terminal=terminal)
    with behind(monkeypatch, out, err):
        for stream in (sys.stdout, sys.stderr):
            print("one\ntwo", "\x1b]0;title\x07\x1b[2J\u202e\u2028\r\ud83d", file=stream)
            stream.writelines(["three\x85", "\n"])
    wanted = "one\ntwo \\u001b]0;title\\u0007\\u001b[2J\\u202e\\u2028\\r\\ud83d\nthree\\u0085\n"
    assert (out.text, err.text) == (wanted, wanted)


def test_own_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The few colours that the program uses reach a terminal and nothing else; what else an escape could do reaches neither."""
    for terminal, wanted in ((True, "\x1b[31mred\x1b[0m \\u001b[8mhidden"), (False, "\\u001b[31mred\\u001b[0m \\u001b[8mhidden")):
        out = Behind(terminal=terminal)
        with behind(monkeypatch, out, Behind()):
            print("\x1b[31mred\x1b[0m \x1b[8mhidden", end="")
        assert out.text == wanted


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_json_stays_json(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A document keeps its data on its way through the gate and through any encoding."""
    names = ["Süd", "東京 👍", "a\u202eb", "\x7f\x9b", "\u00a0"]
    out = Behind(encoding)
    with behind(monkeypatch, out, Behind()):
        print(json.dumps(names, ensure_ascii=False))
    assert json.loads(out.text) == names


def test_closed_streams_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that the interpreter found closed can be asked, written to and read from like any other."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with sturdy_standard_streams() as out:
        print("nobody reads this")
        print("nor this", file=sys.stderr)
        assert (sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.read(), out.failure) == (False, False, "", None)
    assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)


def test_one_width_for_all_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is as wide as the terminal, else a page of 100 columns and 40 lines."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    assert console_on(io.StringIO()).size == (100, 40)
    monkeypatch.setenv("COLUMNS", "64")
    assert console_on(io.StringIO()).size == (64, 40)


def test_plain_signs() -> None:
    """Where an encoding lacks the signs of our own sentences, plain ones stand in their place; of others' letters their codes."""
    written = io.BytesIO()
    for encoding in ("ascii", "latin-1"):
        with io.TextIOWrapper(written, encoding=encoding, errors="bulkjob-escaped", write_through=True) as stream:
            stream.write("− “a” …\u0416")
            assert written.getvalue() == b'- "a" ...\\u0416'
        written = io.BytesIO()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_secret_is_printed_on_neither_stream(*, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once secrets are known, no line has one in it, also where a colour of our own stands within."""
    out, err = Behind(terminal=terminal), Behind(terminal=terminal)
    with behind(monkeypatch, out, err):
        mask_standard_streams(Mask([Secret("s3cr3t-t0ken")]).text)
        print("bulkjob run s3cr3t-t0ken.csv\ns3cr\x1b[1m3t-t0ken")
        print("no s3cr3t%2Dt0ken", file=sys.stderr)
    assert out.text == "bulkjob run ***.csv\n***\n"
    assert err.text == "no ***\n"
