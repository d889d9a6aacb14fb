"""Which rows have to stay together because one renames what the other names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bulkjob.records import Sheet
from bulkjob.sheet import caseless, stripped


def renaming_rows(sheet: Sheet, column: str, known: Mapping[str, str]) -> Mapping[int, frozenset[int]]:
    """Row → the rows that rename the thing which it names in a column (``department``, ``unit``); rows of which nothing is are absent.

    By ids where it is ``known`` what a text means, else by the texts: then a thing is what rows call it before or after the renaming.
    """
    names, new_names = _texts(sheet, column), _texts(sheet, f"new {column} name")
    if not any(new_names):
        return {}
    rows: list[int] = sheet.cells.index.tolist()

    def thing(text: str) -> str:
        return known.get(text) or (text if text in ids else caseless(text))

    ids = frozenset(known.values())
    renaming: dict[str, set[int]] = defaultdict(set)
    for row, name, new in zip(rows, names, new_names, strict=True):
        if name and new:
            for text in (name, new):
                renaming[thing(text)].add(row)
    found = {key: frozenset(group) for key, group in renaming.items()}
    return {row: found[key] for row, name in zip(rows, names, strict=True) if name and (key := thing(name)) in found}


def _texts(sheet: Sheet, column: str) -> Sequence[str]:
    position = sheet.positions.get(column)
    return [""] * len(sheet.cells.index) if position is None else [stripped(text) for text in sheet.cells[position].tolist()]
