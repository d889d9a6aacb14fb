"""All kinds of change, for whoever reads them from a file. A new kind is a module of this package and a place in these two lists."""

from bulkjob.changes.department_agent import DepartmentAgent, DepartmentAgentEntry
from bulkjob.changes.department_field import DepartmentField, DepartmentFieldEntry
from bulkjob.changes.department_unit import DepartmentUnit, DepartmentUnitEntry
from bulkjob.changes.new_unit import NewUnit, NewUnitEntry
from bulkjob.changes.unit_field import UnitField, UnitFieldEntry
from bulkjob.changes.unit_monitor import UnitMonitor, UnitMonitorEntry

AnyChange = DepartmentUnit | DepartmentAgent | DepartmentField | UnitField | UnitMonitor | NewUnit

AnyEntry = DepartmentUnitEntry | DepartmentAgentEntry | DepartmentFieldEntry | UnitFieldEntry | UnitMonitorEntry | NewUnitEntry
