"""The page in a real browser: search, status, order, links, files, dark, paper, keyboard, and nothing that a cell does by itself."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver import Keys

from bulkjob.report.pages import render_page
from bulkjob.report.pages.story import TableRow
from bulkjob.report.results import csv_of_rows
from bulkjob.vocabulary import OUTCOME_COLUMNS, Code, Exit, Stop
from tests.support.browser import AXE, AXE_MISSING, MISSING, Browser, browsing, installed, until
from tests.support.pages import HOSTILE, hostile_state, page_of, reorganisation, state_of, story_of, workspace

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)

#: Seconds in which 20,000 rows are there, and in which they are searched or sorted; a machine that does nothing else takes a tenth.
OPENING, FINDING = 10.0, 4.0

LATE: Final = Stop(Exit.UNAVAILABLE, "The server cannot be reached.")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def small(browser: Browser, tmp_path: Path) -> Browser:
    """A page of 230 rows, 23 of them failed."""
    browser.media()
    browser.opens(page_of(reorganisation(230)), tmp_path)
    return browser


class TestRows:
    def test_slices(self, small: Browser) -> None:
        """A hundred rows are shown at a time, and one can turn over."""
        assert small.column(1) == [str(row) for row in range(2, 102)]
        small.clicks("#forth")
        small.clicks("#forth")
        assert small.column(1) == [str(row) for row in range(202, 232)]
        assert small.one("#forth").is_enabled() is False
        assert small.texts("#place") == ["201 to 230 of 230"]

    def test_the_sheets_columns_come_first(self, small: Browser) -> None:
        """Row, then the sheet's own columns in their order, then what became of it."""
        assert small.texts("#table thead th") == [
            "Row",
            "department",
            "unit",
            "agent",
            "order",
            "team",
            "comment",
            "Status",
            "What happened",
        ]

    def test_search(self, small: Browser) -> None:
        """Rows with all words, wherever in the row, in any case; the number found is said, and the way back is offered."""
        small.one("#search").send_keys("number 2 TEAM agent12")
        found = small.column(4)
        assert found
        assert all("agent12" in name for name in found)
        assert small.texts("#shown") == [f"{len(found)} of 230 rows."]
        small.clicks("#clear")
        assert small.texts("#shown") == ["230 rows."]
        small.one("#search").send_keys("nobody has this")
        assert small.column(1) == []
        assert small.texts("#shown")[0].startswith("No row fits")

    def test_status(self, small: Browser) -> None:
        """A chip shows the rows of one kind, two those of both, and says whether it is on."""
        small.clicks('.chip[data-kind="failed"]')
        assert set(small.column(8)) == {"failed"}
        assert len(small.column(1)) == 23
        assert small.one('.chip[data-kind="failed"]').get_attribute("aria-pressed") == "true"
        small.clicks('.chip[data-kind="changed"]')
        assert small.texts("#shown") == ["230 rows."]

    def test_order(self, small: Browser) -> None:
        """A header sorts by its column, numbers as numbers, a second time the other way round, and says so."""
        small.clicks("#table thead th:nth-child(4) button")
        names = small.column(4)
        assert names[:3] == ["agent0", "agent1", "agent2"]
        assert names.index("agent9") < names.index("agent10")
        assert small.one("#table thead th:nth-child(4)").get_attribute("aria-sort") == "ascending"
        small.clicks("#table thead th:nth-child(4) button")
        assert small.column(4)[0] == "agent229"
        assert small.one("#table thead th:nth-child(4)").get_attribute("aria-sort") == "descending"

    def test_links_of_cards_lead_to_their_rows(self, small: Browser) -> None:
        """A row's number on a card leads to the row, also where another slice or a search hides it; a second time, too."""
        small.one("#search").send_keys("nobody has this")
        for _ in range(2):
            small.runs("""document.querySelector('.card a[href="#row-225"]').click()""")
            until(lambda: bool(small.finds("#row-225.found")))
            assert small.driver.switch_to.active_element.get_attribute("id") == "row-225"
            small.clicks("#back")

    def test_address_with_a_row(self, browser: Browser, tmp_path: Path) -> None:
        """A link to a row that somebody sent opens there."""
        browser.opens(page_of(reorganisation(230)), tmp_path, fragment="#row-150")
        assert browser.column(1)[0] == "102"
        assert browser.finds("#row-150.found")

    def test_cards_filter(self, small: Browser) -> None:
        """A card shows its rows in the table."""
        small.runs("document.querySelector('[data-show]').click()")
        assert len(small.column(1)) == 23
        assert small.texts("#shown") == ["23 of 230 rows (Accepted, but not done)."]


class TestFiles:
    def test_rows_of_a_card(self, small: Browser) -> None:
        """A card's rows come as a CSV with the sheet's own columns and the outcome, as results.csv has them."""
        small.runs("document.querySelector('[data-save]').click()")
        header, *rows = csv.reader(io.StringIO(small.downloaded("reorg-not-applied.csv").decode("utf-8-sig"), newline=""))
        assert header == ["department", "unit", "agent", "order", "team", "comment", *OUTCOME_COLUMNS[:5]]
        assert [row[6:10] for row in rows] == [[str(row), "failed", "", "not-applied"] for row in range(5, 232, 10)]

    def test_no_cell_starts_a_formula(self, browser: Browser, tmp_path: Path) -> None:
        """What is saved is, cell by cell, what results.csv would hold: guarded, quoted and whole."""
        story = story_of(hostile_state())
        browser.opens(render_page(story).decode(), tmp_path)
        browser.clicks("#save")
        saved = browser.downloaded("reorg-rows.csv").decode("utf-8-sig")
        rows = [(*story.table.headers, *OUTCOME_COLUMNS[:5]), *map(_as_saved, story.table.rows)]
        assert list(csv.reader(io.StringIO(saved, newline=""))) == list(
            csv.reader(io.StringIO(csv_of_rows(rows).decode("utf-8-sig"), newline=""))
        )
        assert "'=cmd" in saved


def _as_saved(row: TableRow) -> tuple[str, ...]:
    return (*row.cells, str(row.row), row.status, row.change, row.code, row.message)


class TestHarmless:
    def test_cells_do_nothing(self, browser: Browser, tmp_path: Path) -> None:
        """A cell, header, name or message that says ``<script>`` is shown, and runs nowhere."""
        browser.opens(page_of(hostile_state()), tmp_path)
        assert browser.runs("return window.hacked") is None
        shown = browser.column(5)
        assert [text for text in HOSTILE if text.isprintable() and text.strip("'") not in {cell.strip("'") for cell in shown}] == []
        assert browser.texts("#table thead th")[4] == HOSTILE[0]
        assert browser.complaints() == []

    def test_what_gets_in_cannot_run(self, small: Browser) -> None:
        """Even a script that found its way into the page is not run by the browser."""
        small.runs("const one = document.createElement('script'); one.textContent = 'window.hacked = 1'; document.body.append(one)")
        small.runs("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')")
        assert small.runs("return window.hacked") is None
        assert any("Content Security Policy" in complaint for complaint in small.complaints())

    def test_nothing_is_asked_for(self, browser: Browser, tmp_path: Path) -> None:
        """Opened, searched, sorted, saved and printed, the page asks nothing of anybody."""
        browser.opens(page_of(reorganisation(230)), tmp_path)
        browser.one("#search").send_keys("agent1")
        browser.clicks("#table thead th:nth-child(2) button")
        browser.clicks("#save")
        browser.downloaded("reorg-rows.csv")
        browser.driver.print_page()
        assert browser.requests() == []
        assert browser.complaints() == []


class TestLooks:
    def test_dark(self, small: Browser) -> None:
        """Whoever likes it dark gets it dark."""
        background = "return getComputedStyle(document.body).backgroundColor"
        small.media(prefers_color_scheme="light")
        light = small.runs(background)
        small.media(prefers_color_scheme="dark")
        assert _brightness(light) > 200
        assert _brightness(small.runs(background)) < 60

    def test_paper(self, small: Browser) -> None:
        """On paper everything is open, light and without buttons, and a long table is whole."""
        small.media(media="print", prefers_color_scheme="dark")
        small.runs("window.dispatchEvent(new Event('beforeprint'))")
        assert small.finds("details:not([open])") == []
        assert len(small.column(1)) == 230
        assert [
            one for one in small.finds("button, input") if one.is_displayed() and one.find_elements("xpath", "ancestor::thead") == []
        ] == []
        assert _brightness(small.runs("return getComputedStyle(document.body).backgroundColor")) == 255
        small.runs("window.dispatchEvent(new Event('afterprint'))")
        assert len(small.column(1)) == 100
        small.media()
        assert base64.b64decode(small.driver.print_page()).startswith(b"%PDF")

    @pytest.mark.parametrize("width", [500, 1280])
    def test_nothing_sticks_out(self, browser: Browser, tmp_path: Path, width: int) -> None:
        """Narrow or wide, the page itself does not scroll sideways."""
        browser.opens(page_of(reorganisation(230, units=60)), tmp_path, width=width)
        assert browser.runs("return document.documentElement.scrollWidth <= window.innerWidth")

    def test_keyboard(self, small: Browser) -> None:
        """The first key leads past everything to the rows, and every control has a name and can be reached."""
        small.one("body").send_keys(Keys.TAB)
        assert small.driver.switch_to.active_element.text == "Skip to all rows"
        small.driver.switch_to.active_element.send_keys(Keys.ENTER)
        small.driver.switch_to.active_element.send_keys(Keys.TAB)
        assert small.driver.switch_to.active_element.get_attribute("id") == "search"
        assert small.runs("return [...document.querySelectorAll('button')].filter(one => !one.textContent || one.tabIndex < 0).length") == 0


def _brightness(colour: str) -> int:
    return max(int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3])


def test_20000_rows(browser: Browser, tmp_path: Path) -> None:
    """Twenty thousand rows are opened, searched and sorted within the stated times."""
    browser.opens(page_of(reorganisation(20_000, units=60)), tmp_path)
    assert browser.texts("#shown") == ["20,000 rows."]
    assert browser.runs("return performance.getEntriesByType('navigation')[0].loadEventEnd") < OPENING * 1000
    timed = "const began = performance.now(); {} return performance.now() - began"
    search = "const one = document.getElementById('search'); one.value = 'd19876'; one.dispatchEvent(new Event('input'));"
    assert browser.runs(timed.format(search)) < FINDING * 1000
    assert browser.column(1) == ["19878"]
    browser.clicks("#clear")
    assert browser.runs(timed.format("document.querySelector('#table thead th:nth-child(7) button').click();")) < FINDING * 1000
    assert browser.column(7)[0] == "remark number 0"


@pytest.mark.skipif(not AXE.exists(), reason=AXE_MISSING)
@pytest.mark.parametrize(
    ("kind", "width", "scheme"),
    [
        ("bad", 1280, "light"),
        ("bad", 500, "dark"),
        ("good", 500, "light"),
        ("many", 1280, "dark"),
        ("late", 500, "dark"),
        ("hostile", 1280, "light"),
    ],
)
def test_accessible(browser: Browser, tmp_path: Path, kind: str, width: int, scheme: str) -> None:
    """axe finds nothing, also about contrast, with everything opened."""
    there = workspace({"a": "north"})
    pages = {
        "bad": lambda: page_of(reorganisation(40)),
        "good": lambda: page_of(reorganisation(40, bad=False)),
        "many": lambda: page_of(reorganisation(60, units=18)),
        "late": lambda: page_of(state_of("department,unit\na,b\n", there, {}), LATE, owned=False),
        "hostile": lambda: page_of(hostile_state()),
    }
    browser.media(prefers_color_scheme=scheme)
    browser.opens(pages[kind](), tmp_path, width=width)
    browser.runs("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    browser.runs(AXE.read_text(encoding="utf-8"))
    browser.driver.set_script_timeout(60)
    found: dict[str, Any] = browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run({ resultTypes: ['violations'] }).then(done)"
    )
    told = [(each["id"], each["impact"], [node["html"][:150] for node in each["nodes"][:3]]) for each in found["violations"]]
    assert told == [], json.dumps(told, indent=1)
    browser.media()


def test_codes_are_told_in_words(small: Browser) -> None:
    """No card or table of the page asks anybody to know a code."""
    assert not any(str(code) in text for code in Code if "-" in code for text in small.texts(".card h3, .card p"))
