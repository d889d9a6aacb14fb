"""How messages name the workspace's things."""

from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Department, Unit, Workspace

NAMING = Naming(
    Workspace(
        departments={"d1": Department(id="d1", name="Sales", parent_id=None, archived=False)},
        units={"u1": Unit(id="u1", name="EMEA", visibility=None)},
        agents={},
    )
)


def test_names_come_with_ids() -> None:
    """Whatever is known is named by name and id."""
    assert (NAMING.department("d1"), NAMING.unit("u1"), NAMING.agent("a1", "anna")) == ('"Sales" (d1)', '"EMEA" (u1)', "@anna (a1)")


def test_unknown_ids_stand_for_themselves() -> None:
    """What was deleted, or cannot be listed, is named by its id."""
    unlisted = Naming(Workspace(departments={}, units=None, agents={}))
    assert (NAMING.department("d9"), NAMING.unit("u9"), unlisted.unit("u1"), NAMING.agent("a1", "")) == ('"d9"', '"u9"', '"u1"', '"a1"')


def test_what_is_known_of_before() -> None:
    """The name from before the job comes before the present one, that before one that is remembered of what may be gone."""
    naming = Naming(NAMING.workspace, {"u1": "EMEA"}, former={"u1": "Europe"}, remembered={"d1": "Vertrieb", "d9": "Support"})
    assert (naming.unit("u1"), naming.unit_name("u1")) == ('"Europe" → "EMEA" (u1)', "Europe")
    assert (naming.department("d1"), naming.department("d9"), naming.department_name("d9")) == ('"Sales" (d1)', '"Support" (d9)', "Support")
