"""What must hold before the first write; each guard refuses the whole sheet with one sentence."""

import math
from collections.abc import Sequence

from bulkjob.changes import Plan
from bulkjob.records import Problem, Server, Workspace
from bulkjob.settings import MaxRemovals
from bulkjob.vocabulary import Exit, Stop


def refuse_problems(problems: Sequence[Problem]) -> None:
    """Raises `Stop` (65) if any row is invalid."""
    if not problems:
        return
    rows = len({problem.row for problem in problems})
    subject = "1 row is" if rows == 1 else f"{rows} rows are"
    message = f"{subject} invalid, so nothing was sent. Correct them; or let the other rows go ahead with --skip-invalid."
    raise Stop(Exit.BAD_SHEET, message)


def refuse_unlisted_units(names: Sequence[str], server: Server) -> None:
    """Raises `Stop` (77) if the sheet names units and this account has no list to find them in."""
    if not names:
        return
    shown = ", ".join(f'"{name}"' for name in names[:5]) + (" …" if len(names) > 5 else "")
    reasons = "; ".join(server.unit_route_lacks()) or "the server refuses the list of units"
    message = f"The sheet names units ({shown}), but this account cannot list units: {reasons}. Nothing was sent."
    raise Stop(Exit.NO_PERMISSION, message)


def refuse_many_removals(plan: Plan, workspace: Workspace, limit: MaxRemovals | None) -> None:
    """Raises `Stop` (65) if the plan ends more agent assignments than allowed."""
    assignments = sum(len(agent.department_ids or ()) for agent in workspace.agents.values())
    allowed = removals_allowed(limit, assignments)
    if plan.removals > allowed:
        message = (
            f"The sheet would end {plan.removals} of the workspace's {assignments} agent assignments; allowed are {allowed}. "
            f"Nothing was sent. If this is meant, run it again with --max-removals {plan.removals}."
        )
        raise Stop(Exit.BAD_SHEET, message)


def removals_allowed(limit: MaxRemovals | None, assignments: int) -> int:
    """How many of the workspace's ``assignments`` a sheet may end; without a limit the larger of 20 and 10 %."""
    if limit is None:
        return max(20, assignments // 10)
    if limit.percent is not None:
        return math.floor(assignments * limit.percent / 100)
    return limit.count or 0
