"""Two linters check every kind of page: html-validate, and the Nu checker behind the validator of the W3C.

The pages are those of the seeds, forms in each state, refusals, a record of two relations that contains HTML, and an
empty record.
"""

import json
import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.web.site import add_pages
from tests.api.bodies import report
from tests.conftest import Clone
from tests.keys import new_key
from tests.linters import CONFIG, lint, lint_in_java
from tests.web.conftest import Clock, browsing, sign_in, site
from tests.web.paper import opened
from tests.web.test_correcting import event
from tests.web.test_filing import BLANK, ROUND, VISAS, saying
from tests.web.test_odd_histories import file_html
from tests.web.test_pages import PAGES

SHEET = "/v1/rounds/ru-us/istanbul-april/sheet"
REFUSED = ["/nothing", "/irritants/ru-us/nothing", "/?sort=luck", "/?as_of_position=4000", "/problems/nothing"]
ODD = [
    "/",
    "/irritants/ru-us/visas",
    "/rounds/ru-us/second-next",
    "/relations/ru-us",
    "/changes",
    "/sources/briefing",
    "/search?q=%D8%A7",
]
EMPTY = ["/", "/changes", "/search", "/search?q=bank", "/sources", "/help", "/file"]
DOWNLOADS = {"/irritants/{relation}/{slug}/download", "/rounds/{relation}/{slug}/download"}
NO_PAGES = {
    *DOWNLOADS,
    "/static/{name}",
    "/file/date",
    "/events/{id}",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
}
"""Addresses for GET that are no pages: files, a part of a form, a redirect, and answers for programs."""
FISHING = {"stream": "irritant/dk-no/fishing", "type": "IrritantOpened", "title": "Fishing", "category": "sea"}
NORTH = {"stream": "relation/dk-no", "type": "RelationOpened", "parties": ["DK", "NO"], "title": "Denmark and Norway"}
FAULTY = """<!DOCTYPE html>
<html lang="en"><head><title>The faults that pages had</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg viewBox='0 0 16 16'%3E%3C/svg%3E"></head>
<body><main><h1>Faults</h1>
<table id="ru-us/visas" hx-get="/"><tr><td role="cell">1</td></tr></table>
<section aria-label="One"><div role="region" aria-label="One">2</div></section></main></body></html>
"""


class Pages:
    """A folder with a file for each page, named after its address and its state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses: set[str] = set()

    def keep(self, page: str, address: str, special: str = "") -> None:
        assert "<!DOCTYPE html>" in page[:20], (address, page[:200])
        self.addresses.add(address.partition("?")[0])
        name = re.sub(r"[^a-z0-9=-]+", "_", f"{special} {address}")
        (self.folder / f"{name}.html").write_text(page, encoding="utf-8")

    def read(self, browser: TestClient, addresses: list[str], special: str = "") -> None:
        for address in addresses:
            self.keep(browser.get(address).text, address, special)


@pytest.fixture(scope="module")
def pages(
    clone: Clone, seeded_template: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Pages:
    pages, clock = Pages(tmp_path_factory.mktemp("pages")), Clock()
    with clone(seeded_template) as url, browsing(site(url, clock)) as browser:
        _read(pages, browser)
        sign_in(browser, new_key(url))
        _write(pages, browser, clock)
        sign_in(browser, new_key(url))
        _file_oddities(browser, url)
        pages.read(browser, ODD, "odd record")
    with clone(migrated_template) as url, browsing(site(url, clock)) as browser:
        sign_in(browser, new_key(url))
        pages.read(browser, EMPTY, "empty record")
    return pages


def _read(pages: Pages, browser: TestClient) -> None:
    pages.read(browser, [*PAGES, "/docs", "/sign-in", SHEET])
    pages.read(browser, REFUSED, "refused")
    pages.read(browser, [f"/reports/{browser.get('/v1/reports').json()['items'][-1]['id']}"])
    pages.keep(sign_in(browser, "no key").text, "/sign-in", "refused")


def _write(pages: Pages, browser: TestClient, clock: Clock) -> None:
    """Save forms in each state, up to the end of the session."""
    step = event(browser, VISAS, "NextStepAgreed")
    pages.read(browser, ["/sign-in", "/file", ROUND, BLANK, f"/correct/{step}", f"/retract/{step}"], "signed in")
    seeded = browser.get("/v1/reports").json()["items"][-1]["id"]
    pages.read(browser, [f"/reports/{seeded}/correct"], "signed in")
    for kind in ("correct", "retract"):
        pages.keep(opened(browser, f"/{kind}/{step}").press("file").page.text, f"/{kind}/{step}", "refused")
    written = saying(opened(browser, ROUND))
    pages.keep(written.press("").page.text, "/file", "previewed")
    pages.keep(written.write("title", "").press("file").page.text, "/file", "refused")
    clock.passes(hours=13)
    pages.keep(written.send("file").text, "/file", "session ended")


def _file_oddities(browser: TestClient, url: str) -> None:
    file_html(browser, url)
    key = {"Authorization": f"Bearer {new_key(url)}", "Idempotency-Key": "north", "Accept": "application/json"}
    assert browser.post("/v1/reports", json=report(NORTH, FISHING, relation="dk-no"), headers=key).status_code == 201


def html_validate(folder: Path) -> set[tuple[str, str, str]]:
    """Return each broken rule with its page and the message."""
    linted = lint("html-validate", "--config", CONFIG / "htmlvalidate.cjs", "--formatter=json", *folder.glob("*.html"))
    assert linted.returncode in (0, 1), linted.stderr
    return {
        (message["ruleId"], Path(page["filePath"]).name, message["message"])
        for page in json.loads(linted.stdout)
        for message in page["messages"]
    }


def nu(folder: Path) -> set[tuple[str, str, str]]:
    """Return each error and warning with its page and the message."""
    linted = lint_in_java("vnu-jar/build/dist/vnu.jar", "--format", "json", *folder.glob("*.html"))
    return {
        (message["type"], Path(message["url"]).name, message["message"])
        for message in json.loads(linted.stderr)["messages"]
    }


def test_every_kind_of_page_is_checked(pages: Pages) -> None:
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    templates = {
        str(route.path_format)
        for route in iter_route_contexts(app.routes)
        if "GET" in (route.methods or ()) and not str(route.path_format).startswith("/v1/")
    }
    seen = {t for t in templates for address in pages.addresses if re.fullmatch(re.sub(r"{\w+}", "[^/]+", t), address)}
    assert templates - seen == NO_PAGES


def test_html_validate_finds_nothing_on_any_page(pages: Pages) -> None:
    assert html_validate(pages.folder) == set()


def test_the_nu_checker_finds_nothing_on_any_page(pages: Pages) -> None:
    assert nu(pages.folder) == set()


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    (tmp_path / "faulty.html").write_text(FAULTY, encoding="utf-8")
    return tmp_path


def test_html_validate_finds_ids_with_slashes_redundant_roles_and_duplicate_landmarks(faulty: Path) -> None:
    assert {"valid-id", "no-redundant-role", "unique-landmark"} <= {rule for rule, _, _ in html_validate(faulty)}


def test_the_nu_checker_finds_unknown_attributes_addresses_with_spaces_and_wrong_roles(faulty: Path) -> None:
    found = " ".join(message for _, _, message in nu(faulty))
    assert "Attribute “hx-get” not allowed" in found
    assert "Space is not allowed" in found
    assert "The “role” attribute must not be used on a “td” element" in found
