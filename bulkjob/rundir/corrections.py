"""Where what is in a run directory may be corrected: beside it, as a run replaces its own files."""

from pathlib import Path


def room_for_corrections(directory: Path, name: str) -> Path:
    """Where a copy of the directory's file ``name`` may be corrected and run with the same directory: beside it, with its name before."""
    return directory.with_name(f"{directory.name}-{name}") if directory.name else directory.absolute().with_name(f"corrected-{name}")
