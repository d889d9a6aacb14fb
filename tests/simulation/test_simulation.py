"""The job under simulated faults, kills and interruptions: the same seeds every time; `make soak` tries a hundred thousand others."""

from collections import Counter

import pytest

from tests.simulation.more import ACCOUNTS, MORE, scenario_of
from tests.simulation.simulate import failures_of, simulate

#: So that several processes can share the seeds.
CHUNK = 25
#: Of the earlier seeds, and of those that have more.
FIRSTS = (*range(0, 350, CHUNK), *range(MORE, MORE + 300, CHUNK))


#: Seeds that have found a defect, by what was wrong.
FOUND = {
    "a job that is cancelled in the moment in which a read fails waits for ever": (15, 307, 463),
    "everybody waits for a turn that somebody keeps for later, who waits for a turn": (4942,),
    "a write that was answered and could not be looked up is not rolled back": (536,),
    "a chat makes a lowered count look as if it had not been lowered": (1034, 1480, 2429),
    "a second try of unknown outcome hides from the rollback that the first had added somebody": (5562,),
    "whom an earlier attempt removed for mirror is gone, and its row is reported as unchanged": (468, 470, 2945),
    "a second interruption in the last sync reports a success that the disk may forget": (6955, 9588),
    "what a killed attempt wrote is believed, though the disk was not told to keep it": (23043, 26820, 35096, 35677),
    "a list that was cut short passes for one that the account may not read": (23275,),
    "a row that needed no write is forgotten by the next attempt": (169, 287, 861),
    "whom mirror could not bring back is told in no row, as the only one has failed by itself": (128982,),
}


@pytest.mark.parametrize("first", FIRSTS)
def test_no_law_is_broken(first: int) -> None:
    """Whatever breaks, every row is told once and truthfully, nothing else changes, going on ends the work, and rollback undoes it."""
    failures = [line for seed in range(first, first + CHUNK) for line in failures_of(simulate(seed))]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("seed", [seed for seeds in FOUND.values() for seed in seeds])
def test_what_was_mended_stays_so(seed: int) -> None:
    """A seed that found a defect breaks no law any more."""
    failures = failures_of(simulate(seed))
    assert not failures, "\n".join(failures)


def test_a_seed_is_the_same_every_time() -> None:
    """A seed that failed fails again: the story of a seed depends on nothing but the seed."""
    once, again = simulate(7), simulate(7)
    assert (once.story, once.digest) == (again.story, again.digest)


def test_what_shall_happen_happens() -> None:
    """The seeds hold runs that were killed, interrupted and that failed for all, and ways back that were broken off."""
    seen = _seen(range(100))
    for what in ("run: killed", "run: exit 75", "run: exit 69", "run again: exit 0", "rollback: killed", "rollback: exit 75"):
        assert seen[what], what


def test_what_shall_happen_in_the_later_seeds_happens() -> None:
    """The later seeds hold agents who leave, colleagues during a rollback, late commits, and accounts that are restricted and told so."""
    seen = _seen(range(MORE, MORE + 100))
    accounts = [f"account: {name}" for name in ACCOUNTS]
    for what in (
        *accounts,
        "agents who left meanwhile",
        "changes that were made late",
        "row: changed-meanwhile",
        "row: unit-not-permitted",
    ):
        assert seen[what], what


def test_writes_break_off_in_every_way() -> None:
    """The later seeds hold each kind of a write that breaks off, or that is done although its answer is a refusal."""
    faults = ",".join(trouble.faults for seed in range(MORE, MORE + 300) for trouble in scenario_of(seed).runs)
    for kind in ("400-before", "400-half", "400-after", "reset-half", "timeout-half", "504-after"):
        assert kind in faults, kind


def _seen(seeds: range) -> Counter[str]:
    return sum((simulate(seed).seen for seed in seeds), start=Counter[str]())
