"""A real browser, without a window, for what a page does there. Nothing is downloaded for it."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

#: Why tests are skipped, and what to do about it.
MISSING: Final = "there is no Chromium here; on Debian or Ubuntu: apt-get install chromium chromium-driver"


_FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage"),
)


AXE: Final = Path(__file__).parents[2] / "build" / "node_modules" / "axe-core" / "axe.min.js"
AXE_MISSING: Final = f"axe-core is not at {AXE}; make axe puts it there"


def installed() -> bool:
    """Whether both programs are at hand."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    """One page at a time."""

    def __init__(self, driver: Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def opens(self, page: str, folder: Path, *, fragment: str = "", width: int = 1280) -> None:
        """Shows a page as a file that somebody has saved."""
        path = folder / "page.html"
        path.write_text(page, encoding="utf-8")
        self.driver.set_window_size(width, 900)
        self.driver.get("about:blank")
        self._log("performance")
        self.driver.get(f"{path.as_uri()}{fragment}")

    def runs(self, script: str, *arguments: object) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def finds(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def clicks(self, selector: str) -> None:
        self.one(selector).click()

    def texts(self, selector: str) -> list[str]:
        """What stands in each element, seen or not."""
        found: list[str] = self.runs("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)
        return found

    def column(self, place: int) -> list[str]:
        """The cells of one column of the table of rows, from 1."""
        return self.texts(f"#table tbody tr > *:nth-child({place})")

    def media(self, **features: str) -> None:
        """Pretends to be on paper (``media``), or somebody who likes it dark."""
        media = features.pop("media", "")
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": named})

    def requests(self) -> list[str]:
        """The addresses that have been asked for since the page was opened, itself and what is in it aside."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("file:", "data:", "about:", "blob:"))]

    def complaints(self) -> list[str]:
        """What the browser's console says."""
        return [entry["message"] for entry in self._log("browser")]

    def _log(self, name: str) -> list[dict[str, str]]:
        """What has come into a log since it was last read."""
        found: list[dict[str, str]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return found

    def downloaded(self, name: str) -> bytes:
        """A file that was saved, once it is whole."""
        path = self.downloads / name
        until(path.exists)
        data = path.read_bytes()
        path.unlink()
        return data


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something that a browser does in its own time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    downloads = folder / "downloads"
    downloads.mkdir()
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False})
    driver = Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()
