"""A whole job that meets odd answers: garbled, out of nothing, or none, before or after the server did its work."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.vocabulary import Exit
from tests.job.test_laws import Case, cases, every_row_once, law, nothing_else_changed, success_is_held
from tests.support.oddities import Odd, Oddity, oddities_of_calls
from tests.support.rehearsal import rehearse


@law(60)
@given(case=cases(), oddities=st.lists(oddities_of_calls, max_size=40), for_ever=st.booleans(), mirror=st.booleans())
def test_nothing_odd_makes_a_job_lie(
    tmp_path_factory: pytest.TempPathFactory, *, case: Case, oddities: list[Oddity | None], for_ever: bool, mirror: bool
) -> None:
    """The job ends by itself with every row in the report, calls nothing done that is not, and is told of no defect of its own."""
    ran: Any = rehearse(
        tmp_path_factory.mktemp("job"),
        case.state,
        case.sheet,
        before_it=lambda transport: Odd(transport, oddities, for_ever=for_ever),
        agents="mirror" if mirror else "add",
    )
    assert ran.exit != Exit.DEFECT, ran.log
    assert ran.seconds < 86_400
    every_row_once(case, ran)
    success_is_held(case, ran)
    nothing_else_changed(case, ran, mirror=mirror)
