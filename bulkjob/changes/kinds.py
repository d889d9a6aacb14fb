"""All kinds of change, for whoever reads them from a file. A new kind is a module of this package and a place in these two lines."""

from bulkjob.changes.department_agent import DepartmentAgent, DepartmentAgentEntry
from bulkjob.changes.department_unit import DepartmentUnit, DepartmentUnitEntry

AnyChange = DepartmentUnit | DepartmentAgent

AnyEntry = DepartmentUnitEntry | DepartmentAgentEntry
