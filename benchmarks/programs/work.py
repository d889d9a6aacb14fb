"""The work that is measured, each in a process of its own: ``python work.py NAME FILE`` prints its seconds and its memory.

Imports are not what is measured here, so that each comes before the clock starts; what starting costs is measured by `parts/starting.py`.
"""

import csv
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_LARGEST = 2**31 - 1


def bare_csv(path: Path) -> object:
    """The standard library's csv module into a pandas frame of text."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        headers = next(reader)
        return _module("pandas").DataFrame(list(reader), columns=headers, dtype="str")


def calamine(path: Path) -> object:
    """Calamine's cells as Python values."""
    return _module("python_calamine").load_workbook(path).get_sheet_by_index(0).to_python()


def ours(path: Path) -> object:
    """The sheet, read."""
    return _module("bulkjob.sheet.reading").read_sheet(path)


def ours_checked(path: Path) -> object:
    """The sheet, read and checked."""
    sheet = _module("bulkjob.sheet.reading").read_sheet(path)
    return _module("bulkjob.sheet.checks").check(sheet).problems


def by_pandera(path: Path) -> object:
    """The same rules, by pandera on a frame that pandas' own reader makes."""
    pandas, pandera = _module("pandas"), _module("pandera.pandas")
    column, check = pandera.Column, pandera.Check
    number = column(str, check(lambda texts: texts.eq("") | (texts.str.fullmatch("[0-9]{1,10}") & (texts.str.len() < 10))))
    text = column(str, check(lambda texts: texts.str.strip().ne("")))
    schema = pandera.DataFrameSchema(
        {"department": text, "unit": column(str), "agent": column(str), "count": number, "order": number}
        | {"action": column(str, check.isin(["", "add", "remove"]))}
    )
    return schema.validate(pandas.read_csv(path, dtype=str, keep_default_na=False), lazy=True)


def by_pydantic(path: Path) -> object:
    """The same rules, by a pydantic model for each row of the csv module."""
    pydantic, typing = _module("pydantic"), _module("typing")
    number = typing.Annotated[int, pydantic.Field(ge=0, le=_LARGEST)]
    fields: dict[str, Any] = {
        "department": (typing.Annotated[str, pydantic.Field(min_length=1)], ...),
        **dict.fromkeys(("unit", "agent", "note"), (str, "")),
        **dict.fromkeys(("count", "order"), (number | None, None)),
        "action": (typing.Literal["", "add", "remove"], ""),
    }
    model = pydantic.create_model("Row", **fields)
    with path.open(newline="", encoding="utf-8") as file:
        return [model.model_validate({key: value for key, value in row.items() if value}) for row in csv.DictReader(file)]


def by_frictionless(path: Path) -> object:
    """The same rules, by a frictionless schema."""
    frictionless = _module("frictionless")
    number = {"type": "integer", "constraints": {"minimum": 0, "maximum": _LARGEST}}
    fields: Sequence[dict[str, Any]] = [
        {"name": "department", "type": "string", "constraints": {"required": True}},
        *({"name": name, "type": "string"} for name in ("unit", "agent")),
        *({"name": name, **number} for name in ("count", "order")),
        {"name": "action", "type": "string", "constraints": {"enum": ["add", "remove"]}},
        {"name": "note", "type": "string"},
    ]
    schema = frictionless.Schema.from_descriptor({"fields": fields})
    return frictionless.validate(frictionless.Resource(path=path.name, basepath=str(path.parent), schema=schema))


def nearest(path: Path) -> object:
    """A thousand names that are not there among ten thousand; the file does not matter."""
    del path
    alike = _module("bulkjob.plan.alike").Alike(_known())
    return [alike.nearest(f"Departmnt {place} of Unt {place % 60}") for place in range(1_000)]


def nearest_of_all(path: Path) -> object:
    """Twenty of these names, each compared with all by difflib."""
    del path
    close, known = _module("difflib").get_close_matches, _known()
    return [close(f"Departmnt {place} of Unt {place % 60}", known, n=3, cutoff=0.6) for place in range(20)]


def last_of_their_units(path: Path) -> object:
    """Fifty thousand departments leave two thousand units by their own route; the file does not matter."""
    del path
    department, move = _module("bulkjob.records").Department, _module("bulkjob.changes").DepartmentUnit
    numbers, there = range(50_000), {}
    for number in numbers:
        there[f"d{number}"] = department(id=f"d{number}", name="", parent_id=f"u{number % 2_000}", archived=False)
    moves = [move(department_id=f"d{number}", unit_id=None, rows=(number,)) for number in numbers]
    return _module("bulkjob.plan.emptying").last_of_their_units(moves, there)


def _known() -> list[str]:
    return [f"Department {place} of Unit {place % 60}" for place in range(10_000)]


#: Work by its name, with the modules that it imports.
WORK: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "bare csv": (bare_csv, ("pandas", "pyarrow")),
    "calamine": (calamine, ("python_calamine",)),
    "ours": (ours, ("bulkjob.sheet.reading",)),
    "ours, checked": (ours_checked, ("bulkjob.sheet.reading", "bulkjob.sheet.checks")),
    "pandera": (by_pandera, ("pandas", "pandera.pandas")),
    "pydantic": (by_pydantic, ("pydantic", "typing")),
    "frictionless": (by_frictionless, ("frictionless",)),
    "nearest": (nearest, ("bulkjob.plan.alike",)),
    "nearest of all": (nearest_of_all, ("difflib",)),
    "last of their units": (last_of_their_units, ("bulkjob.records", "bulkjob.changes", "bulkjob.plan.emptying")),
}


def _module(name: str) -> Any:  # noqa: ANN401  # most of these are not installed where this is checked
    return sys.modules[name]


def main() -> None:
    """Does the work once and prints what it took."""
    work, modules = WORK[sys.argv[1]]
    for module in modules:
        importlib.import_module(module)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, processor = time.perf_counter(), time.process_time()
    kept = work(Path(sys.argv[2]))
    seconds = {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    del kept
    print(json.dumps({**seconds, "memory": memory * 1024}))


if __name__ == "__main__":
    main()
