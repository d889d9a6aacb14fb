"""Whole reorganisations under faults, kills and interruptions: names, fields, monitors and new units, the same seeds every time."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.reorganisation import CREATING, LATE, POOR, RENAMING, Reorganisation, reorganisation_of

#: So that several processes can share the seeds.
CHUNK = 20
SEEDS = 240

#: Seeds that have found a defect, by what was wrong.
FOUND = {
    "the write that repairs a unit's counter runs beside the deletion of that unit": (52, 130, 147),
    "a department is written while the unit that it leaves is deleted": (30, 43),
    "a rollback's rollback that goes on makes the unit a second time": (31,),
    "a row whose write was never carried out is reported as not sent by the rollback": (62,),
    "a unit that exchanges departments with another is written beside the making of one that takes from it": (
        CREATING + 152,
        CREATING + 166,
    ),
    "a department is put into a unit whose write, owed by an earlier attempt, replaces what it holds": (CREATING + 38,),
    "the new name of an archived department is unknown": (19,),
    "of a monitor whom the account may not see it is said that he is none": (POOR + 27,),
    "an account that may not list monitors ends its rollback at the unit that it has made": (POOR + 7, POOR + 14, POOR + 15),
}


def broken(seed: int) -> list[str]:
    """What was seen broken in a seed, with its story."""
    folder = Path(tempfile.mkdtemp(prefix="bulkjob-reorganisation-"))
    try:
        told = Reorganisation(seed, folder).run()
    finally:
        shutil.rmtree(folder)
    return [f"seed {seed}: {'; '.join(told.story)}", *told.broken] if told.broken else []


FIRSTS = (
    *range(0, SEEDS, CHUNK),
    *range(POOR, POOR + 120, CHUNK),
    *range(CREATING, CREATING + 200, CHUNK),
    *range(RENAMING, RENAMING + 200, CHUNK),
    *range(LATE, LATE + 120, CHUNK),
)


@pytest.mark.parametrize("first", FIRSTS)
def test_everything_comes_out_as_the_sheet_says(first: int) -> None:
    """Exactly what the sheet names changes, never twice; running again writes nothing; the rollback brings all of it back.

    With accounts that may do everything and with poor ones; with kills at each step while units are made and while things are renamed;
    with writes that are carried out late.
    """
    failures = [line for seed in range(first, first + CHUNK) for line in broken(seed)]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("seed", [seed for seeds in FOUND.values() for seed in seeds])
def test_what_was_mended_stays_so(seed: int) -> None:
    """A seed that found a defect breaks nothing any more."""
    assert not broken(seed)


def test_what_shall_happen_happens() -> None:
    """The seeds hold every kind of change, and kills of runs that make or rename units."""
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        scenario, asked = reorganisation_of(seed)
        kinds = {key[0] for facts in asked for key in facts} | {
            "new" for facts in asked for value in facts.values() if str(value).startswith("new ")
        }
        ends = {trouble.end for trouble in scenario.runs}
        seen.update(kinds)
        seen.update(f"kill with {kind}" for kind in kinds if "kill" in ends)
    for what in ("of", "field", "place", "unit", "visibility", "monitor", "new", "kill with new", "kill with unit"):
        assert seen[what] >= SEEDS // 12, what
