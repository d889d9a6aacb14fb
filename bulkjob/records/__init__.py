"""The values that pass between the parts of a run: of the sheet, of the server, of the plan, and of the report.

In and out: nothing but values; every record is frozen. Touches nothing, and loads neither pandas nor aiohttp (the frame that a `Sheet`
holds is made by those who read it).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
