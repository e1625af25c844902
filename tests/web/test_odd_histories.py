"""Pages render any history without an error, and show recorded HTML as text."""

from collections.abc import Iterator, Mapping
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.api.auth import Access
from service.api.parameters import AsOfQuery
from service.projections import (
    board,
    difference,
    dossier,
    ledger,
    matrix,
    needs_confirmation,
    registers,
    relation,
    sheet,
)
from service.projections import round as round_
from service.store.engine import open_engine
from service.store.log import Head
from service.web import comparison, ladder, relations, rounds
from service.web import dossier as dossier_page
from service.web.board import COLUMNS, FLAGS, ORDERS, BoardQuery, section
from service.web.clocks import Clocks, DateSlider, DayField
from service.web.course import course
from service.web.pages import PageRequest, address
from service.web.rendering import rendered
from tests.api.bodies import VISAS, on, origin, report, source
from tests.build import STREAMS, Filed
from tests.conftest import Clone
from tests.keys import key_on
from tests.projections.test_computed_views_are_total import DAYS, irritants, readings
from tests.web.conftest import Clock, browsing, site
from tests.web.pages import Page

TODAY = date(2025, 6, 1)
HEAD = cast(Head, SimpleNamespace(position=9, chain_hash=bytes(32), record="r"))
CLOCKS = Clocks(None, (), DateSlider(20_000, 20_100, 20_100), (), (DayField("known_on", "", None),))
HTML = "</title><script>alert(1)</script>' \" onload=x & {t} %s"


def visit(path: str, query: Any) -> PageRequest[Any]:
    return PageRequest(path, query, HEAD, TODAY, Access("anybody", ("read",)))


def shown(template: str, told: Mapping[str, Any], query: Any = None) -> Page:
    html = rendered(template, {"visit": visit("/", query or AsOfQuery()), "clocks": CLOCKS, **told}, "").decode()
    page = Page(html)
    assert page.inline == []
    return page


@whatever(read=readings())
def test_every_relation_has_its_board(read: dict[str, Any]) -> None:
    document, query = board.view(**read), BoardQuery()
    told = {
        "relations": (),
        "sections": [section(document, query.sort, TODAY, "")],
        "count_links": (),
        "last_positions": [row.position for row in document.items],
        "sides": (),
        "is_filtered": False,
        "flags": FLAGS,
        "counted_to": TODAY,
        "columns": COLUMNS,
        "orders": ORDERS,
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    page = shown("board.html", told, query)
    assert "irritant-" + document.items[0].id.replace("/", "-") in page.ids


@whatever(filed=irritants(), day=DAYS, after=st.integers(0, 9))
def test_every_irritant_has_its_dossier(filed: Filed, day: date | None, after: int) -> None:
    reading = filed.reading(filed.events[0].stream, day)
    of_it = dossier.view(reading, after=after, limit=5)
    talks = Filed().reading(STREAMS["relation"])
    listed = registers.view(irritants=[reading], rounds=[], relation=talks)
    query = dossier_page.DossierQuery()
    page = shown("dossier.html", dossier_page.template_values(of_it, listed, (), TODAY), query)
    assert {f"p{entry.position}" for entry in of_it.timeline.items} <= page.ids


@whatever(filed=irritants(), data=st.data())
def test_any_two_points_have_a_difference(filed: Filed, data: st.DataObject) -> None:
    history = filed.history(filed.events[0].stream)
    points = [data.draw(st.integers(0, history.position)) for _ in range(2)]
    found = difference.view(*(history.as_of(point).reading(data.draw(DAYS)) for point in points))
    told = comparison.template_values(found, f"position:{points[0]}", f"position:{points[1]}")
    shown("difference.html", {**told, "rounds": (), "entered": {}, "mistakes": {}})


@whatever(read=readings())
def test_every_relation_has_its_page_of_talks(read: dict[str, Any]) -> None:
    told = relations.template_values(
        relation.view(read["relation"]),
        [round_.view(reading) for reading in read["rounds"]],
        matrix.view(**read),
        ledger.view(**read, on=TODAY),
        needs_confirmation.view(**read),
        registers.view(**read, on=TODAY),
    )
    drawn = course(board.view(**read), {row.irritant for row in told["rows"].items}, TODAY)
    shown("relation.html", {**told, "course": drawn, "counted_to": TODAY})


@whatever(read=readings())
def test_every_round_has_its_sheet(read: dict[str, Any]) -> None:
    document = sheet.view(round=read["rounds"][0], irritants=read["irritants"], relation=read["relation"])
    shown("sheet.html", rounds.template_values(document, address))


@pytest.fixture(scope="module")
def marked_up(clone: Clone, seeded_template: str) -> Iterator[TestClient]:
    """Yield a browser on a record with HTML in every text field."""
    with clone(seeded_template) as url, browsing(site(url, Clock())) as browser:
        file_html(browser, url)
        yield browser


def file_html(browser: TestClient, url: str) -> None:
    engine = open_engine(url)
    key = key_on(engine)
    engine.dispose()
    source_line = source("briefing", publisher=HTML)
    utterance = {**origin(), "speaker": HTML}
    cited = {"document": "briefing", "paragraphs": [1], "origin": "spokeswoman"}
    voice = {"party": "US", "organ": HTML, "person": HTML, "channel": "quote"}
    more = {"asserted_by": voice, "source": cited, "summary": HTML}
    correction = {"stream": VISAS, "type": "AssertionCorrected", "target": "proposal", "reason": HTML}
    events = [
        source_line,
        utterance,
        {**on(VISAS, "ProposalTabled", kind="offer", addressee="RU", terms=HTML, **more), "ref": "proposal"},
        {**correction, "changes": {"terms": f"{HTML} again"}},
        {**on(VISAS, "ItemAdded", item="first", kind=HTML, name=HTML, place=HTML, **more), "ref": "item"},
        {"stream": VISAS, "type": "AssertionRetracted", "target": "item", "reason": HTML},
        on(VISAS, "ProgressReversed", to="raised", by="US", reason=HTML, **more),
        on("relation/ru-us", "ObstacleNoted", obstacle=HTML, **more),
        on("round/ru-us/second-next", "RoundAnnounced", place=HTML, timing=HTML, preliminary=True, **more),
        on("round/ru-us/second-next", "RoundCharacterised", **more),
    ]
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "html", "Accept": "application/json"}
    answer = browser.post("/v1/reports", json=report(*events, title=HTML), headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/irritants/ru-us/visas",
        "/irritants/ru-us/visas/difference",
        "/rounds/ru-us/second-next",
        "/relations/ru-us",
        "/changes",
        "/sources",
        "/sources/briefing",
    ],
)
def test_recorded_html_is_shown_as_text(marked_up: TestClient, path: str) -> None:
    answer = marked_up.get(path)
    page = Page.of(answer)
    assert page.inline == []
    assert "<script>" not in answer.text
    assert "alert(1)" in page.said


def test_retracted_and_corrected_events_show_their_filed_text(marked_up: TestClient) -> None:
    page = marked_up.get("/irritants/ru-us/visas").text
    assert 'class="is-retracted"' in page
    assert 'text-decoration="line-through"' in page
    assert "Retracted by desk," in page
    assert "Corrected by desk," in page
    assert "<del>" in page
