"""The picture of all figures: a bar for each, against the one line that says what the aim allows."""

from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.figures import Figure

_WIDTH: Final = 1000
_LABELS: Final = 460
_VALUES: Final = 190
_LINE: Final = 24
_BAR: Final = 12
_GROUP: Final = 34
_TOP: Final = 58

#: Twice what the aim allows is where the picture ends.
_MOST: Final = 2.0

#: Light, and the same for whoever reads on a dark page.
_STYLE: Final = """
    .page { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600; font-size: 15px }
    .group { font-weight: 600 } .quiet { fill: #59636e } .value { font-variant-numeric: tabular-nums }
    .met { fill: #2f81c4 } .missed { fill: #d1651d } .aim { stroke: #1f2328; stroke-width: 1.5 } .grid { stroke: #d1d9e0 }
    .spread { stroke: #1f2328; stroke-width: 1.5; opacity: 0.75 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 } .met { fill: #4493d8 } .missed { fill: #e8833a }
      .aim, .spread { stroke: #e6edf3 } .grid { stroke: #30363d }
    }"""


def picture(groups: Sequence[tuple[str, Sequence[Figure]]]) -> str:
    """An SVG with the figures of each group; those without figures are left out."""
    shown = [(title, figures) for title, figures in groups if figures]
    height = _TOP + sum(_GROUP + _LINE * len(figures) for _, figures in shown) + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">What was measured, over what its aim allows</title>\n<style>{_STYLE}\n</style>',
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
        _text(16, 26, "What was measured, over what its aim allows", "title"),
        _text(
            16,
            44,
            "Shorter is better: left of the line the aim is met. Thin lines are the middle half; the picture ends at twice the aim.",
            "quiet",
        ),
        *_scale(height),
    ]
    y = _TOP
    for title, figures in shown:
        lines.append(_text(16, y + 22, title, "group"))
        y += _GROUP
        for figure in figures:
            lines += _bar(figure, y)
            y += _LINE
    return "\n".join([*lines, "</svg>", ""])


def _x(share: float) -> float:
    """Where a share of what the aim allows is."""
    return _LABELS + min(share, _MOST) / _MOST * (_WIDTH - _LABELS - _VALUES)


def _scale(height: int) -> list[str]:
    marks = {0.5: "grid", 1.0: "aim", 1.5: "grid", 2.0: "grid"}
    lines = [f'<path class="{kind}" d="M{_x(share):.1f} {_TOP + 8}V{height - 16}"/>' for share, kind in marks.items()]
    return [*lines, f'<text x="{_x(1.0):.1f}" y="{_TOP + 4}" text-anchor="middle">the aim</text>']


def _bar(figure: Figure, y: int) -> list[str]:
    share = figure.aim.share(figure.spread.median)
    low, high = sorted(figure.aim.share(value) if value else _MOST for value in (figure.spread.low, figure.spread.high))
    middle, kind = y + _LINE / 2, "met" if figure.met else "missed"
    told = figure.told().partition(" (")[0]
    width = max(_x(share) - _LABELS, 1)
    lines = [
        _text(16, middle + 4, figure.what.replace("`", "")),
        f'<rect class="{kind}" x="{_LABELS}" y="{middle - _BAR / 2:.1f}" width="{width:.1f}" height="{_BAR}" rx="2"/>',
        _text(_WIDTH - _VALUES + 10, middle + 4, f"{told} ({figure.aim.told(figure.unit)}){'' if figure.met else '  missed'}", "value"),
    ]
    if high > low:
        lines.append(f'<path class="spread" d="M{_x(low):.1f} {middle:.1f}H{_x(high):.1f}"/>')
    return lines


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{of_kind}>{escape(text)}</text>'
