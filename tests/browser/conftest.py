"""The pages in a real browser, on a real server: the Chromium that the system has; without one the tests are skipped.

Whatever the console complains of, and every request to another host, fails the test in which it happened.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from service.api.app import create_app
from service.api.server import Server
from service.settings import Settings
from service.web.site import add_pages
from tests.keys import new_key

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
        answer = self.context.request.post("/sign-in", form={"key": self.key, "next": "/help"}, max_redirects=0)
        assert answer.status == 303

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


@dataclass(frozen=True)
class Site:
    """A record that is served, and a key that may report to it."""

    url: str
    key: str


# Not for the whole run: while it lives, this thread has a running event loop, which other tests trip over.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.fixture(scope="package")
def shared_site(shared_database_url: str) -> Iterator[Site]:
    """The seeded record, for all who only read."""
    with site(shared_database_url) as found:
        yield found


@pytest.fixture
def reader(chromium: Browser, shared_site: Site) -> Iterator[Desk]:
    """Signed in on the seeded record, and files nothing."""
    with desk_at(chromium, shared_site) as person:
        yield person


@pytest.fixture
def desk(chromium: Browser, seeded_database_url: str) -> Iterator[Desk]:
    """Signed in on a seeded record of the test's own."""
    with site(seeded_database_url) as found, desk_at(chromium, found) as person:
        yield person


@contextmanager
def site(database_url: str) -> Iterator[Site]:
    """Served by a thread of this process: one of its own would take longer to begin than most tests take."""
    key = new_key(database_url)
    addresses = SimpleQueue[str]()
    app = create_app(Settings(database_url=database_url))
    add_pages(app)
    server = Server(app, "127.0.0.1", 0, addresses.put)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Site(addresses.get(timeout=30), key)
    finally:
        server.handle_exit(signal.SIGTERM, None)
        thread.join()


@contextmanager
def desk_at(chromium: Browser, site: Site) -> Iterator[Desk]:
    """A desk with a browser of its own; nothing may have been complained of when it is left."""
    complaints: list[str] = []
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    person = Desk(context, site.key, complaints)
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


def everybody_can_use(page: Page, name: str) -> None:
    """Wide in light and narrow in dark: colours do not depend on the width, nor sizes on the scheme."""
    page.evaluate(AXE.read_text())
    assert violations(page, "neither") == [], page.url
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        shot(page, f"{name}-{width}-{scheme}")
        if (width, scheme) in LOOKED_AT:
            assert violations(page, "looks") == [], (page.url, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)


Look = tuple[int, Literal["light", "dark"]]
LOOKED_AT: Final[Sequence[Look]] = [(1280, "light"), (360, "dark")]
LOOKS: Final[Sequence[Look]] = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")] if SHOTS else LOOKED_AT
BY_LOOKS: Final = ("color-contrast", "target-size", "scrollable-region-focusable")
RULES: Final = {
    "looks": {"runOnly": BY_LOOKS},
    "neither": {"rules": {rule: {"enabled": False} for rule in BY_LOOKS}},
}
"""Of axe: those that depend on colours and sizes, and all others."""


def violations(page: Page, rules: str) -> list[Any]:
    """What axe finds to be serious or worse. Run beside the page, whose policy lets no script of others in."""
    found = page.evaluate("rules => axe.run(document, rules).then(found => found.violations)", RULES[rules])
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in serious]
