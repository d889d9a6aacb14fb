"""What holds for all tests: properties are checked on the same cases every time, no slow machine fails them, and no terminal is there."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("bulkjob", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bulkjob")

# The size of whoever's terminal: the processes that share the tests inherit it from readline, which sets it behind Python's back.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
