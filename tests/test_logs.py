"""docs/logs.md says what the log says: every event, with the fields that the program gives it."""

import ast
import re
from pathlib import Path

from bulkjob.vocabulary import Event
from tests.support.house import ROOT, house, tree_of

PAGE = (ROOT.parent / "docs" / "logs.md").read_text(encoding="utf-8")
#: What `tell` takes for itself.
OWN = {"level", "traceback"}


def documented() -> dict[str, set[str]]:
    """Event → its fields, as the table has them."""
    rows = PAGE.partition("<!-- table: events -->\n")[2].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {event.strip("`"): set(re.findall(r"`([a-z_]+)`", fields)) for event, _, fields in cells}


def told() -> dict[str, set[str]]:
    """Event → the fields that some call of `tell` or `warn` gives it."""
    found: dict[str, set[str]] = {}
    for text in house().modules.values():
        for node in ast.walk(tree_of(text)):
            match node:
                case ast.Call(func=ast.Name(id="tell" | "warn"), args=[ast.Attribute(value=ast.Name(id="Event"), attr=name), *_]):
                    fields = {keyword.arg for keyword in node.keywords if keyword.arg} - OWN
                    found.setdefault(str(Event[name]), set()).update(fields)
                case _:
                    continue
    return found


def test_every_event_is_listed_with_its_fields() -> None:
    """The page names the events that there are, and of each the fields that it may have."""
    assert documented() == {str(Event.LIBRARY): set(), **told()}
    assert documented().keys() == {str(event) for event in Event}


def test_nobody_logs_past_the_events() -> None:
    """Every line of the program's own log has an event: nobody but `tell` writes one."""
    past = [
        module
        for module, text in house().modules.items()
        for node in ast.walk(tree_of(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
        and ast.unparse(node.func.value) in {"log", "_log", "logging", "logger"}
    ]
    assert past == []


def test_the_page_is_where_it_is_named() -> None:
    """The vocabulary of events points to the page."""
    assert Path("docs/logs.md").name in (Event.__doc__ or "")
