"""The sheet: a file's bytes come in, a `Sheet` of text goes out, and from a `Sheet` a `CheckedSheet` of problems and assignments.

read_sheet → parse → formats → Grid → headers.sheet_of → Sheet → checks.check → CheckedSheet

Only `reading` touches anything: it opens the file. What cannot be read ends in `Stop` with one sentence; what is wrong with a row is a
`Problem`, a value like any other.
"""

from bulkjob.sheet.apostrophe import guard, take_off_guard
from bulkjob.sheet.checks import check
from bulkjob.sheet.reading import parse, read_sheet
from bulkjob.sheet.text import comparable

__all__ = ["check", "comparable", "guard", "parse", "read_sheet", "take_off_guard"]
