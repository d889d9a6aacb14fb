"""What the texts of a sheet were taken to mean when its plan was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """Text of the sheet → the id that it stands for, of each kind; of a unit that is to be made what stands for its id (`new_unit`)."""

    departments: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    """Of live-chat agents; whom only a department's own list knows is looked up there each time."""
    monitors: Mapping[str, str] = field(default_factory=dict)
    """Of those who hold the role of a monitor."""

    def __bool__(self) -> bool:
        return bool(self.departments or self.units or self.agents or self.monitors)

    def in_units(self, ids: Mapping[str, str]) -> "Meanings":
        """The same with units that have been made by their ids."""
        return replace(self, units={text: ids.get(unit, unit) for text, unit in self.units.items()})


#: Nothing is known of what texts meant before.
NO_MEANINGS: Final = Meanings()
