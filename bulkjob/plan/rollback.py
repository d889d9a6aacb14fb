"""The way back: from what a run changed to the changes that put it back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bulkjob.changes import Attempt, Change
from bulkjob.vocabulary import Status


def way_back(attempts: Iterable[Attempt]) -> Mapping[Change, Sequence[Attempt]]:
    """For each thing that a run changed, or may have changed, the change that puts it back, with what the run made of it.

    A change that was tried several times goes back to what it found the first time, for the rows that had asked for it. Whether what was
    made still holds is looked at when the plan is made, and once more just before the write.
    """
    found: dict[Change, Sequence[Attempt]] = {}
    for made in _by_target(attempts):
        rows = tuple(sorted({row for attempt in made for row in attempt.change.rows}))
        found[made[-1].change.undone(made[0].prior, rows)] = made
    return found


def _by_target(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """What was or may have been made, by what it was made of."""
    targets: dict[tuple[str, ...], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.status is not Status.FAILED:
            targets[attempt.change.target].append(attempt)
    return list(targets.values())
