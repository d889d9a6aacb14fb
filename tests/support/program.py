"""The program as it is typed, in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECRET = "s3cret-Zx9-of-the-service-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What came of a command."""

    exit: int
    out: str
    err: str
    rows: list[dict[str, str]]
    """results.csv of the run directory, by header in lower case; nothing if there is none."""
    folder: Path
    """The run directory."""


Program = Callable[..., Typed]
""""Types" a command, and returns what came of it; ``url``, ``user`` and ``token`` say whose server it works on."""
