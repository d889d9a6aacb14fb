"""What rows can ask for, one module for each kind of change; and the plan that is made of changes.

In: values of `records`. Out: changes, their outcomes, and the operations that carry them. Touches nothing. A new kind of change is one
module here, a place in `kinds`, and the operation that is to carry it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
