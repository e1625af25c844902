"""The pages in a real Chromium on a real server. Without an installed Chromium the tests are skipped.

A complaint in the console or a request to another host fails the test in which it occurs.
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
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    WebError,
    sync_playwright,
)

from service.api.app import create_app
from service.api.server import Server
from service.settings import Settings
from service.web.site import add_pages
from tests.keys import new_key
from tests.needed import program

CHROMIUM: Final = shutil.which("chromium")
AXE: Final = Path(__file__).parent / "axe.min.js"
SHOTS: Final = os.environ.get("SCREENSHOTS")
BLANK: Final = "about:blank"
VIEWPORT: Final[ViewportSize] = {"width": 1280, "height": 900}
OPTIONS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass(frozen=True)
class Site:
    """A served record, with a key that may report to it."""

    url: str
    key: str


class Desk:
    """A user who is signed in at a browser."""

    def __init__(self, context: BrowserContext, site: Site, complaints: list[str]) -> None:
        self.context, self.url, self.key, self.complaints = context, site.url, site.key, complaints
        self.expected: tuple[str, ...] = ()

    def window(self, address: str) -> Page:
        """Return an empty window, or open a new one."""
        blank = (page for page in self.context.pages if page.url == BLANK)
        page = next(blank, None) or self.context.new_page()
        self.go(page, address)
        return page

    def go(self, page: Page, address: str) -> None:
        page.goto(self.url + address)

    def got(self, path: str) -> Any:
        """Return the JSON of the API at a path."""
        return self.context.request.get(self.url + path).json()

    def sign_in(self) -> None:
        form: dict[str, Any] = {"key": self.key, "next": "/help"}
        answer = self.context.request.post(
            f"{self.url}/sign-in", form=form, headers={"Sec-Fetch-Site": "none"}, max_redirects=0
        )
        assert answer.status == 303

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Expect a refusal of the server, about which the console always complains."""
        before = len(self.complaints)
        yield
        self.complaints[before:] = [c for c in self.complaints[before:] if "the server responded with" not in c]

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Cut the connection, about which the console always complains, also a moment later."""
        self.expected = ("htmx:", "Failed to load resource: net::ERR_INTERNET_DISCONNECTED")
        self.context.set_offline(True)
        try:
            yield
        finally:
            self.context.set_offline(False)


# Not for the whole run, which the package scope is in a folder without __init__.py: while this fixture is active, this
# thread has a running event loop, which breaks other tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """The browser context of all desks. One window stays open, because a new one costs more than most pages."""
    context = chromium.new_context(viewport=VIEWPORT)
    context.set_default_timeout(10_000)
    context.new_page()
    yield context
    context.close()


@pytest.fixture(scope="session")
def shared_site(shared_database_url: str) -> Iterator[Site]:
    """The seeded record, for tests that only read."""
    with site(shared_database_url) as found:
        yield found


@pytest.fixture
def reader(profile: BrowserContext, shared_site: Site) -> Iterator[Desk]:
    """A signed-in user on the shared record, who files nothing."""
    with desk_at(profile, shared_site) as person:
        yield person


@pytest.fixture
def desk(profile: BrowserContext, seeded_database_url: str) -> Iterator[Desk]:
    """A signed-in user on the test's own seeded record."""
    with site(seeded_database_url) as found, desk_at(profile, found) as person:
        yield person


@contextmanager
def site(database_url: str) -> Iterator[Site]:
    """Serve the record in a thread of this process, because a process takes longer to start than most tests take."""
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
def desk_at(profile: BrowserContext, site: Site) -> Iterator[Desk]:
    """Assert at the end that the console has no complaints. Leave an empty window without stored data."""
    complaints: list[str] = []
    with listening(profile, complaints):
        person = Desk(profile, site, complaints)
        person.sign_in()
        yield person
        leave(profile, site)
    assert [c for c in complaints if not c.startswith(person.expected)] == []


@contextmanager
def listening(profile: BrowserContext, complaints: list[str]) -> Iterator[None]:
    """Collect the complaints of the console and requests to other hosts."""

    def heard(message: ConsoleMessage) -> None:
        place = message.location
        # Scripts that the tests evaluate, such as axe, have no address. The policy on styles is not for them.
        is_of_page = place["url"] or not message.text.startswith("Applying inline style")
        if message.type in ("error", "warning") and is_of_page:
            complaints.append(f"{message.text} ({place['url']}:{place['lineNumber']}:{place['columnNumber']})")

    def failed(error: WebError) -> None:
        complaints.append(str(error.error))

    def asked(request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None) and not request.url.startswith("data:"):
            complaints.append(f"asks {request.url}")

    profile.on("console", heard)
    profile.on("weberror", failed)
    profile.on("request", asked)
    try:
        yield
    finally:
        profile.remove_listener("console", heard)
        profile.remove_listener("weberror", failed)
        profile.remove_listener("request", asked)


def leave(profile: BrowserContext, site: Site) -> None:
    first, *others = profile.pages or [profile.new_page()]
    for page in others:
        page.close()
    first.goto(BLANK)
    first.set_viewport_size(VIEWPORT)
    first.emulate_media(media="null", color_scheme="null")
    profile.clear_cookies()
    # Drafts, because the next record may be served on the same port.
    kept = profile.new_cdp_session(first)
    kept.send("Storage.clearDataForOrigin", {"origin": site.url, "storageTypes": "local_storage"})
    kept.detach()


def shot(page: Page, name: str) -> None:
    """Save a picture if SCREENSHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=kept_as(f"{name}.png"), full_page=True)


def kept_as(name: str) -> Path:
    """Return the path of a picture. The first picture creates the folder."""
    folder = Path(SHOTS or "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def is_accessible(page: Page, name: str) -> None:
    """Check a page wide in light and narrow in dark. Colours do not depend on the width, nor sizes on the scheme.

    Without pictures, as in .ci/run, some pages are checked in one form and the others in the other.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules: Any = {}
    for width, scheme in LOOKS if SHOTS else [LOOKED_AT[len(name) % 2]]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        shot(page, f"{name}-{width}-{scheme}")
        if (width, scheme) in LOOKED_AT:
            assert violations(page, rules) == [], (page.url, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)
            rules = BY_LOOKS
    # Fonts differ between machines: with other letters, lines break elsewhere and links come closer to each other.
    for spacing in ("-.1em", "-.05em", ".05em"):
        page.evaluate("spacing => { document.documentElement.style.letterSpacing = spacing }", spacing)
        assert violations(page, {"runOnly": ("target-size",)}) == [], (page.url, spacing)


Look = tuple[int, Literal["light", "dark"]]
LOOKED_AT: Final[Sequence[Look]] = [(1280, "light"), (360, "dark")]
LOOKS: Final[Sequence[Look]] = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
BY_LOOKS: Final = {"runOnly": ("color-contrast", "target-size", "scrollable-region-focusable")}
"""The rules of axe that depend on colours and sizes. The others are checked once per page."""


def violations(page: Page, rules: Any) -> list[Any]:
    """Return what axe finds serious or worse. It runs outside the page, whose policy blocks other scripts."""
    only = {**rules, "resultTypes": ["violations"], "selectors": False}
    found = page.evaluate("only => axe.run(document, only).then(found => found.violations)", only)
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in serious]
