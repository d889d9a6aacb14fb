"""The page of the measurements: texts by hand, results by the machine."""

from importlib.util import find_spec
from pathlib import Path

import benchmarks
from benchmarks.figures import Aim, Figure, spread_of
from benchmarks.page import notes, order, written
from benchmarks.results import Measured, Result, Table, keep, kept

FOLDER = Path(benchmarks.__file__).parent
#: Characters that have room in the picture.
LONGEST = 66


def result(*figures: Figure, table: str = "gaps") -> Result:
    measured = Measured({table: Table(["a call takes", "at most"], [["0 ms", "7 ms"]])}, list(figures))
    return Result(measured=measured, machine="a machine", seconds=3, scale=1)


def test_the_page_is_what_its_texts_and_results_come_to() -> None:
    """Whoever changes a text, or measures something anew, writes the page anew: `python -m benchmarks --page`."""
    for name, text in written(kept(FOLDER)).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is not what it would be written as now"


def test_every_measurement_has_its_place() -> None:
    """Each has a module, a text, and a place on the page, and there are no others."""
    modules = {path.stem for path in (FOLDER / "parts").glob("*.py")} - {"__init__"}
    assert modules == set(order()) == notes().keys() - {"page"}
    assert len(order()) == len(set(order()))
    assert all(find_spec(f"benchmarks.parts.{name}") for name in order())
    assert kept(FOLDER).keys() <= modules


def test_results_come_back_as_they_were_kept(tmp_path: Path) -> None:
    """What one measurement found stays when another is made again."""
    one, other = result(Figure(what="a write", spread=spread_of([1.0, 2.0]), aim=Aim(1.5))), result()
    keep(tmp_path, "window", one)
    keep(tmp_path, "calls", other)
    assert kept(tmp_path) == {"calls": other, "window": one}


def test_tables_stand_where_the_texts_ask_for_them() -> None:
    """With the machine below them; what is not measured says so, and aims that are missed are told first."""
    missed = Figure(what="a colleague's edit", spread=spread_of([2.0]), aim=Aim(1))
    page = written({"window": result(missed)})["README.md"]
    assert "| 0 ms | 7 ms |" in page
    assert "a machine; measured in 3 s." in page
    assert "0 of 1 aims are met. These are not:" in page
    assert "| a colleague's edit | **2.00** | ≤ 1 |" in page
    assert "Not measured yet." in page
    assert "<!--" not in page


def test_what_was_measured_fits_into_the_picture() -> None:
    """Each figure is named in one line beside its bar."""
    assert [figure.what for one in kept(FOLDER).values() for figure in one.measured.figures if len(figure.what) > LONGEST] == []
