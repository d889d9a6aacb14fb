"""Departments that changed units, drawn: as ribbons where they are few, as a table of unit by unit where they are many."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from bulkjob.phrases import counted, one_line
from bulkjob.report.pages.naturally import natural
from bulkjob.report.pages.story import Flow, Matrix, MatrixRow, Post, Ribbon, Ribbons

#: So many ribbons can be told apart.
MOST_RIBBONS: Final = 15
#: Units on one side of the table; the page stays a page.
MOST_UNITS: Final = 60


_WIDTH, _LEFT, _RIGHT, _BAR = 800, 250, 550, 10
_GAP, _ROOM, _LEAST, _TOP = 14, 320, 16, 8
_LONGEST_LABEL: Final = 30
#: Of a department that goes alone.
_THICKEST: Final = 32.0
_SHADES: Final = 6


def ribbons_of(flows: Sequence[Flow]) -> Ribbons | None:
    """The picture; None where there is nothing to draw, or too much."""
    if not 0 < len(flows) <= MOST_RIBBONS:
        return None
    left, right = _sums((flow.origin, flow.number) for flow in flows), _sums((flow.target, flow.number) for flow in flows)
    scale = min(_ROOM / max(sum(left.values()), 1), _THICKEST)
    thick = {place: max(flow.number * scale, 3.0) for place, flow in enumerate(flows)}
    origins, bottom = _posts(left, [(flow.origin, thick[place]) for place, flow in enumerate(flows)], left=True)
    targets, other = _posts(right, [(flow.target, thick[place]) for place, flow in enumerate(flows)], left=False)
    shades = {name: place % _SHADES for place, name in enumerate(left)}
    # Each ribbon begins below the one before it at its post.
    starts, ends = {name: post.y for name, post in origins.items()}, {name: post.y for name, post in targets.items()}
    drawn = []
    for place, flow in enumerate(flows):
        start, end = starts[flow.origin], ends[flow.target]
        starts[flow.origin] += thick[place]
        ends[flow.target] += thick[place]
        title = f"{flow.origin} to {flow.target}: {counted(flow.number, 'department')}"
        drawn.append(Ribbon(path=_path(start, end, thick[place]), shade=shades[flow.origin], title=title))
    posts = (*origins.values(), *targets.values())
    return Ribbons(width=_WIDTH, height=round(max(bottom, other)), ribbons=tuple(drawn), posts=posts)


def _sums(numbers: Iterable[tuple[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for name, number in numbers:
        sums[name] += number
    return sums


def _posts(sums: Counter[str], thick: Sequence[tuple[str, float]], *, left: bool) -> tuple[dict[str, Post], float]:
    """The units of one side from top to bottom, and where they end."""
    y, posts = float(_TOP), {}
    for name, number in sums.items():
        height = sum(one for other, one in thick if other == name)
        x = _LEFT if left else _RIGHT
        posts[name] = Post(
            label=one_line(name, _LONGEST_LABEL), name=name, number=number, x=x, y=round(y, 1), height=round(height, 1), left=left
        )
        y += max(height, _LEAST) + _GAP
    return posts, y


def _path(start: float, end: float, thick: float) -> str:
    """A band from the left posts to the right ones."""
    x, middle, to = _LEFT + _BAR, (_LEFT + _BAR + _RIGHT) / 2, _RIGHT
    there = f"M{x} {start:.1f}C{middle:.0f} {start:.1f} {middle:.0f} {end:.1f} {to} {end:.1f}"
    return f"{there}V{end + thick:.1f}C{middle:.0f} {end + thick:.1f} {middle:.0f} {start + thick:.1f} {x} {start + thick:.1f}Z"


def matrix_of(flows: Sequence[Flow]) -> Matrix | None:
    """The table; None where ribbons are drawn instead. Of very many units those that lose or gain most."""
    if len(flows) <= MOST_RIBBONS:
        return None
    origins, targets = _sums((flow.origin, flow.number) for flow in flows), _sums((flow.target, flow.number) for flow in flows)
    rows = sorted((name for name, _ in origins.most_common(MOST_UNITS)), key=natural)
    columns = sorted((name for name, _ in targets.most_common(MOST_UNITS)), key=natural)
    numbers = {(flow.origin, flow.target): flow.number for flow in flows}
    most = max(numbers.values())
    lines = []
    for origin in rows:
        cells = tuple(numbers.get((origin, target), 0) for target in columns)
        shades = tuple(-(-4 * cell // most) for cell in cells)
        lines.append(MatrixRow(origin=origin, cells=cells, shades=shades, total=sum(cells)))
    held = sum(line.total for line in lines)
    return Matrix(targets=tuple(columns), rows=tuple(lines), more=sum(numbers.values()) - held)
