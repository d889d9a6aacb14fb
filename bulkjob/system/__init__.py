"""What the operating system gives and takes: signals, the log, standard streams, files that are written whole or not at all.

In: bytes, paths, what to do on a signal. Out: nothing but effects. Touches the process and the file system.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
