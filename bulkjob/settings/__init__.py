"""Flags, environment and defaults become one frozen `Settings`.

In: the flags as argparse gives them, the environment, and the settings file. Out: `Settings`, or the sentences that say what is missing or
wrong; the mask that keeps secrets out of words; the flags for a printed next step. Touches the settings file and the files
that hold secrets, nothing else.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
