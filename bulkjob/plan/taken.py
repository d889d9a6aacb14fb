"""New names that something else bears: what would leave two things with one name, or one name with two meanings."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bulkjob.phrases import quoted, rows_listed
from bulkjob.plan.wanted import Wanted
from bulkjob.sheet import caseless, stripped


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A row that names a thing, and perhaps renames it."""

    row: int
    id: str
    text: str
    """As the sheet calls it."""
    new: str = ""
    """The name that it is to have; blank where the row does not rename it."""

    @property
    def by_name(self) -> bool:
        """Whether the thing is called by a name; ids may exchange names."""
        return self.text != self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A name that cannot be given."""

    renaming: tuple[int, ...]
    using: tuple[int, ...]
    """Rows that call something by it."""
    message: str


def department_uses(wanted: Iterable[Wanted]) -> list[Use]:
    """The rows that name departments."""
    return [
        Use(row=row.row, id=row.department_id, text=row.department_text, new=_name_in(row.department_fields))
        for row in wanted
        if row.department_id is not None
    ]


def unit_uses(wanted: Iterable[Wanted]) -> list[Use]:
    """The rows that name units."""
    return [
        Use(row=row.row, id=row.unit_id, text=row.unit_text, new=_name_in(row.unit_fields)) for row in wanted if row.unit_id is not None
    ]


def _name_in(fields: Sequence[tuple[str, str | bool]]) -> str:
    return next((str(value) for name, value in fields if name == "name"), "")


def taken_names(uses: Sequence[Use], present: Mapping[str, str], named: Callable[[str], str]) -> Iterator[Taken]:
    """The names that rows give and that cannot be given. ``present``: id → name of today, archived things aside."""
    renamings: dict[str, str] = {use.id: use.new for use in uses if use.new and stripped(present.get(use.id, "")) != use.new}
    if not renamings:
        return
    today, after = _by_name(present.items()), _by_name({**present, **renamings}.items())
    by_id: dict[str, list[Use]] = defaultdict(list)
    users: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        if use.new and use.id in renamings:
            by_id[use.id].append(use)
        if use.by_name:
            users[caseless(use.text)].append(use)
    for key in dict.fromkeys(map(caseless, renamings.values())):
        givers = [identifier for identifier, new in renamings.items() if caseless(new) == key]
        others = sorted(today.get(key, set()) - set(givers))
        rows = [use for identifier in givers for use in by_id[identifier]]
        called = users.get(key, []) if others else []
        refused = bool(others) and (bool(called) or any(use.by_name for use in rows))
        if not refused and len(after[key]) < 2:
            continue
        renaming, using = tuple(sorted({use.row for use in rows})), tuple(sorted({use.row for use in called}))
        new = rows[0].new
        reason = f"{named(others[0])} has it" if others else "two would have it"
        where = rows_listed(sorted({*renaming, *using}))
        message = (
            f"The new name {quoted(new)} is taken: {reason} ({where}). Choose another name; to exchange names, write the ids of both "
            "instead of their names."
        )
        yield Taken(renaming=renaming, using=using, message=message)


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for identifier, name in pairs:
        found[caseless(name)].add(identifier)
    return found
