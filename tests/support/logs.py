"""The log as collectors read it."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bulkjob.system.log import logging_to


@contextmanager
def logged() -> Iterator[list[Mapping[str, Any]]]:
    """A list that holds, once this is over, one document for each line of the log."""
    stream = io.StringIO()
    documents: list[Mapping[str, Any]] = []
    with logging_to(stream):
        yield documents
        documents += map(json.loads, stream.getvalue().splitlines())
