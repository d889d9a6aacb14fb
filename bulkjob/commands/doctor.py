"""``bulkjob doctor``: looks at sheet, run directory and server before the night, and shows what is missing."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bulkjob.doctor import exit_code_of, findings_lines, findings_of, gather_facts
from bulkjob.report import spaced, step_lines, steps_after_doctor
from bulkjob.settings import Settings, SheetAddress
from bulkjob.sheet import given_once
from bulkjob.system import console_on, show
from bulkjob.vocabulary import Exit


def doctor(settings: Settings, sheet: Path | SheetAddress | None, *, wrong_settings: Sequence[str] = ()) -> Exit:
    """Print one table of findings; the exit code of the first thing that is missing.

    ``wrong_settings``: one sentence for each setting that is missing or wrong; the rest is looked at all the same.
    """
    facts = asyncio.run(gather_facts(settings, sheet, wrong_settings=wrong_settings))
    findings = findings_of(facts)
    code = exit_code_of(findings)
    bad_sheet = facts.sheet is not None and facts.sheet.checked is not None and bool(facts.sheet.checked.problems)
    once = sheet is not None and given_once(sheet)
    steps = steps_after_doctor(settings, sheet, bad_sheet=bad_sheet, missing=code is not Exit.OK, given_once=once)
    console = console_on(sys.stdout)
    lines = findings_lines(console, findings, with_sheet=facts.assignments is not None)
    show(console, spaced([lines, step_lines(console, steps)]))
    return code
