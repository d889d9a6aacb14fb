"""Sheets of which a run that was killed tells the past, and what it has to tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkjob.settings.values import MaxRemovals
from tests.support.rehearsal import Ran, rehearse, sheet_text
from tests.support.states import State

#: Seconds that each call takes: a write is carried out when half of them are over.
LATENCY = 0.25

Rows = Sequence[dict[str, object]]

COLUMNS: Final = (
    *("department", "unit", "agent", "count", "order", "action", "unit monitor", "unit visibility", "new unit name"),
    *("new department name", "department enabled", "department email", "department description"),
)

#: From a unit to another, to none, from none; an agent who is new, whose numbers change, who leaves; both in one row.
ROWS: Rows = [
    {"department": "alpha", "unit": "south"},
    {"department": "beta", "unit": "-"},
    {"department": "free", "unit": "north"},
    {"department": "alpha", "agent": "cid", "count": 4, "order": 9},
    {"department": "beta", "agent": "bob", "order": 5},
    {"department": "alpha", "agent": "ann", "action": "remove"},
    {"department": "gamma", "unit": "north", "agent": "cid"},
    {"department": "free", "agent": "ann", "order": 2},
]
PAST = [
    'Moved to unit "SOUTH" (south) from "NORTH" (north).',
    'Taken out of unit "NORTH" (north).',
    'Put into unit "NORTH" (north).',
    "Added agent @cid (u-cid) with count 4 and order 9.",
    "Changed agent @bob (u-bob) to order 5.",
    "Removed agent @ann (u-ann).",
    'Moved to unit "NORTH" (north) from "SOUTH" (south). Added agent @cid (u-cid).',
    "Added agent @ann (u-ann) with order 2.",
]

#: With ``mirror``: somebody is added, somebody changes, and all others leave.
MIRRORED: Rows = [
    {"department": "alpha", "agent": "cid"},
    {"department": "beta", "agent": "bob", "order": 5},
    {"department": "beta", "unit": "south", "agent": "ann"},
]
MIRRORED_PAST = [
    "Added agent @cid (u-cid). Removed from the department, because no row names them: @ann (u-ann), @bob (u-bob).",
    "Changed agent @bob (u-bob) to order 5. Removed from the department, because no row names them: @cid (u-cid).",
    (
        'Moved to unit "SOUTH" (south) from "NORTH" (north). Added agent @ann (u-ann). '
        "Removed from the department, because no row names them: @cid (u-cid)."
    ),
]


#: A department and a unit that are renamed, each named by other rows, too; a unit that is made; monitors; fields.
FIELDS: Rows = [
    {"department": "alpha", "unit": "south", "agent": "cid", "count": 4},
    {"department": "alpha", "new department name": "Alpha Two", "department email": "two@example.org"},
    {"department": "alpha", "department description": "second"},
    {"department": "beta", "department email": "beta@example.com"},
    {"department": "free", "unit": "West", "unit monitor": "monitor", "unit visibility": "private"},
    {"unit": "south", "unit monitor": "monitor", "new unit name": "Southern"},
    {"unit": "south", "unit visibility": "private"},
    {"unit": "north", "unit visibility": "private"},
    {"department": "gamma", "department enabled": "no"},
]
FIELDS_PAST = [
    'Moved to unit "SOUTH" → "Southern" (south) from "NORTH" (north). Added agent @cid (u-cid) with count 4.',
    (
        'Department "Alpha" → "Alpha Two" (alpha) renamed. '
        'Address of department "Alpha" → "Alpha Two" (alpha) changed from "alpha@example.org" to "two@example.org".'
    ),
    'Description of department "Alpha" → "Alpha Two" (alpha) changed from "first" to "second".',
    'Address of department "Beta" (beta) changed from "beta@example.org" to "beta@example.com".',
    (
        'Unit "West" created. Put into unit "West" (new). Monitor @monitor (u-monitor) added to unit "West" (new). '
        'Visibility of unit "West" (new) set to "private".'
    ),
    'Monitor @monitor (u-monitor) added to unit "SOUTH" → "Southern" (south). Unit "SOUTH" → "Southern" (south) renamed.',
    'Visibility of unit "SOUTH" → "Southern" (south) changed from "public" to "private".',
    'Visibility of unit "NORTH" (north) changed from "public" to "private".',
    'Department "Gamma" (gamma) is now disabled.',
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A sheet, how it is run, and what is to be told of its rows."""

    rows: Rows
    past: list[str]
    options: dict[str, Any]

    def run(self, folder: Path, state: State, **more: Any) -> Ran:
        sheet = sheet_text(self.rows, COLUMNS)
        return rehearse(folder, state, sheet, latency=lambda _: LATENCY, rate_limit="off", concurrency=1, **self.options, **more)


def told(ran: Ran) -> list[str]:
    """The messages; a unit that the run has made is called new, whether or not its id is known by then."""
    return [re.sub(r"\([0-9a-f]{24}\)", "(new)", message) for message in ran.column("message")]


CASES = {
    "units": Case(rows=ROWS, past=PAST, options={"unit_route": "unit"}),
    "departments": Case(rows=ROWS, past=PAST, options={"unit_route": "department"}),
    "early answers": Case(rows=ROWS, past=PAST, options={"version": "6.5"}),
    "fields, by units": Case(rows=FIELDS, past=FIELDS_PAST, options={"unit_route": "unit", "create_units": True}),
    "fields, by departments": Case(rows=FIELDS, past=FIELDS_PAST, options={"unit_route": "department", "create_units": True}),
    "mirror": Case(rows=MIRRORED, past=MIRRORED_PAST, options={"agents": "mirror", "max_removals": MaxRemovals(count=1000)}),
}
