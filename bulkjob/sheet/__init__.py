"""A spreadsheet becomes rows that are checked: bytes → grid of text → `Sheet` → problems and assignments.

In: a path, or standard input. Out: a `CheckedSheet`, or a `Stop` in one sentence. Touches the sheet's file, and nothing of the server;
checks columns with pandas and Arrow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
