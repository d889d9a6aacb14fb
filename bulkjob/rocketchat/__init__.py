"""Everything that is known about Rocket.Chat's API, and the client that speaks it.

In: settings, and requests made by `endpoints`. Out: records of what the server holds, or `CallFailed` with what to do next. Touches the
network and the clock; what requests and answers mean (`endpoints`, `payloads`, `answers`, `refusals`, `failures`, `pacing`) is pure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
