"""Sentences as lines of a screen."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from bulkjob.report.lines import cut, height_of, sentence, spaced
from tests.support.screens import screen, shown


def plain(text: str, width: int, **options: str | int) -> list[str]:
    return [line.plain for line in sentence(screen(width), text, **options)]  # type: ignore[arg-type]  # as they come


def test_indents() -> None:
    """The first line has its own beginning, the others theirs, and none is longer than the screen."""
    assert plain("Note: " + "word " * 15, 40, first="> ", others="      ") == [
        "> Note: word word word word word word",
        "      word word word word word word word",
        "      word word",
    ]


def test_what_is_to_be_copied_is_not_broken() -> None:
    """A path that is longer than the screen stands whole on a line of its own; what is only shown is broken."""
    path = "/srv/" + "x" * 60
    assert plain(f"See {path} now.", 40) == ["See", path, "now."]
    assert all(len(line) <= 40 for line in [line.plain for line in sentence(screen(40), path, whole_words=False)])


def test_the_most_lines() -> None:
    """Of a long text so many lines are shown, the last with an ellipsis that still fits."""
    lines = plain("word " * 100, 40, most=2)
    assert len(lines) == 2
    assert lines[1].endswith(" …")
    assert all(len(line) <= 40 for line in lines)


@given(st.lists(st.text("abc東京é", min_size=1, max_size=12), max_size=40), st.integers(40, 100))
def test_nothing_is_lost(words: list[str], width: int) -> None:
    """Every word is there, in its order, whole, on lines that fit as they are shown: some letters take two places."""
    lines = plain(" ".join(words), width, first="  ", others="    ")
    assert " ".join(lines).split() == words
    assert all(cell_len(line) <= width for line in lines)


def test_cut_fits_as_shown() -> None:
    """A line that is cut has an ellipsis and is no wider than the screen, also with letters of two places."""
    assert cut(screen(40), "東" * 30).cell_len <= 40
    assert cut(screen(40), "x" * 50).plain.endswith("…")


def test_height() -> None:
    """A command that is longer than the screen is wide takes several lines there."""
    assert height_of(screen(40), [Text("x" * 81), Text(""), Text("x")]) == 5


def test_a_blank_line_between_blocks() -> None:
    """What is empty leaves no gap."""
    assert shown(spaced([[Text("a")], [], [Text("b"), Text("c")], []])) == ["a", "", "b", "c"]
