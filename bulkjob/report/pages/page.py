"""A story as one self-contained page: HTML with its styles, its script and its rows inside, and leave to load nothing else."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bulkjob.phrases import printable
from bulkjob.report.pages.reasons import reason_of
from bulkjob.report.pages.story import Story, Table, TableRow
from bulkjob.vocabulary import OUTCOME_COLUMNS

#: What would end a script, begin a comment in it, or end a line of it.
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


#: The columns that a file of some rows has behind the sheet's own; as in results.csv, without the figures of calls.
_COLUMNS: Final = OUTCOME_COLUMNS[:5]


#: What the browser may load, from anywhere: nothing but what stands in the page (an empty icon keeps it from asking for one).
_POLICY: Final = "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def render_page(story: Story) -> bytes:
    """The page, in UTF-8. What is foreign in it is printable and escaped; no sheet's cell becomes markup or script."""
    style, script = _part("page.css"), _part("page.js")
    text = (
        page_environment()
        .get_template("page.html")
        .render(
            story=story,
            style=Markup(style),  # noqa: S704 - our own
            script=Markup(script),  # noqa: S704 - our own
            policy=_POLICY.format(style=_digest(style), script=_digest(script)),
            rows=Markup(embedded(_rows(story.table, story.headings.message))),  # noqa: S704 - escaped by `embedded`
        )
    )
    return text.encode("utf-8", errors="replace")


@cache
def page_environment() -> Environment:
    """Where the templates are; everything is escaped, and nothing may be missing."""
    return Environment(
        loader=PackageLoader("bulkjob.report.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _part(name: str) -> str:
    environment = page_environment()
    if environment.loader is None:
        raise TypeError("templates have a loader")
    return "\n" + environment.loader.get_source(environment, name)[0]


def _digest(text: str) -> str:
    """By which a browser knows what may run, whatever else has got into the page."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def embedded(value: object) -> str:
    """A value as JSON that can stand inside of a script's tags."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text


# -------------------------------------------------------------------------------------------------------------------- rows


def _rows(table: Table, message: str) -> dict[str, object]:
    """What the page's script shows, searches and saves."""
    return {
        "file": table.file,
        "headers": [_cell(header) for header in table.headers],
        "columns": _COLUMNS,
        "message": message,
        "words": {str(kind): word for kind, word in table.words.items()},
        "reasons": {row.code: reason_of(row.code, row.kind).title for row in table.rows if row.code},
        "rows": [_row(row) for row in table.rows],
    }


def _row(row: TableRow) -> list[object]:
    return [row.row, str(row.kind), row.status, row.change, row.code, _cell(row.message), *map(_cell, row.cells)]


def _cell(text: str) -> str | list[str]:
    """What is shown; with what came, for a file, where that differs."""
    visible = printable(text)
    return text if visible == text else [visible, text]
