"""The sheet: a file becomes a `Sheet` of text, and a `Sheet` a `CheckedSheet` of problems and assignments.

read_sheet → parse → csvfile | xlsx | xls | ods → Grid → meaning.sheet_of → Sheet → checks.check → CheckedSheet
"""

from bulkjob.sheet.checks import check
from bulkjob.sheet.guard import guard, take_off_guard
from bulkjob.sheet.reading import parse, read_sheet
from bulkjob.sheet.text import comparable

__all__ = ["check", "comparable", "guard", "parse", "read_sheet", "take_off_guard"]
