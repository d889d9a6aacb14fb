"""Carries out a plan: each operation after those it waits for, with the state before it on disk first, and looked at afterwards.

In: a `Plan`, a client, a journal. Out: the outcome of every change. Touches the server and the journal; `compose` and `verify` only decide.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
