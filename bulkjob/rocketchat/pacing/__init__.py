"""When the next call of a route may go out: limits and their windows, tickets for calls, and the server's clock.

In: what answers announced, and what time it is. Out: tickets, and how long to wait for one. Touches nothing: the time is a parameter.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
