"""The page: texts written by hand, with what was measured in their midst."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.picture import picture
from benchmarks.results import Result

PAGE: Final = "README.md"
PICTURE: Final = "ratios.svg"

_NOTES: Final = Path(__file__).parent / "notes"

#: What a text asks for: ``<!-- part: writes -->``, ``<!-- table: processor -->``, ``<!-- figures -->``.
_ASKED: Final = re.compile(r"<!-- (?P<what>part|table|figures)(?:: (?P<name>[a-z ]+))? -->")


def notes() -> Mapping[str, str]:
    """The texts by their names: one of each measurement, and ``page`` with all of them."""
    return {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(_NOTES.glob("*.md"))}


def order() -> list[str]:
    """The measurements in the order of the page."""
    return [found["name"] for found in _ASKED.finditer(notes()["page"]) if found["what"] == "part"]


def written(results: Mapping[str, Result]) -> dict[str, str]:
    """File name → its text: the page and its picture. A measurement that has not been made is said to be missing."""
    texts = notes()

    def part(name: str) -> str:
        if name not in results:
            return f"## {titles()[name]}\n\nNot measured yet."
        result = results[name]
        tables = result.measured.tables
        told = _ASKED.sub(lambda found: tables[found["name"]].markdown(), texts[name])
        return f"{told}\n\n{_circumstances(result)}"

    def asked(found: re.Match[str]) -> str:
        return part(found["name"]) if found["what"] == "part" else _figures(results)

    groups = [(titles()[name], results[name].measured.figures) for name in order() if name in results]
    return {PAGE: _ASKED.sub(asked, texts["page"]) + "\n", PICTURE: picture(groups)}


def titles() -> dict[str, str]:
    """The heading of each measurement."""
    return {name: text.partition("\n")[0].lstrip("# ") for name, text in notes().items()}


def _circumstances(result: Result) -> str:
    share = "" if result.scale == 1 else f"; {result.scale:g} of the work"
    return f"<sub>{result.machine}; measured in {result.seconds:.0f} s{share}.</sub>"


def _figures(results: Mapping[str, Result]) -> str:
    """How many aims are met, and a line for each that is not."""
    figures = [(name, figure) for name in order() if name in results for figure in results[name].measured.figures]
    missed = [f"| {figure.what} | {figure.told(bold=True)} | {figure.aim.told(figure.unit)} |" for _, figure in figures if not figure.met]
    told = f"{len(figures) - len(missed)} of {len(figures)} aims are met."
    if not missed:
        return told
    return "\n".join([f"{told} These are not:", "", "| what | measured | aim |", "| --- | --- | --- |", *missed])
