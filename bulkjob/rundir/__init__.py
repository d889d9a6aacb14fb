"""The run directory: its name and lock, and the journal that survives everything.

In: what is about to be written, and what became of it. Out: the `History` of all attempts. Touches the run directory.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
