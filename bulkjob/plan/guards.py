"""What must hold before the first write; each guard refuses the whole sheet with one sentence."""

import math
from collections.abc import Sequence

from bulkjob.changes import Plan
from bulkjob.phrases import counted, quoted
from bulkjob.plan.refusals import TooManyRemovals
from bulkjob.records import Problem, Server, Workspace
from bulkjob.settings import MaxRemovals
from bulkjob.vocabulary import Exit, Stop


def refuse_problems(problems: Sequence[Problem], *, sendable: int = 0) -> None:
    """Raises `Stop` (65) if any row is invalid.

    ``sendable``: the rows that ``--skip-invalid`` would let go ahead; 0 where there are none, or where it cannot be used.
    """
    if not problems:
        return
    rows = len({problem.row for problem in problems})
    fix, verb = ("it", "is") if rows == 1 else ("them", "are")
    others = f", or send the {counted(sendable, 'other row')} with --skip-invalid" if sendable else ""
    raise Stop(Exit.BAD_SHEET, f"{counted(rows, 'row')} {verb} invalid, so nothing was sent. Correct {fix}{others}.")


def refuse_unlisted_units(names: Sequence[str], server: Server) -> None:
    """Raises `Stop` (77) if the sheet names units and this account has no list to find them in."""
    if not names:
        return
    shown = ", ".join(map(quoted, names[:5])) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
    reasons = "; ".join(server.unit_route_lacks()) or "the server refuses to list the units"
    message = f"The sheet names units ({shown}), but this account cannot list units: {reasons}. Nothing was sent."
    raise Stop(Exit.NO_PERMISSION, message)


def refuse_many_removals(plan: Plan, workspace: Workspace, limit: MaxRemovals | None) -> None:
    """Raises `TooManyRemovals` if the plan ends more agent assignments than allowed."""
    assignments = sum(len(agent.department_ids or ()) for agent in workspace.agents.values())
    allowed = removals_allowed(limit, assignments)
    if plan.removals > allowed:
        raise TooManyRemovals(plan.removals, assignments, allowed)


def removals_allowed(limit: MaxRemovals | None, assignments: int) -> int:
    """How many of the workspace's ``assignments`` a sheet may end; without a limit the larger of 20 and 10 %."""
    if limit is None:
        return max(20, assignments // 10)
    if limit.percent is not None:
        return math.floor(assignments * limit.percent / 100)
    return limit.count or 0
