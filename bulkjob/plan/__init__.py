"""From valid rows to a plan that may be sent: names become ids, what is wanted is compared with what is there.

In: a `CheckedSheet` (or the history of a run that is to be undone), and a client that only reads. Out: a `Prepared` plan and its
document, or a `Stop` that refuses it. `preparation` reads from the server and `approval` a file; everything else here decides and touches
nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
