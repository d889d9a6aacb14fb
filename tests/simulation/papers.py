"""What of a simulated run's report is made, and what is left out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

#: What people look at takes a third of a run's time, and no law is about it: one seed of so many makes it.
_LOOKED_AT = 10


#: By what it is made → what stands for it in the others.
_FOR_PEOPLE = {
    "render_results_workbook": b"",
    "render_annotated": b"",
    "render_retry_workbook": None,
    "story_of_run": None,
    "render_page": b"",
}


@contextmanager
def papers(seed: int) -> Iterator[None]:
    """Lets nine seeds of ten make their reports without workbooks and pages."""
    with ExitStack() as stack:
        for name, nothing in _FOR_PEOPLE.items() if seed % _LOOKED_AT else ():
            stack.enter_context(patch(f"bulkjob.report.ending.{name}", return_value=nothing))
        yield
