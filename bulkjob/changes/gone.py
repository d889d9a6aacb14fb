"""What is said of a change whose unit is no longer there."""

from typing import Final

from bulkjob.changes.change import Outcome, failed
from bulkjob.records import Workspace, is_new_unit
from bulkjob.vocabulary import Code

UNIT_GONE: Final = failed(Code.REJECTED, "the unit is no longer there")


def unit_missing(unit_id: str, state: Workspace) -> Outcome | None:
    """The outcome of a change of a unit that is gone; of one that is still to be made there is none.

    A unit that is not in a list which may lack some is not known to be gone.
    """
    listed = state.units is not None and state.all_units
    return UNIT_GONE if listed and unit_id not in (state.units or {}) and not is_new_unit(unit_id) else None
