"""What a measurement has found, and the folder where it is kept until it is made again."""

from pathlib import Path
from typing import Final

import msgspec

from benchmarks.figures import Figure

#: Where results lie below the folder of a page.
_RESULTS: Final = "results"


class Table(msgspec.Struct, frozen=True):
    """A table of a page."""

    columns: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """As lines of markdown."""
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (self.columns, ["---"] * len(self.columns), *self.rows))


class Measured(msgspec.Struct, frozen=True):
    """What a measurement returns."""

    tables: dict[str, Table]
    """By the names that the text around them calls them by."""
    figures: list[Figure]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement with its circumstances."""

    measured: Measured
    machine: str
    """What it ran on, how busy that was, and the peers' versions."""
    seconds: float
    scale: float
    """Share of the work that is measured as a rule."""


def keep(folder: Path, part: str, result: Result) -> None:
    """Writes the result of a measurement, in place of the one before."""
    (folder / _RESULTS).mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(result), indent=1)
    (folder / _RESULTS / f"{part}.json").write_bytes(data + b"\n")


def kept(folder: Path) -> dict[str, Result]:
    """Every result that there is, by its measurement."""
    files = sorted((folder / _RESULTS).glob("*.json"))
    return {file.stem: msgspec.json.decode(file.read_bytes(), type=Result) for file in files}
