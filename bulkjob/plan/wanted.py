"""What a row asks for, by ids."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one valid row asks for, by ids."""

    row: int
    department_id: str | None = None
    """None in a row about a unit only."""
    department_text: str = ""
    """As the sheet calls it; an id for somebody who writes ids."""
    unit_given: bool = False
    """Whether the row says anything about a unit."""
    unit_id: str | None = None
    """With `unit_given`: the unit that it names, or what stands for one that is to be made (`new_unit`); None for none."""
    unit_text: str = ""
    agent_id: str | None = None
    username: str = ""
    count: int | None = None
    order: int | None = None
    removes: bool = False
    monitor_id: str | None = None
    monitor_name: str = ""
    department_fields: tuple[tuple[str, str | bool], ...] = ()
    unit_fields: tuple[tuple[str, str], ...] = ()

    @property
    def about_unit(self) -> bool:
        """Whether it says in which unit its department is to be."""
        return self.unit_given and self.department_id is not None

    @property
    def monitor_leaves(self) -> bool:
        """Whether the monitor is to leave the unit; in a row with an agent the action is about the agent."""
        return self.removes and self.agent_id is None

    @property
    def about_the_unit_itself(self) -> bool:
        """Whether it says something of the unit beside which departments are in it."""
        return self.monitor_id is not None or bool(self.unit_fields)
