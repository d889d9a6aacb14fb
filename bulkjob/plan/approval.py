"""A plan that somebody has approved: read from its file, and the settings it was made with."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bulkjob.plan.document import PlanDocument
from bulkjob.plan.file import parse_plan
from bulkjob.plan.refusals import PlanRefused
from bulkjob.settings import Settings
from bulkjob.system import read_at_most
from bulkjob.vocabulary import Exit, Stop

#: In bytes; the plan of a million rows has a third of it.
LARGEST_PLAN: Final = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A plan that somebody has approved."""

    document: PlanDocument
    sha256: str
    """Of the file's bytes, in hex."""


def read_approved(path: Path) -> Approved:
    """The plan in a file. Raises `Stop`: 66 if it cannot be opened, 65 if it is no plan, or one of another format."""
    try:
        data = read_at_most(path, LARGEST_PLAN, "1 GB")
    except MemoryError:
        raise PlanRefused(_no_memory(path)) from None
    except OSError as error:
        raise Stop(Exit.NO_INPUT, f"The plan {path} cannot be opened: {error.strerror or error}. Check the path after --plan.") from None
    try:
        document = parse_plan(data)
    except ValueError as error:
        message = f"The plan {path} cannot be read: {error}. A new plan is needed."
        raise PlanRefused(message) from None
    except MemoryError:
        raise PlanRefused(_no_memory(path)) from None
    return Approved(document=document, sha256=hashlib.sha256(data).hexdigest())


def _no_memory(path: Path) -> str:
    return f"There is not enough memory to read the plan {path}. Run it where there is more."


def with_choices_of(approved: Approved, settings: Settings) -> Settings:
    """The settings with those that a plan was made with: an approved plan stands as it was approved."""
    return replace(settings, choices=approved.document.options)
