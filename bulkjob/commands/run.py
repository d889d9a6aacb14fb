"""``bulkjob run``: does the job, writes its report and sums it up."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.job import Connection, Job, connection_of, owner_of
from bulkjob.plan import Approved, PlanRefused, Preparation, RunState, read_approved, with_choices_of
from bulkjob.records import CheckedSheet
from bulkjob.report import Commands, Conclusion, step_lines, steps_without_plan
from bulkjob.rundir import opened, refuse_own_file
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import check, given_once, sheet_at
from bulkjob.system import console_on, refuse_unusable_store
from bulkjob.vocabulary import Exit, Stop


def run(settings: Settings, sheet: Path | SheetAddress, conclusion: Conclusion) -> Exit:
    """Do the job, write its report and sum it up on standard output. Raises `Stop` where there is nothing to report on yet.

    ``conclusion``: what is done with the end.
    """
    refuse_unusable_store(settings.publish.reveal())
    checked = check(sheet_at(sheet, settings))
    approved = _approved(settings, sheet)
    if isinstance(sheet, Path):
        refuse_own_file(sheet, settings.run_dir)
    if settings.plan is not None:
        refuse_own_file(settings.plan, settings.run_dir, "plan")
    with opened(settings.run_dir, checked.sheet.name, datetime.now(UTC), lock_timeout=settings.lock_timeout) as directory:
        job = job_of(settings, checked, connection_of(settings), approved, sheet=sheet, conclusion=conclusion)
        return asyncio.run(job.run(directory))


def _approved(settings: Settings, sheet: Path | SheetAddress) -> Approved | None:
    """The plan to hold to, if one was given; where it cannot be used, what to do is printed. Raises `Stop` (65, 66)."""
    if settings.plan is None:
        return None
    try:
        return read_approved(settings.plan)
    except PlanRefused as refused:
        steps = steps_without_plan(Commands(sheet=sheet, settings=settings, given_once=given_once(sheet)), settings.plan)
        raise Stop(refused.exit_code, refused.message, tuple(line.plain for line in step_lines(console_on(sys.stderr), steps))) from None


def job_of(
    settings: Settings,
    checked: CheckedSheet,
    connection: Connection,
    approved: Approved | None = None,
    *,
    sheet: Path | SheetAddress | None = None,
    conclusion: Conclusion | None = None,
) -> Job:
    """The job that a sheet asks for. ``approved``: the plan to hold to; without one, whatever is planned is sent."""
    settings = with_choices_of(approved, settings) if approved else settings
    state = RunState(checked=checked, warnings=list(checked.warnings))
    preparation, owner = Preparation(settings, state, approved=approved), owner_of(settings, checked.sheet, approved)
    return Job(settings, state, preparation, owner, connection, sheet, conclusion)
