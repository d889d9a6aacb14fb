"""The refusals of a plan after which something else is to be done than after others."""

from bulkjob.phrases import counted
from bulkjob.vocabulary import Exit, Stop


class TooManyRemovals(Stop):
    """The sheet removes more agent assignments than are allowed (65)."""

    def __init__(self, removals: int, assignments: int, allowed: int) -> None:
        message = (
            f"The sheet removes {removals:,} of the workspace's {counted(assignments, 'agent assignment')}; the safety limit is "
            f"{allowed:,}. Nothing was sent. Check that all of these removals are intended."
        )
        super().__init__(Exit.BAD_SHEET, message)
        self.removals = removals


class PlanRefused(Stop):
    """The approved plan cannot be carried out; a new one has to be made (65)."""

    def __init__(self, message: str) -> None:
        super().__init__(Exit.BAD_SHEET, message)
