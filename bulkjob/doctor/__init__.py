"""What stands in the way of a run: facts become findings, each with its remedy. Nothing is asked for here; `doctor_command` does that.

facts (outlook: sheet and workspace) → findings (rights: permissions and routes) → table
"""

from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts, SheetFacts, Window
from bulkjob.doctor.finding import Finding, State
from bulkjob.doctor.findings import exit_code_of, findings_of
from bulkjob.doctor.outlook import Outlook, outlook
from bulkjob.doctor.table import table

__all__ = [
    "DirectoryFacts",
    "Facts",
    "Finding",
    "ListName",
    "Listed",
    "Outlook",
    "ServerFacts",
    "SheetFacts",
    "State",
    "Window",
    "exit_code_of",
    "findings_of",
    "outlook",
    "table",
]
