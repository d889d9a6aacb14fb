"""What people and programs get to read at the end: rows, files, terminal.

In: what is known of a run. Out: bytes of files, lines of text. Touches the run directory (`ending` writes there), the
terminal (`progress` draws there), and who is told of an end (`conclusion`); everything else here only words and renders.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
