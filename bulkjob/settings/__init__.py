"""Flags, environment and defaults become one frozen `Settings`.

In: the flags as argparse gives them, and the environment. Out: `Settings`, or the sentences that say what is missing or wrong. Touches
the files that hold secrets, nothing else.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
