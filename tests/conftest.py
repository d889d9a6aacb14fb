"""What holds for all tests: properties are checked on the same cases every time, and no slow machine fails them."""

from hypothesis import HealthCheck, settings

settings.register_profile("bulkjob", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bulkjob")
