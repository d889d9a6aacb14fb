"""The page as bytes: complete in itself, and nothing that is foreign in it is more than text."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from bulkjob.report.pages.page import embedded, page_environment
from tests.support.pages import hostile_state, page_of, reorganisation


class Seen(HTMLParser):
    """What a browser makes of a page: its elements, and the texts of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


def test_hostile_names_stay_text() -> None:
    """Whatever names and cells look like, the page has the same elements as a harmless one has, and two scripts."""
    seen = Seen(page_of(hostile_state()))
    assert len(seen.scripts) == 2
    assert [tag for tag, _ in seen.tags if tag in ("img", "iframe", "object", "embed", "base", "form")] == []
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    assert "{{ 7 * 7 }}" in seen.text
    assert "window.hacked" not in seen.scripts[1]
    assert "\u202e" not in seen.text


def test_cells_come_through_whole() -> None:
    """The rows in the page are the sheet's: what cannot be seen is escaped where it is shown, and whole where it is saved."""
    state = hostile_state()
    data = json.loads(Seen(page_of(state)).scripts[0])
    cells = [row[9] for row in data["rows"]]
    assert [cell[1] if isinstance(cell, list) else cell for cell in cells] == state.checked.sheet.cells[3].tolist()
    assert [cell for cell in cells if isinstance(cell, list)] == [
        ["\\u202egnp.exe", "\u202egnp.exe"],
        ["line\\u2028separator", "line\u2028separator"],
    ]


def test_nothing_is_asked_for() -> None:
    """No element names another address, and the page forbids the browser to ask for anything."""
    seen = Seen(page_of(reorganisation(40)))
    addresses = [value for _, attributes in seen.tags for name, value in attributes.items() if name in ("src", "href", "action", "srcset")]
    assert all(address and address.startswith(("#", "data:,")) for address in addresses)
    policy = next(one["content"] for tag, one in seen.tags if tag == "meta" and one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@given(st.text())
def test_json_cannot_leave_its_script(text: str) -> None:
    """Any text can be embedded, comes back as it was, and holds nothing that ends a script or a line of it."""
    found = embedded({"text": text})
    assert json.loads(found) == {"text": text}
    assert not re.search("[<>&\u2028\u2029]", found)


def test_names_that_are_missing_are_a_defect() -> None:
    """A template that asks for what is not there fails, and does not show a gap."""
    with pytest.raises(UndefinedError):
        page_environment().from_string("{{ nothing_of_that_name }}").render()


def test_half_characters_are_replaced() -> None:
    """A name that holds half a character costs no report."""
    state = hostile_state()
    state.warnings.append("half \ud800 a character")
    assert "half \\ud800 a character" in page_of(state)
