"""The log: one shape for people, one for collectors, and no secret in either."""

import io
import json
import logging
import unicodedata
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.settings.secret import Secret
from bulkjob.system.log import logging_to, tell
from bulkjob.vocabulary import Event


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_text_on_a_terminal_json_elsewhere() -> None:
    """People get lines, collectors JSON documents, each with time, level and message."""
    for stream in (Terminal(), io.StringIO()):
        with logging_to(stream):
            logging.getLogger("bulkjob.client").info("12 of %s rows", 61)
        said = stream.getvalue()
        if stream.isatty():
            assert said.endswith("Z INFO    library: 12 of 61 rows\n")
        else:
            document = json.loads(said)
            assert document.pop("time").endswith("Z")
            assert document == {"level": "info", "event": "library", "logger": "bulkjob.client", "message": "12 of 61 rows"}


def test_line_breaks_stay_within_a_document() -> None:
    """A message of several lines, or a traceback, is still one line of JSON."""
    stream = io.StringIO()
    with logging_to(stream):
        logging.getLogger("bulkjob").error("a\nb", exc_info=ValueError("first\nsecond"))
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["message"] == "a\nb"
    assert "second" in json.loads(line)["traceback"]


@pytest.mark.parametrize("shape", ["text", "json"])
def test_no_line_is_forged(shape: str) -> None:
    """What others said acts on no terminal and makes no line that looks like one of the log: in messages, fields and tracebacks."""
    said = "Unit \x1b]52;c;eA==\x07\u202e\n2026-01-01T00:00:00Z INFO    forged\u20282026-01-01T00:00:00Z\x7f"
    stream = io.StringIO()
    with logging_to(stream) as log:
        log.shape = "text" if shape == "text" else "json"
        logging.getLogger("bulkjob").warning("%s is odd", said, exc_info=ValueError(said))
        tell(Event.SHEET_NOTE, "read", sheet=said)
    text = stream.getvalue()
    assert {unicodedata.category(letter) for letter in text.replace("\n", "")}.isdisjoint({"Cc", "Cf", "Zl", "Zp"})
    assert not any(line.startswith("2026-01-01") for line in text.splitlines())
    if shape == "json":
        warned, told = map(json.loads, text.splitlines())
        assert (warned["message"], told["sheet"]) == (f"{said} is odd", said)


@pytest.mark.parametrize("shape", ["text", "json"])
@settings(max_examples=25)  # each token takes patterns of its own, which are made once in a run
@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8))
def test_secret_is_replaced(shape: str, token: str) -> None:
    """The token is in no line and no traceback, however an error message spells it."""
    stream = io.StringIO()
    with logging_to(stream) as log:
        log.shape = "text" if shape == "text" else "json"
        log.hide(Secret(token))
        error = KeyError(token, {"X-Auth-Token": token}, json.dumps({"token": token}))
        logging.getLogger("bulkjob").error("sent %s as %r", token, token, exc_info=error)
    said = stream.getvalue() if shape == "text" else "".join(json.loads(stream.getvalue()).values())
    assert token not in said
    assert repr(token)[1:-1] not in said


def test_warnings_are_logged() -> None:
    """What a library warns of is a line of the log, not a text between its lines."""
    stream = io.StringIO()
    with logging_to(stream), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("the workbook is odd", UserWarning, stacklevel=1)
    assert "the workbook is odd" in json.loads(stream.getvalue())["message"]


def test_afterwards_all_is_as_before() -> None:
    """The process's logging is left as it was found."""
    root = logging.getLogger()
    before = list(root.handlers), logging.getLogger("bulkjob").level
    with logging_to(io.StringIO()):
        assert len(root.handlers) == len(before[0]) + 1
    assert (list(root.handlers), logging.getLogger("bulkjob").level) == before
