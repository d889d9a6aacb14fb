"""The workspace's present assignments as a sheet that a run accepts and finds unchanged.

In: a workspace. Out: rows, and the bytes of a CSV file or a workbook. Touches nothing; the command writes the file.
Whether a name can be written is asked of the sheet's own checks, which check columns with pandas.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
