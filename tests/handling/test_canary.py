"""A word that is in every text of restricted events never appears in any byte that a reader without clearance gets.

A record has restricted events of every type, all with this word in their texts, slugs and names. A real server answers
every route and page to readers without clearance: bodies, headers, errors, refusals, metrics and streams. Then its log
is searched as well.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import pytest

from service.domain.catalogue import EVENT_TYPES
from tests.api.serving import Served, served
from tests.api.test_matrix import ROWS, WITHIN, Row
from tests.conftest import Clone
from tests.first_vocabulary import REPORTS
from tests.keys import new_key

CANARY: Final = "zanzibar"
NEAR: Final = "zanzibat"
"""A spelling that is near enough to get suggestions."""
OPEN_TYPES: Final = {"ActorRegistered"}
"""Names of actors are always open."""
QUIET: Final = "irritant/ru-us/quiet-matter"
VISAS: Final = "irritant/ru-us/visas"
ROUND: Final = f"round/ru-us/{CANARY}-karlstad"
_TEXTS: Final = frozenset(
    {
        *("title", "summary", "speaker", "publisher", "name", "place", "venue", "person", "role", "reason", "terms"),
        *("action", "act", "timing", "format", "obstacle", "post", "about", "kind-of-item", "inference", "organ"),
    }
)
_SLUGS: Final = frozenset({"document", "origin", "step", "item", "subject", "round"})


def with_canary(value: Any, field: str = "") -> Any:
    """Return an event of the relation no-se as one of ru-us, with the word in each text and slug."""
    if isinstance(value, dict):
        # The person of this type is a slug, and a name elsewhere.
        slug_of_person = "document" if value.get("type") == "PersonNamed" else "person"
        return {name: with_canary(v, slug_of_person if name == "person" else name) for name, v in value.items()}
    if isinstance(value, list):
        return [with_canary(v, {"names": "name", "organs": "organ"}.get(field, field)) for v in value]
    if not isinstance(value, str):
        return value
    if field in _TEXTS:
        return f"{CANARY.title()} {value}"
    if field in _SLUGS:
        return re.sub(r"(?:no-se/)?(.*)", rf"{CANARY}-\1", value, count=1) if field != "round" else _round(value)
    if field in ("stream", "target"):
        return _stream(value)
    return {"NO": "RU", "SE": "US", "no-se": "ru-us"}.get(value, value)


def _round(value: str) -> str:
    return value.replace("no-se/", f"ru-us/{CANARY}-")


def _stream(value: str) -> str:
    if value.startswith("source/"):
        return value.replace("source/", f"source/{CANARY}-")
    return value.replace("/no-se/", f"/ru-us/{CANARY}-").replace("relation/no-se", "relation/ru-us")


def said(stream: str, type: str, **fields: Any) -> dict[str, Any]:
    return {
        "stream": stream,
        "type": type,
        "asserted_by": {"party": "US", "channel": "attributed", "organ": f"{CANARY} desk", "person": f"A. {CANARY}"},
        "source": {"document": f"{CANARY}-readout", "paragraphs": [1], "origin": f"{CANARY}-voice-se"},
        "summary": f"{CANARY} said so.",
        "occurred": "2025-04-20",
        **fields,
    }


def restricted_reports() -> Iterator[dict[str, Any]]:
    for report in REPORTS:
        events = [event for event in with_canary(report["events"]) if event["type"] != "RelationOpened"]
        yield {"relation": "ru-us", "title": f"{CANARY} {report['title']}", "events": events}
    opened = {"stream": "relation/fr-us", "type": "RelationOpened", "parties": ["FR", "US"], "title": f"{CANARY} talks"}
    yield {"relation": "fr-us", "title": f"{CANARY} opening", "events": [opened]}
    yield {
        "relation": "ru-us",
        "title": f"{CANARY} later",
        "round": f"{CANARY}-karlstad",
        "events": [
            said(ROUND, "RoundTitled", title=f"The {CANARY} round"),
            {"stream": QUIET, "type": "IrritantOpened", "title": f"{CANARY} matter", "category": CANARY},
            said(VISAS, "LinkageStated", **{"with": "ru-us/quiet-matter", "kind": "package"}),
            said(VISAS, "InstrumentExchanged", kind="exchange_of_notes", ref="notes", reference=f"{CANARY} 12"),
            said(VISAS, "InstrumentStated", instrument="notes", state="in_force"),
            said(VISAS, "NextStepAgreed", step=f"{CANARY}-step", owner="RU", action=f"{CANARY} act", due="2031-05-05"),
            said(VISAS, "BreachAlleged", by="RU", reason=f"{CANARY} again"),
            {"stream": f"source/{CANARY}-readout", **_origin("quiet-origin")},
            {"stream": "source/quiet-paper", "type": "SourceRegistered", "publisher": f"The {CANARY} Gazette"},
        ],
    }


def _origin(slug: str) -> dict[str, Any]:
    return {
        "type": "OriginRegistered",
        "origin": slug,
        "speaker": f"A {CANARY} aide",
        "party": "US",
        "channel": "quote",
    }


@dataclass(frozen=True)
class Site:
    """A server, the ids of restricted events and reports, and the readers: anonymous, and an operator."""

    server: Served
    operator: str
    admin: str
    events: list[dict[str, Any]]
    reports: list[str]

    @contextmanager
    def client(self, key: str | None = None, *, by_cookie: bool = False) -> Iterator[httpx2.Client]:
        with httpx2.Client(base_url=self.server.url, timeout=60) as client:
            if key is not None and by_cookie:
                answer = client.post("/sign-in", data={"key": key}, headers={"Sec-Fetch-Site": "same-origin"})
                assert answer.status_code == 303, answer.text
            elif key is not None:
                client.headers["Authorization"] = f"Bearer {key}"
            yield client


@pytest.fixture(scope="module")
def site(clone: Clone, seeded_template: str) -> Iterator[Site]:
    with clone(seeded_template) as url:
        admin = new_key(url, "admin", name="admin")
        operator = new_key(url, "report", name="operator")
        with served(url) as server:
            events: list[dict[str, Any]] = []
            filed: list[str] = []
            with httpx2.Client(base_url=server.url, timeout=60) as client:
                client.headers["Authorization"] = f"Bearer {admin}"
                number = 0

                def file(body: dict[str, Any]) -> list[dict[str, Any]]:
                    nonlocal number
                    number += 1
                    key = {"Idempotency-Key": f"restricted-{number}"}
                    answer = client.post("/v1/reports", json=body, headers=key)
                    assert answer.status_code == 201, answer.text
                    receipt = answer.json()
                    events.extend(receipt["events"])
                    filed.append(receipt["id"])
                    found: list[dict[str, Any]] = receipt["events"]
                    return found

                for body in restricted_reports():
                    file({**body, "handling": "restricted"})
                _file_labels(file, client)
            yield Site(server, operator, admin, events, filed)


def _file_labels(file: Callable[[dict[str, Any]], list[dict[str, Any]]], client: httpx2.Client) -> None:
    """File an open event, restrict it with a reason, and attribute its report to a restricted round."""
    concern = said(VISAS, "ConcernRaised", source={"document": "a2-tataru", "paragraphs": [3], "origin": ORIGIN})
    [event] = file({"relation": "ru-us", "title": f"{CANARY} by mistake", "events": [concern]})
    change = {"stream": VISAS, "type": "HandlingChanged", "target": event["id"], "label": "restricted"}
    file({"relation": "ru-us", "title": f"{CANARY} labels", "events": [{**change, "reason": f"{CANARY} is secret"}]})
    report = client.get("/v1/reports?limit=1").json()["items"][0]["id"]
    attributed = {"stream": "relation/ru-us", "type": "ReportAttributed", "report": report}
    attributed["round"] = f"ru-us/{CANARY}-karlstad"
    file({"relation": "ru-us", "title": f"{CANARY} attribution", "events": [attributed]})


ORIGIN: Final = "us-side-on-february"


def assert_silent(answer: httpx2.Response, about: object) -> None:
    sent = f"{answer.status_code} {answer.headers.raw!r}".lower().encode() + answer.content.lower()
    place = sent.find(CANARY.encode())
    assert place < 0, (about, sent[max(place - 300, 0) : place + 100])


def test_the_word_is_in_restricted_events_of_every_type(site: Site) -> None:
    with site.client(site.admin) as client:
        own = {event["id"] for event in site.events}
        found: dict[str, bool] = {}
        after = 0
        while items := (page := client.get(f"/v1/events?limit=1000&after={after}").json())["items"]:
            after = page["next"]
            for item in (item for item in items if item["id"] in own):
                type = item["type"].split(".")[1]
                found[type] = found.get(type, False) or CANARY in str(item).lower()
    assert {type for type, is_in in found.items() if is_in} == EVENT_TYPES.keys() - OPEN_TYPES


def _addresses(site: Site) -> list[Row]:
    return [row for row in (*ROWS.values(), *WITHIN) if row.method == "GET"]


READERS: Final = ("anonymous", "operator")


def _named(site: Site) -> dict[str, str]:
    with site.client() as client:
        return {
            "event": client.get("/v1/irritants/ru-us/visas/events?limit=1").json()["items"][0]["id"],
            "report": client.get("/v1/reports?limit=1").json()["items"][0]["id"],
            "key": site.operator,
        }


@pytest.mark.parametrize("reader", READERS)
def test_no_route_shows_the_word(site: Site, reader: str) -> None:
    named, key = _named(site), None if reader == "anonymous" else site.operator
    with site.client(key) as api, site.client(key, by_cookie=True) as browser:
        for row in _addresses(site):
            client = browser if row.by_cookie else api
            address = row.address.format_map(named)
            for accept in ("*/*", "text/html", "text/csv", "text/markdown", "application/json"):
                assert_silent(client.get(address, headers={"Accept": accept}), (address, accept))
            separator = "&" if "?" in address else "?"
            assert_silent(client.get(f"{address}{separator}effective_on=2025-04-21"), address)


@pytest.mark.parametrize("reader", READERS)
def test_no_reading_of_the_past_and_no_page_of_a_feed_shows_the_word(site: Site, reader: str) -> None:
    with site.client(None if reader == "anonymous" else site.operator) as client:
        end = client.get("/v1/events?limit=1").json()
        last = max(event["position"] for event in site.events)
        first = min(event["position"] for event in site.events)
        assert end["position"] <= last
        for position in range(first - 1, last + 2, 7):
            for path in ("board", "ledger", "matrix", "difference?from=position:1&to=position:{}", "timeline"):
                asked = path.format(position) if "{}" in path else f"{path}?as_of_position={position}"
                assert_silent(client.get(f"/v1/relations/ru-us/{asked}"), (path, position))
            for path in ("/v1/irritants", "/v1/irritants/ru-us/visas", "/v1/sources", "/v1/rounds"):
                assert_silent(client.get(f"{path}?as_of_position={position}"), (path, position))
            for path in ("events", "changes"):
                assert_silent(client.get(f"/v1/{path}?after={position}&limit=10"), (path, position))


@pytest.mark.parametrize("reader", READERS)
def test_ids_of_restricted_events_and_reports_lead_nowhere(site: Site, reader: str) -> None:
    with site.client(None if reader == "anonymous" else site.operator) as client:
        for event in site.events:
            for path in ("/v1/events/{}", "/v1/events/{}/citation", "/events/{}"):
                answer = client.get(path.format(event["id"]))
                assert answer.status_code == 404, (answer.url, answer.text)
                assert_silent(answer, path)
        for report in site.reports:
            for path in ("/v1/reports/{}", "/reports/{}", "/v1/events?report={}"):
                assert_silent(client.get(path.format(report)), path)


@pytest.mark.parametrize("reader", READERS)
def test_addresses_near_to_restricted_slugs_get_no_suggestion(site: Site, reader: str) -> None:
    with site.client(None if reader == "anonymous" else site.operator) as client:
        for begin in ("/v1", ""):
            for path in (
                f"/irritants/ru-us/{NEAR}-fishing-permits",
                f"/rounds/ru-us/{NEAR}-karlstad",
                f"/sources/{NEAR}-readout",
                "/irritants/ru-us/quiet-mater",
                "/sources/quiet-pape",
                "/relations/fr-uz",
                "/relations/fr-us",
                "/relations/fr-us/board",
            ):
                answer = client.get(begin + path)
                assert answer.status_code == 404, answer.url
                assert_silent(answer, path)
                assert "quiet-matter" not in answer.text
                assert "quiet-paper" not in answer.text
        for query in (NEAR, f"{NEAR} karlstad", "fishing permits", "quiet", "harbour", "Karlstad", "court"):
            for path in ("/v1/search", "/search"):
                assert_silent(client.get(path, params={"q": query}), query)
        for path in (
            "/v1/reports?round=ru-us/{}",
            "/v1/changes?since=round:ru-us/{}",
            "/v1/events?stream=round/ru-us/{}",
        ):
            assert_silent(client.get(path.format(f"{NEAR}-karlstad")), path)


def _refused(site: Site) -> Iterator[dict[str, Any]]:
    """Yield events of the operator that refer to what is restricted, or nearly."""
    seen = {"document": "a2-tataru", "paragraphs": [3], "origin": ORIGIN}
    by = {"party": "US", "channel": "attributed"}

    def plain(stream: str, type: str, **fields: Any) -> dict[str, Any]:
        told = {"asserted_by": by, "source": seen, "summary": "Said.", "occurred": "2025-04-21"}
        return {"stream": stream, "type": type, **told, **fields}

    yield plain(VISAS, "ConcernRaised", source={**seen, "document": f"{NEAR}-readout"})
    yield plain(VISAS, "ConcernRaised", source={**seen, "document": "quiet-paper", "origin": "quiet-origin"})
    yield plain(VISAS, "ConcernRaised", source={**seen, "origin": f"{NEAR}-voice-se"})
    yield plain(VISAS, "ConcernRaised", source={**seen, "origin": "quiet-origin"})
    yield plain(VISAS, "DiscussionReported", form="talks", round=f"ru-us/{NEAR}-karlstad")
    yield plain(VISAS, "NextStepClosed", step=f"{NEAR}-step", outcome="done")
    yield plain(VISAS, "ItemStatusChanged", item=f"{NEAR}-office", status="partly")
    yield plain(VISAS, "LinkageStated", **{"with": "ru-us/quiet-matter", "kind": "package"})
    yield plain(VISAS, "LinkageStated", **{"with": "ru-us/quiet-mattre", "kind": "package"})
    yield plain(QUIET, "ConcernRaised")
    yield {"stream": QUIET, "type": "IrritantOpened", "title": "Another title", "category": "visas"}
    yield {"stream": "source/quiet-paper", "type": "SourceRegistered", "publisher": "Another"}
    yield {"stream": "source/a2-tataru", **_origin("quiet-origin"), "speaker": "Another"}
    yield {"stream": "relation/fr-us", "type": "RelationOpened", "parties": ["FR", "US"], "title": "Talks"}
    yield {
        "stream": VISAS,
        "type": "HandlingChanged",
        "target": "00000000-0000-7000-8000-000000000000",
        "label": "open",
        "reason": "Why not.",
    }
    for event in site.events:
        yield plain(event["stream"] if "zanz" not in event["stream"] else VISAS, "ClaimContested", target=event["id"])
        if event["stream"] == VISAS:
            yield plain(VISAS, "EvidenceAdded", target=f"{VISAS}@{event['version']}")
            correction = {"stream": VISAS, "type": "AssertionCorrected", "target": event["id"]}
            yield {**correction, "changes": {"occurred": "2025-04-19"}, "reason": "Misread."}
            yield {"stream": VISAS, "type": "AssertionRetracted", "target": event["id"], "reason": "Misread."}
            yield plain(VISAS, "InstrumentStated", instrument=event["id"], state="in_force")
    yield {
        "stream": "relation/ru-us",
        "type": "ReportAttributed",
        "report": site.reports[0],
        "round": "ru-us/istanbul-april",
    }


def test_no_refusal_and_no_preview_shows_the_word(site: Site) -> None:
    with site.client(site.operator) as client:
        for number, event in enumerate(_refused(site)):
            relation = "fr-us" if "fr-us" in event["stream"] else "ru-us"
            body = {"relation": relation, "title": "What was said", "events": [event]}
            for query in ("?dry_run=true", ""):
                answer = client.post(
                    f"/v1/reports{query}", json=body, headers={"Idempotency-Key": f"operator-{number}"}
                )
                assert_silent(answer, event)
            if event["stream"] == VISAS:
                single = {name: value for name, value in event.items() if name != "stream"}
                headers = {"Idempotency-Key": f"single-{number}", "If-Match": '"1-0123456789-8-application/json"'}
                answer = client.post("/v1/irritants/ru-us/visas/events", json=single, headers=headers)
                assert_silent(answer, event)
        for expect in ({VISAS: 1}, {QUIET: 1}, {QUIET: 0}):
            expecting = {"relation": "ru-us", "title": "T", "events": [next(_refused(site))], "expect": expect}
            assert_silent(client.post("/v1/reports?dry_run=true", json=expecting), expect)
        body = {"relation": "ru-us", "title": "T", "round": f"{NEAR}-karlstad", "events": [next(_refused(site))]}
        assert_silent(client.post("/v1/reports?dry_run=true", json=body), "round")


def test_an_idempotency_key_of_a_restricted_report_shows_nothing_of_it(site: Site) -> None:
    with site.client(site.operator) as client:
        for number in range(1, len(site.reports) + 1):
            headers = {"Idempotency-Key": f"restricted-{number}"}
            body = {"relation": "ru-us", "title": "T", "events": [next(_refused(site))]}
            answer = client.post("/v1/reports", json=body, headers=headers)
            assert_silent(answer, number)
            assert site.reports[number - 1] not in answer.text


def test_no_form_shows_the_word(site: Site) -> None:
    with site.client(site.operator, by_cookie=True) as browser:
        named = _named(site)
        for row in (row for row in ROWS.values() if row.method == "POST" and row.form is not None):
            if row.address in ("/sign-in", "/sign-out"):
                continue
            form = {name: value.format_map(named) for name, value in (row.form or {}).items()}
            form["made-for"] = site.operator.split("_")[1]
            answer = browser.post(row.address.format_map(named), data=form, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code < 500
            assert_silent(answer, row.address)
        for query in (
            "relation=ru-us",
            f"round=ru-us/{NEAR}-karlstad",
            "round=ru-us/quiet-round",
            "relation=fr-us",
            "",
        ):
            assert_silent(browser.get(f"/file?{query}"), query)
        for report in site.reports:
            assert_silent(browser.get(f"/file?relation=ru-us&attribute={report}"), "attribute")
            assert_silent(browser.get(f"/reports/{report}/correct"), "correct")
        for event in site.events:
            for kind in ("correct", "retract"):
                assert_silent(browser.get(f"/{kind}/{event['id']}"), kind)


@pytest.mark.parametrize("query", ["", "&relation=ru-us"])
def test_the_stream_does_not_show_the_word(site: Site, query: str) -> None:
    with site.client() as client:
        last = max(event["position"] for event in site.events)
        with client.stream("GET", f"/v1/events/live?after=1{query}") as answer:
            received, chunks = b"", answer.iter_bytes()
            # The whole past arrives first, in one or more pieces.
            while len(re.findall(rb"^id: ", received, re.MULTILINE)) < _shown(site, query, last):
                received += next(chunks)
        assert CANARY.encode() not in received.lower()


def _shown(site: Site, query: str, last: int) -> int:
    with site.client() as client:
        return len(client.get(f"/v1/events?after=1&limit=1000{query}").json()["items"])


def test_the_metrics_and_the_log_do_not_show_the_word(site: Site) -> None:
    with site.client() as client:
        assert_silent(client.get("/metrics"), "metrics")
    lines = [str(line).lower() for line in site.server.log()]
    assert lines
    assert [line for line in lines if CANARY in line] == []
