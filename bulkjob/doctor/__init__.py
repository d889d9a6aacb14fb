"""``bulkjob doctor``: what is looked at becomes facts, facts become findings, findings become a table.

facts (outlook: sheet and workspace) → findings (rights: permissions and routes) → table

In: settings, and perhaps a sheet. Out: findings and an exit code. Touches nothing that stays: `look` reads the server and the sheet, and
tries whether the run directory can be written.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
