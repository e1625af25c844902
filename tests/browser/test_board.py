"""The board in a real browser: it shows what the API says, changes by itself, and asks nobody else for anything."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.store import keys
from service.store.engine import open_engine, transaction
from tests.api.serving import Served, served

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PAGES = [
    "/",
    "/irritants/ru-us/banking-access",
    "/irritants/ru-us/property-return",
    "/rounds/ru-us/istanbul-april",
    "/rounds/ru-us/moscow-next",
    "/relations/ru-us",
    "/changes",
    "/sources",
    "/help",
    "/sign-in",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def server(seeded_database_url: str) -> Iterator[Served]:
    with served(seeded_database_url) as server:
        yield server


class Watched:
    """A page, and everything that it must not do: errors on the console, failed or foreign requests."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda sent: self.wrong.append(sent.url) if foreign(sent.url, home) else None)


def foreign(url: str, home: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "about") and parts.netloc != urlsplit(home).netloc


@pytest.fixture
def watched(browser: Browser, server: Served) -> Iterator[Watched]:
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 1000})
    yield Watched(context.new_page(), server.url)
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_without_a_complaint_and_from_this_host_alone(watched: Watched, path: str) -> None:
    answer = watched.page.goto(path, wait_until="load")
    assert answer is not None
    assert answer.status == 200
    assert watched.page.locator("h1").count() == 1
    assert watched.wrong == []


def test_the_board_says_of_each_irritant_what_the_api_says(watched: Watched, server: Served) -> None:
    watched.page.goto("/")
    for irritant in httpx2.get(f"{server.url}/v1/irritants").json()["items"]:
        row = watched.page.get_by_role("row").filter(has=watched.page.get_by_text(irritant["title"], exact=True))
        for party, side in irritant["parties"].items():
            expect(row).to_contain_text(f"{party} {side['rung'].replace('_', ' ')}")
        if irritant["items"]["total"]:
            expect(row).to_contain_text(f"{irritant['items']['settled']} of {irritant['items']['total']} settled")


def test_the_board_changes_by_itself_when_something_is_filed(
    watched: Watched, server: Served, seeded_database_url: str
) -> None:
    watched.page.goto("/")
    row = watched.page.get_by_role("row").filter(has=watched.page.get_by_text("Visas for diplomats", exact=True))
    expect(row).to_contain_text("US unstated")
    file(server, seeded_database_url)
    expect(row).to_contain_text("US understanding", timeout=10_000)
    assert watched.wrong == []


def test_the_board_as_it_was_known_before_the_interview(watched: Watched) -> None:
    watched.page.goto("/?as_of_position=112")
    title = "Russian diplomatic property in the United States"
    row = watched.page.get_by_role("row").filter(has=watched.page.get_by_text(title, exact=True))
    expect(row).to_contain_text("RU unstated")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_window(watched: Watched, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 900})
    for path in PAGES:
        watched.page.goto(path)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, path


def file(server: Served, database: str) -> None:
    """The United States confirm the understanding on visas."""
    engine = open_engine(database)
    with transaction(engine) as c:
        _, key = keys.create(c, "an operator", ("report",), datetime.now(UTC))
    engine.dispose()
    event = {
        "stream": "irritant/ru-us/visas",
        "type": "UnderstandingReported",
        "terms": "Simpler visas for diplomats",
        "asserted_by": {"party": "US", "channel": "quote"},
        "source": {"document": "a4-unnamed-outlet", "paragraphs": [5], "origin": "state-department-on-april"},
        "summary": "The department says the same of visas.",
        "occurred": "2025-06-01",
    }
    body = {"relation": "ru-us", "title": "After the round", "events": [event]}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
    assert httpx2.post(f"{server.url}/v1/reports", json=body, headers=headers).status_code == 201
