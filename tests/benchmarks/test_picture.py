"""The picture of the figures."""

from xml.etree import ElementTree as ET

from benchmarks.figures import Aim, Figure, Spread, spread_of
from benchmarks.picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def figure(median: float, what: str = "a write", **more: float) -> Figure:
    return Figure(what=what, spread=Spread(more.get("low", median), median, more.get("high", median)), aim=Aim(1))


def drawn(*figures: Figure) -> ET.Element:
    return ET.fromstring(picture([("Writes", figures), ("Nothing", [])]))  # noqa: S314 - made here


def bars(root: ET.Element) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}rect") if each.get("class") in {"met", "missed"}]


def test_a_bar_for_each_figure() -> None:
    """Twice as long for twice the share of its aim, and of another kind where the aim is missed; nothing is longer than the picture."""
    found = bars(drawn(figure(0.5), figure(1.0), figure(1.5), figure(40)))
    assert [bar.get("class") for bar in found] == ["met", "met", "missed", "missed"]
    widths = [float(bar.get("width", 0)) for bar in found]
    assert widths[1] == 2 * widths[0]
    assert widths[2] < widths[3] == 2 * widths[1]


def test_what_is_missed_is_said_not_only_coloured() -> None:
    """Whoever sees no colours reads it."""
    texts = ["".join(each.itertext()) for each in drawn(figure(0.5), figure(1.5)).iter(f"{SVG}text")]
    assert [text for text in texts if text.endswith("missed")] == ["1.50 (≤ 1)  missed"]
    assert "Nothing" not in texts


def test_spread_is_a_line() -> None:
    """From the lower to the upper end of the middle half, where there is one."""

    def lines(shown: Figure) -> int:
        return sum(each.get("class") == "spread" for each in drawn(shown).iter(f"{SVG}path"))

    assert [lines(figure(1, low=0.9, high=1.2)), lines(figure(1))] == [1, 0]


def test_texts_are_escaped() -> None:
    """A name with the signs of markup is shown as it is."""
    assert "a < b & c" in "".join(drawn(Figure(what="a < b & c", spread=spread_of([1]), aim=Aim(1))).itertext())


def test_it_follows_the_page_s_colours() -> None:
    """It has colours for a dark page, too, and one of its own behind all of it."""
    text = picture([("Writes", [figure(1)])])
    assert "@media (prefers-color-scheme: dark)" in text
    assert 'class="page"' in text
