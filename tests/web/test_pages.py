"""Every page of the seeded record: its structure, its links and its cache headers."""

import re
from urllib.parse import urldefrag, urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.problem_types import PROBLEM_TYPES
from tests.web.conftest import Clock
from tests.web.pages import Page

PAGES = [
    "/",
    "/?relation=ru-us&sort=-claimed",
    "/?as_of_position=60&effective_on=2025-03-01",
    "/?as_of_position=1",
    "/irritants/ru-us/banking-access",
    "/irritants/ru-us/property-return",
    "/irritants/ru-us/property-return?effective_on=2025-03-01&as_of_position=90",
    "/irritants/ru-us/visas/difference",
    "/irritants/ru-us/visas/difference?from=round:istanbul-february&to=effective:2025-04-10",
    "/rounds/ru-us/istanbul-february",
    "/rounds/ru-us/istanbul-april",
    "/rounds/ru-us/moscow-next",
    "/relations/ru-us",
    "/relations/ru-us?as_of_position=60",
    "/changes",
    "/changes?since=40&relation=ru-us",
    "/changes?since=6+June+2025",
    "/changes?since=nothing",
    "/relations/ru-us/difference?from=round:istanbul-february",
    "/relations/ru-us/difference?from_by=effective&from_at=soon&to_by=now&to_at=",
    "/reports",
    "/reports?relation=ru-us&round=ru-us/istanbul-april&actor=seeds&from=2020-01-01&to=",
    "/search",
    "/search?q=bank&from=2025-01-01",
    "/search?q=bankng",
    "/sources",
    "/sources/a0-brussels-morning-moscow",
    "/rounds/ru-us/istanbul-april/events",
    "/relations/ru-us/events?as_of_position=90",
    "/sources/a0-brussels-morning-moscow/events",
    "/help",
    "/help/operators",
    "/help/model",
    "/help/glossary",
    "/problems",
    "/problems/stale",
]
MACHINES = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_has_no_inline_code(reading: TestClient, path: str) -> None:
    page = Page.of(reading.get(path))
    assert page.inline == []
    assert all(fetched.startswith(("/static/", "data:image/svg+xml,")) for fetched in page.fetched)
    assert len([fetched for fetched in page.fetched if fetched.startswith("/")]) <= 3
    assert {"content"} <= page.ids
    assert "None" not in [word.strip() for word in page.words]
    assert not re.search(r"\{\w+\}|Markup\(", page.said)


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith(("/help", "/problems"))])
def test_a_page_says_what_a_rung_is_where_the_word_first_stands(reading: TestClient, path: str) -> None:
    said = Page.of(reading.get(path)).said
    first = re.search(r"\brungs?\b", said)
    assert first is None or said.startswith("rung is a step of the ladder", first.start()), said[: first.end()][-100:]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_security_headers(reading: TestClient, path: str) -> None:
    headers = reading.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy.items() >= MACHINES.items()
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_every_link_leads_to_a_page_and_an_anchor(reading: TestClient) -> None:
    """Follow all links from the board, each page once for each set of parameters."""
    pages: dict[str, Page] = {}
    waiting, seen, named = ["/"], set[str](), set[tuple[str, str]]()
    while waiting:
        address = waiting.pop()
        if address in seen or len(pages) > 400:
            continue
        seen.add(address)
        answer = reading.get(address)
        if address.startswith("/events/"):
            target, fragment = urldefrag(answer.headers["location"])
            named.add((target, fragment))
            waiting.append(target)
            continue
        assert answer.status_code == 200, (address, answer.status_code)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        pages[address] = page = Page.of(answer)
        for link in page.links:
            target, fragment = urldefrag(link)
            assert urlsplit(link).netloc == "", f"{address} leads to {link}"
            named.add((target or address, fragment))
            if not target.startswith(("/file", "/correct", "/retract", "/sign-in")) and target not in seen:
                waiting += [target] if target else []
    assert len(pages) > 60
    assert [(a, f) for a, f in sorted(named) if f and a in pages and f not in pages[a].ids] == []


@pytest.mark.parametrize("path", ["/", "/irritants/ru-us/visas", "/relations/ru-us", "/changes", "/sources", "/help"])
def test_an_unchanged_page_gets_304(reading: TestClient, path: str) -> None:
    first = reading.get(path)
    assert first.headers["cache-control"] == "private, no-cache"
    again = reading.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    headed = reading.head(path)
    assert (headed.status_code, headed.content, headed.headers["etag"]) == (200, b"", first.headers["etag"])


def test_a_page_has_a_new_tag_the_next_day(browser: TestClient, clock: Clock) -> None:
    tag = browser.get("/").headers["etag"]
    clock.passes(days=1)
    answer = browser.get("/", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


def test_static_files_are_immutable_under_a_hash_of_their_content(reading: TestClient) -> None:
    for address in Page.of(reading.get("/")).fetched:
        if address.startswith("/"):
            answer = reading.get(address)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert reading.get(re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", address)).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nothing", 404, "Not found"),
        ("/irritants/ru-us/nothing", 404, "Not found"),
        ("/relations/xx-yy", 404, "Not found"),
        ("/?relation=fr-us", 404, "Not found"),
        ("/problems/nothing", 404, "Not found"),
        ("/?as_of_postion=4", 422, "Unknown parameter"),
        ("/?as_of_position=4000", 422, "Invalid parameter"),
        ("/?sort=luck", 422, "Invalid parameter"),
        ("/help?x=1", 422, "Unknown parameter"),
        ("/irritants/ru-us/visas/difference?from=yesterday", 422, "Invalid parameter"),
    ],
)
def test_browsers_get_refusals_as_pages_and_programs_as_problem_documents(
    reading: TestClient, path: str, status: int, title: str
) -> None:
    page = reading.get(path)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-store"
    assert f"<h1>{title}</h1>" in page.text
    assert Page(page.text).inline == []
    program = reading.get(path, headers={"Accept": "application/json"})
    assert program.status_code == status
    assert program.headers["content-type"] == "application/problem+json"
    assert program.json()["title"] == title


def test_the_api_answers_programs_with_any_accept_header(reading: TestClient) -> None:
    assert reading.get("/v1/irritants/ru-us/nothing").headers["content-type"] == "application/problem+json"


def test_every_problem_is_explained_on_its_page(reading: TestClient) -> None:
    for name, explained in PROBLEM_TYPES.items():
        said = Page.of(reading.get(f"/problems/{name}")).said
        assert explained.title in said
        assert " ".join(explained.text.split()) in said
    assert set(Page.of(reading.get("/problems")).links) >= {f"/problems/{name}" for name in PROBLEM_TYPES}


def test_problem_pages_need_no_key(closed: TestClient) -> None:
    assert Page.of(closed.get("/problems/unauthenticated")).said.startswith("Authentication required")
    assert closed.get("/help").headers["location"] == "/sign-in?next=%2Fhelp"


def test_the_html_of_a_sheet_in_the_api_equals_the_page(reading: TestClient) -> None:
    drawn = Page.of(reading.get("/v1/rounds/ru-us/istanbul-april/sheet"))
    assert drawn.inline == []
    page = Page.of(reading.get("/rounds/ru-us/istanbul-april"))
    assert drawn.said.partition("Documents")[0].partition("Round:")[2] in page.said


def test_a_404_page_shows_the_requested_address(reading: TestClient) -> None:
    asked = "/irritants/ru-us/nothing"
    assert f"Nothing is on record under {asked}." in reading.get(asked).text
    assert f"Nothing was on record under {asked}." in reading.get(f"{asked}?as_of_position=40").text


READ_LATER = "Read it at a later point, or leave the point out to read the present state."


@pytest.mark.parametrize(
    ("path", "query", "refusal"),
    [
        ("/irritants/ru-us/visas", "", "Nothing was on record under /irritants/ru-us/visas."),
        ("/relations/ru-us/events", "limit=5", "Nothing was on record under /relations/ru-us/events."),
        ("/", "relation=ru-us", "Nothing was on record about a relation ru-us at this point."),
    ],
)
def test_a_page_before_its_first_event_says_at_which_point_and_leads_to_the_present(
    reading: TestClient, path: str, query: str, refusal: str
) -> None:
    answer = reading.get(f"{path}?{query}&known_at=2020-06-06T09:30:00Z".replace("?&", "?"))
    assert answer.status_code == 404
    page = Page(answer.text)
    assert "As known on 6 June 2020. Not the current state. Back to the present" in page.said
    assert page.said.startswith("As known on 6 June 2020. Not the current state. · Not found")
    assert f"{refusal} {READ_LATER}" in page.said
    assert (f"{path}?{query}" if query else path) in page.links


def test_an_event_before_it_was_recorded_leads_to_the_present(reading: TestClient) -> None:
    last = reading.get("/v1/events?limit=1000").json()["items"][-1]["id"]
    answer = reading.get(f"/events/{last}?as_of_position=3")
    assert (answer.status_code, f"/events/{last}" in Page(answer.text).links) == (404, True)
    assert READ_LATER in answer.text


def test_a_refusal_at_the_present_speaks_of_no_point(reading: TestClient) -> None:
    page = Page(reading.get("/irritants/ru-us/nothing").text)
    assert "Back to the present" not in page.said
    assert "later point" not in page.said


def test_parties_and_irritants_have_their_names(reading: TestClient) -> None:
    talks = Page.of(reading.get("/relations/ru-us")).said
    assert "The United States is at formalised, Russia at understanding." in talks
    assert "A statement by the United States that it is at understanding, or a denial." in talks
    assert "Nothing by the United States is on record." in Page.of(reading.get("/rounds/ru-us/istanbul-april")).said
    document = Page.of(reading.get("/sources/a4-unnamed-outlet")).said
    assert "Understanding reported · Visas for diplomats" in document
    assert "ru-us/visas" not in document


def test_a_round_without_changes_shows_who_says_so(reading: TestClient) -> None:
    assert '<details class="evidence" open>' in reading.get("/rounds/ru-us/moscow-next").text
    assert '<details class="evidence" open>' not in reading.get("/rounds/ru-us/istanbul-april").text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?as_of_position=100",
        "/changes",
        "/irritants/ru-us/visas",
        "/irritants/ru-us/visas/difference",
        "/relations/ru-us",
        "/rounds/ru-us/istanbul-april",
        "/rounds/ru-us/istanbul-april/events",
        "/sources",
        "/sources/a2-tataru",
    ],
)
def test_a_page_is_made_in_one_read(browser: TestClient, path: str) -> None:
    app = browser.app
    assert isinstance(app, FastAPI)
    replicas = app.state.follower.replicas
    assert browser.get(path).status_code == 200
    assert replicas.primary_reads == 1
    assert browser.get(path).status_code == 200
    assert replicas.primary_reads == 1


def test_what_had_not_happened_by_the_day_of_a_reading_is_not_shown_as_retracted(desk: TestClient) -> None:
    page = desk.get("/irritants/ru-us/banking-access?effective_on=2025-03-01").text
    assert "it had not happened by the day of this reading" in page
    assert not re.search(r'<li id="p\d+"[^>]* class="is-retracted"', page)
    assert "it had not happened" not in desk.get("/irritants/ru-us/banking-access").text
