"""The pages for people: report.html after a run or a rollback, plan.html for whoever approves a plan.

In: what is known of a run or a plan. Out: a `Story`, one frozen value, and from that the bytes of one self-contained page. Everything that
is decided, counted and worded is in the story; the templates only show it. Touches nothing but the templates, which it reads.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
