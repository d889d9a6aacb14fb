"""A sandbox in another process, for all tests of one worker."""

from collections.abc import Iterator

import pytest

from tests.support.processes import ServedApart, served
from tests.support.turns import LATENCY_MS, workspace


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApart]:
    """A sandbox that the tests of one worker use one after the other; each run leaves the workspace in one of the two turns."""
    with served(workspace(), tmp_path_factory.mktemp("sandbox"), "--rate-limit", "off", "--latency", str(LATENCY_MS)) as sandbox:
        yield sandbox
