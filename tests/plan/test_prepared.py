"""A plan that may be sent, and on what terms."""

import pytest

from bulkjob.plan.prepared import terms_of
from bulkjob.records.server import Account, Server, Version
from bulkjob.rocketchat.endpoints import PAGE_SIZE
from bulkjob.rocketchat.pacing.tickets import Limit

SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)


@pytest.mark.parametrize(
    ("calls", "departments", "shares"),
    [
        (None, 1, False),
        (10, 0, True),
        (10, 1, True),
        (10, 5 * PAGE_SIZE, True),
        (10, 5 * PAGE_SIZE + 1, False),
        (2, PAGE_SIZE, True),
        (2, PAGE_SIZE + 1, False),
        (1, 1, False),
        (600, 1000, True),
    ],
)
def test_lists_are_shared_where_they_cost_less(*, calls: int | None, departments: int, shares: bool) -> None:
    """Departments are looked up together under a limit, as long as their list takes no more than half a window; else one by one."""
    limit = None if calls is None else Limit(calls=calls, window=60.0)
    terms = terms_of(SERVER, limit, departments)
    assert (terms.shares_lists, terms.server) == (shares, SERVER)
