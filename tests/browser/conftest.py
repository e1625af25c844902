"""The pages in a real browser, on a real server: the Chromium that the system has; without one the tests are skipped.

Whatever the console complains of, and every request to another host, fails the test in which it happened.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from service.store import keys
from service.store.engine import open_engine, transaction
from tests.api.serving import served

CHROMIUM: Final = shutil.which("chromium")
AXE: Final = Path(__file__).parent / "axe.min.js"
SHOTS: Final = os.environ.get("SCREENSHOTS")
OPTIONS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Desk:
    """A person at a browser, who is signed in."""

    def __init__(self, context: BrowserContext, key: str, complaints: list[str]) -> None:
        self.context, self.key, self.complaints = context, key, complaints

    def window(self, address: str) -> Page:
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        page.goto(address)
        return page

    def sign_in(self) -> None:
        page = self.window("/sign-in")
        page.get_by_label("Key", exact=True).fill(self.key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        page.close()

    @contextmanager
    def refused(self) -> Iterator[None]:
        """In here the server refuses something, of which the console always complains."""
        before = len(self.complaints)
        yield
        self.complaints[before:] = [c for c in self.complaints[before:] if "the server responded with" not in c]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None) and not request.url.startswith("data:"):
            self.complaints.append(f"asks {request.url}")


# Not for the whole run: while it lives, this thread has a running event loop, which other tests trip over.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.fixture
def desk(chromium: Browser, seeded_database_url: str) -> Iterator[Desk]:
    """Signed in with a key that may report, on the seeded record."""
    engine = open_engine(seeded_database_url)
    with transaction(engine) as c:
        key = keys.create(c, "desk", ("report",), datetime.now(UTC))[1]
    engine.dispose()
    complaints: list[str] = []
    with served(seeded_database_url) as server:
        context = chromium.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(10_000)
        person = Desk(context, key, complaints)
        person.sign_in()
        yield person
        context.close()
    assert complaints == []


def shot(page: Page, name: str) -> None:
    """Kept where SCREENSHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=kept_as(f"{name}.png"), full_page=True)


def kept_as(name: str) -> Path:
    """Where a picture is kept; the folder is made with the first."""
    folder = Path(SHOTS or "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def violations(page: Page) -> list[Any]:
    """What axe finds to be serious or worse. Run beside the page, whose policy lets no script of others in."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in serious]
