"""A report filed in a form without scripts: start, fill in, preview, file once."""

import json
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.domain.catalogue import KINDS
from service.domain.nearby import FORM_OF_IDS, ID_OF_A_RELATION
from service.store.engine import connection
from service.store.events import read_log
from service.store.log import read_head
from tests.web.conftest import Clock, NewKey, browsing, sign_in, site
from tests.web.paper import Paper, opened

ROUND = "/file?round=ru-us/moscow-next"
BLANK = "/file?relation=ru-us"
VISAS = "irritant/ru-us/visas"
HTMX = {"HX-Request": "true"}
SEEDED = 127

Json = dict[str, Any]


def position(engine: Engine) -> int:
    with connection(engine) as c:
        return read_head(c).position


def visas_on(paper: Paper) -> Paper:
    return paper.write("subject", VISAS).press("show") if VISAS not in paper.all("shown") else paper


def saying(paper: Paper, type: str = "UnderstandingReported", **said: str) -> Paper:
    """Return the form with a complete assertion by the American side on visas."""
    paper = visas_on(paper).write(f"type-of-{VISAS}", type).press(f"add {VISAS}")
    number = max(int(found) for found in re.findall(r"remove (\d+)", " ".join(paper.buttons)))
    told = {
        "summary": "The department speaks of an understanding on visas.",
        "asserted_by__party": "US",
        "asserted_by__channel": "paraphrase",
        "source__document": "a4-unnamed-outlet",
        "source__paragraphs": "5",
        "source__origin": "state-department-on-april",
        **({"occurred": "[2025-05-02..]"} if type != "EvidenceAdded" else {}),
        **({"terms": "Visas within thirty days"} if type == "UnderstandingReported" else {}),
        **said,
    }
    return paper.write("title", "What was said in May").fill(number, **told)


def text_of(page: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


# The start of a report.


def test_without_a_session_the_form_redirects_to_sign_in_and_back(browser: TestClient) -> None:
    answer = browser.get(ROUND)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Ffile%3Fround%3Dru-us%2Fmoscow-next",
    )


def test_a_reader_may_not_file(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key("read"))
    assert browser.get("/file").status_code == 403


def test_an_api_key_in_a_header_does_not_open_the_form(browser: TestClient, new_key: NewKey) -> None:
    assert browser.get("/file", headers={"Authorization": f"Bearer {new_key()}"}).status_code == 303


def test_a_report_starts_from_a_round_or_an_empty_form(desk: TestClient) -> None:
    starts = re.findall(r'href="(/file\?[^"]+)"', desk.get("/file").text)
    assert starts == [
        "/file?round=ru-us/moscow-next",
        "/file?round=ru-us/istanbul-april",
        "/file?round=ru-us/istanbul-february",
        "/file?relation=ru-us",
    ]


def test_a_limited_key_files_only_on_its_relations(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key(relations=("de-fr",)))
    start = browser.get("/file").text
    assert re.findall(r'href="(/file\?[^"]+)"', start) == ["/file?relation=de-fr"]
    assert "Begin the relation of Germany and France" in start
    assert 'name="one"' not in start, "no other relation can be named"
    assert opened(browser, "/file?relation=de-fr").fields["e1-parties"] == "Germany\nFrance"
    assert browser.get(ROUND).status_code == 403


def test_the_form_of_a_round_shows_all_open_irritants_steps_and_proposals(desk: TestClient) -> None:
    paper = opened(desk, ROUND)
    assert paper.all("shown") == [
        "round/ru-us/moscow-next",
        "irritant/ru-us/banking-access",
        "irritant/ru-us/diplomat-movement",
        "irritant/ru-us/direct-flights",
        "irritant/ru-us/property-return",
        "irritant/ru-us/visas",
        "relation/ru-us",
    ]
    assert [b for b in paper.buttons if b.startswith("close")] == [
        "close irritant/ru-us/banking-access c1-banking",
        "close irritant/ru-us/diplomat-movement ns1-movement",
        "close irritant/ru-us/visas ns2-visas",
    ]
    assert sum(b.startswith("answer") for b in paper.buttons) == 2
    assert "Russia says that the substance is agreed (“understanding”); the United States is silent." in text_of(
        paper.page
    )


def test_the_form_of_a_future_round_begins_with_its_meeting(desk: TestClient) -> None:
    paper = opened(desk, ROUND)
    assert (paper.fields["e1-type"], paper.fields["e1-place"]) == ("RoundConvened", "Moscow")
    assert "e1-type" not in opened(desk, "/file?round=ru-us/istanbul-april").fields


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("round=x", f"round must be the id of a round, {FORM_OF_IDS}, such as ru-us/istanbul-april"),
        ("relation=x", f"relation must be {ID_OF_A_RELATION}, such as ru-us"),
    ],
)
def test_a_wrong_round_or_relation_in_the_address_is_explained_in_words(
    desk: TestClient, parameter: str, words: str
) -> None:
    page = desk.get(f"/file?{parameter}")
    assert page.status_code == 422
    assert words in text_of(page)
    assert "^[a-z" not in page.text, "no regular expression"


def test_a_new_round_can_be_reported_on(desk: TestClient) -> None:
    paper = opened(desk, "/file?round=ru-us/ankara-may")
    assert paper.fields["e1-stream"] == "round/ru-us/ankara-may"
    assert desk.get("/file?round=ankara").status_code == 422


def test_a_new_round_is_begun_by_its_title(desk: TestClient) -> None:
    begun = desk.get("/file", params={"relation": "ru-us", "titled": "Talks in Ankara, May"})
    assert (begun.status_code, begun.headers["location"]) == (
        303,
        "/file?round=ru-us%2Ftalks-in-ankara-may&titled=Talks+in+Ankara%2C+May",
    )
    paper = opened(desk, begun.headers["location"])
    assert (paper.fields["e1-type"], paper.fields["title"]) == ("RoundConvened", "Readouts of Talks in Ankara, May")
    assert "e2-type" not in paper.fields, "the id says the same as the title"
    known = desk.get("/file", params={"relation": "ru-us", "titled": "istanbul april"})
    assert known.headers["location"] == "/file?round=ru-us%2Fistanbul-april"
    paper = opened(desk, desk.get("/file", params={"relation": "ru-us", "titled": "Анкара"}).headers["location"])
    assert (paper.fields["e2-type"], paper.fields["e2-title"]) == ("RoundTitled", "Анкара")
    assert "Report on <bdi>Анкара</bdi>" in paper.page.text


# Buttons.


def test_an_entry_has_only_the_fields_of_its_type(desk: TestClient) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", "HoldLifted").press(f"add {VISAS}")
    own = [name for name in paper.fields if name.startswith("e1-")]
    assert "e1-kind" not in own
    paper = paper.write(f"type-of-{VISAS}", "HoldPlaced").press(f"add {VISAS}")
    assert {"e2-kind", "e2-by", "e2-reason"} <= paper.fields.keys()
    assert "A side lifts its hold." in paper.page.text


def test_only_types_that_fit_the_stream_are_offered(desk: TestClient) -> None:
    offered = visas_on(opened(desk, BLANK)).choices(f"type-of-{VISAS}")
    assert "EvidenceAdded" in offered
    assert {"IrritantOpened", "RoundConvened", "AssertionCorrected", "AssertionRetracted"}.isdisjoint(offered)


def test_a_new_entry_starts_with_the_source_and_date_of_the_last_but_not_with_its_paragraph(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK))
    paper = paper.write(f"type-of-{VISAS}", "PositionStated").press(f"add {VISAS}")
    begun = {name: value for name, value in paper.fields.items() if name.startswith("e2-") and value}
    assert begun == {
        "e2-stream": VISAS,
        "e2-type": "PositionStated",
        "e2-asserted_by-party": "US",
        "e2-asserted_by-channel": "paraphrase",
        "e2-source-document": "a4-unnamed-outlet",
        "e2-source-origin": "state-department-on-april",
        "e2-occurred": "[2025-05-02..]",
    }


def test_input_is_kept_when_an_entry_is_added_or_removed(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK), summary="“Straße” & <b>more</b>")
    paper = paper.write(f"type-of-{VISAS}", "ConcernRaised").press(f"add {VISAS}")
    paper = paper.press("remove 2")
    assert paper.fields["e1-summary"] == "“Straße” & <b>more</b>"
    assert "e2-type" not in paper.fields


def test_the_next_entry_cites_a_newly_registered_document(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-document", "Reuters, 2 May 2025").press("register")
    assert paper.fields["e1-stream"] == "source/reuters-2-may-2025"
    paper = paper.fill(1, publisher="Reuters", paragraphs="12")
    paper = paper.write("new-utterance", "Department on May").press("utter")
    paper = paper.fill(2, speaker="State Department", party="US", channel="quote")
    paper = visas_on(paper).write(f"type-of-{VISAS}", "ConcernRaised").press(f"add {VISAS}")
    assert paper.fields["e3-source-document"] == "reuters-2-may-2025"
    assert paper.fields["e3-source-origin"] == "department-on-may"
    assert (paper.fields["e3-asserted_by-party"], paper.fields["e3-asserted_by-channel"]) == ("US", "quote")


def test_enter_adds_a_typed_irritant(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-irritant", "Seized archives").press("")
    assert paper.fields["e1-stream"] == "irritant/ru-us/seized-archives"
    assert (paper.fields["e1-type"], paper.fields["e1-title"]) == ("IrritantOpened", "Seized archives")


def test_adding_a_recorded_irritant_shows_it_instead_of_opening_it(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-irritant", "Visas").press("open")
    assert VISAS in paper.all("shown")
    assert "e1-type" not in paper.fields


def test_a_proposal_is_answered_by_its_button(desk: TestClient) -> None:
    paper = opened(desk, ROUND)
    button = next(b for b in paper.buttons if b.startswith("answer irritant/ru-us/direct-flights"))
    paper = paper.press(button)
    assert (paper.fields["e2-type"], paper.fields["e2-proposal"]) == ("ProposalAnswered", button.split()[2])
    assert paper.choices("e2-proposal") == ["", button.split()[2]]


def test_an_entry_can_refer_to_another_of_the_same_report(desk: TestClient, engine: Engine) -> None:
    paper = saying(saying(opened(desk, BLANK)), "EvidenceAdded", source__paragraphs="6")
    assert "e1" in paper.choices("e2-target")
    answer = paper.write("e2-target", "e1").send("file")
    assert answer.status_code == 303
    assert position(engine) == SEEDED + 2


@pytest.mark.parametrize("do", ["add", "add source/x y", "close x", "remove x", "show", "answer", "nonsense"])
def test_an_unknown_button_changes_nothing(desk: TestClient, do: str) -> None:
    paper = saying(opened(desk, BLANK))
    answer = desk.post(BLANK, data={**paper.fields, "shown": paper.all("shown"), "do": do})
    assert answer.status_code == 200
    assert Paper(desk, answer).fields["e1-summary"] == paper.fields["e1-summary"]


def test_a_script_gets_only_the_form(desk: TestClient) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", "ConcernRaised")
    part = paper.send(f"add {VISAS}", **HTMX)
    assert part.text.lstrip().startswith("<form")
    assert 'name="e1-summary"' in part.text


# The preview.


def preview(paper: Paper, **headers: str) -> Any:
    return paper.browser.post("/file/preview", data={**paper.fields, "shown": paper.all("shown")}, headers=headers)


def test_a_preview_shows_before_and_after_and_writes_nothing(desk: TestClient, engine: Engine) -> None:
    told = text_of(preview(saying(opened(desk, BLANK))))
    assert "One event, not filed yet." in told
    assert "Russia and the United States both say that the substance is agreed" in told
    assert "Who says so one side → both sides" in told
    assert "Actors of this report: RU : Russia; US : The United States." in told
    assert position(engine) == SEEDED


def test_an_actor_is_named_in_the_form_and_its_name_is_in_the_preview(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK)).write("new-actor", "us").press("name")
    assert paper.fields["e2-actor"] == "US"
    told = text_of(preview(paper.fill(2, kind="state", names="America")))
    assert "Actors of this report: RU : Russia; US : America." in told
    assert "Russia and America both say" in told


def test_a_preview_ignores_incomplete_entries(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK))
    paper = paper.write(f"type-of-{VISAS}", "HoldPlaced").press(f"add {VISAS}")
    told = text_of(preview(paper))
    assert "One entry is not complete yet, and is left out here. 4 fields are still empty." in told
    assert "Russia and the United States both say that the substance is agreed" in told


def test_a_preview_lists_mistakes_with_their_places(desk: TestClient) -> None:
    found = preview(saying(opened(desk, BLANK), source__paragraphs="5, 99")).text
    assert '<li data-at="e1-source-paragraphs" data-wrong="e1">' in found
    assert "Paragraph 99 does not exist" in found


def test_without_scripts_the_page_contains_the_preview(desk: TestClient) -> None:
    assert "Russia and the United States both say that the substance is agreed" in text_of(
        saying(opened(desk, BLANK)).press("").page
    )


def test_a_preview_explains_what_the_rules_forbid(desk: TestClient) -> None:
    said = {"to": "resolved", "by": "US", "reason": "A reason", "summary": "It went back."}
    told = text_of(preview(saying(opened(desk, BLANK), "ProgressReversed", **said)))
    assert "A reversal cannot go back to resolved" in told


# Filing.


def filed(answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_filed_report_is_recorded_and_the_page_shows_its_changes(desk: TestClient, engine: Engine) -> None:
    place = filed(saying(opened(desk, BLANK)).send("file"))
    assert position(engine) == SEEDED + 1
    told = text_of(desk.get(place))
    assert "What was said in May Filed by desk on" in told
    assert "Russia and the United States both say that the substance is agreed" in told
    event = desk.get("/v1/events", params={"after": SEEDED}).json()["items"][0]
    assert event["actor"] == "desk"
    assert event["data"] == {
        "type": "UnderstandingReported",
        "terms": "Visas within thirty days",
        "summary": "The department speaks of an understanding on visas.",
        "asserted_by": {"party": "US", "channel": "paraphrase"},
        "source": {
            "document": "a4-unnamed-outlet",
            "paragraphs": [5],
            "origin": "state-department-on-april",
        },
        "occurred": "[2025-05-02..]",
        "occurred_basis": "stated",
    }


def test_a_report_on_a_round_contains_the_round(desk: TestClient) -> None:
    paper = saying(opened(desk, ROUND).press("remove 1"))
    place = filed(paper.send("file")).partition("?")[0]
    assert desk.get(f"/v1{place}").json()["round"] == "ru-us/moscow-next"


def test_a_form_that_is_sent_twice_is_filed_once(desk: TestClient, engine: Engine) -> None:
    paper = saying(opened(desk, BLANK))
    assert filed(paper.send("file")) == filed(paper.send("file"))
    assert position(engine) == SEEDED + 1


def test_a_filed_form_with_other_contents_is_refused_and_can_be_filed_as_a_new_report(
    desk: TestClient, engine: Engine
) -> None:
    paper = saying(opened(desk, BLANK))
    first = filed(paper.send("file")).partition("?")[0]
    again = paper.fill(1, summary="Other was meant.").send("file")
    assert again.status_code == 422
    assert first in again.text
    assert position(engine) == SEEDED + 1
    filed(Paper(desk, again).send("file"))
    assert position(engine) == SEEDED + 2


def test_every_mistake_is_shown_at_its_field_and_nothing_is_filed(desk: TestClient, engine: Engine) -> None:
    paper = saying(
        opened(desk, BLANK), summary="", asserted_by__channel="", occurred="2025-13-01", source__paragraphs="99"
    )
    answer = paper.write("title", "").send("file")
    assert answer.status_code == 422
    told = {
        found: unescape(detail)
        for found, detail in re.findall(r'<p class="mistake" id="([^"]+)-mistake">([^<]+)</p>', answer.text)
    }
    assert told.keys() == {
        "title",
        "e1-summary",
        "e1-asserted_by-channel",
        "e1-occurred",
        "e1-source-paragraphs",
    }
    assert told["e1-summary"] == "is missing. Give text in one line, at most 300 characters."
    assert "Nothing was filed. Correct 5 mistakes." in answer.text
    assert answer.text.count('aria-invalid="true"') == 5
    assert position(engine) == SEEDED


CAMEL_CASE = re.compile(r"\b[A-Z][a-z]+[A-Z]\w+")


@pytest.mark.parametrize("type", sorted(KINDS["irritant"] - {"IrritantOpened"}))
def test_a_form_tells_mistakes_in_its_own_labels(desk: TestClient, type: str) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", type).press(f"add {VISAS}")
    wrong = {
        control.partition("-")[2].replace("-", "__"): "Not so_"
        for control in paper.fields
        if control.startswith("e1-") and control[3:] not in ("stream", "type")
    }
    for written in ({}, wrong):
        answer = paper.fill(1, **written).send("file")
        assert answer.status_code in (409, 422)
        told = [unescape(detail) for detail in re.findall(r'class="mistake"[^>]*>([^<]+)<', answer.text)]
        assert told
        for detail in told:
            assert "`" not in detail
            assert not CAMEL_CASE.search(detail), detail
            assert not re.search(r"\b(in_force_from|asserted_by|occurred_basis|at_least|valid_until)\b", detail), detail


def test_a_form_reads_a_range_of_paragraphs(desk: TestClient, engine: Engine) -> None:
    filed(saying(opened(desk, BLANK), source__paragraphs="4-5, 7").send("file"))
    with connection(engine) as c:
        [event] = read_log(c, after=SEEDED)
    assert json.loads(event.data)["source"]["paragraphs"] == [4, 5, 7]


def test_a_missing_choice_says_that_a_list_has_the_choices(desk: TestClient) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", "ProposalTabled").press(f"add {VISAS}")
    answer = paper.write("title", "An offer").send("file")
    assert 'id="e1-kind-mistake">is missing. Choose one from the list.' in answer.text


def test_an_empty_report_is_refused(desk: TestClient) -> None:
    answer = opened(desk, BLANK).write("title", "Nothing").send("file")
    assert answer.status_code == 422
    assert "Give at least one event" in answer.text


def test_reports_filed_since_the_form_was_opened_are_shown_before_filing(desk: TestClient, engine: Engine) -> None:
    paper = saying(opened(desk, BLANK))
    filed(saying(opened(desk, BLANK), summary="Somebody else was faster.").send("file"))
    answer = paper.send("file")
    assert answer.status_code == 409
    assert "Someone else filed a report on this since you began." in answer.text
    filed(Paper(desk, answer).press("take-note").send("file"))
    assert position(engine) == SEEDED + 2


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("\0", "contains a "),
        ("a\x1bb", "has U+001B (a control character) at character 7, "),
        ("\u202e", "has U+202E (right-to-left override) "),
    ],
)
def test_an_invalid_character_is_shown_as_a_mistake(desk: TestClient, said: str, found: str) -> None:
    answer = saying(opened(desk, BLANK), summary=f"What {said} was said").send("file")
    assert answer.status_code == 422
    assert f'id="e1-summary-mistake">{found}' in answer.text


# Sessions and keys.


@pytest.mark.parametrize("key", ["", "0" * 12])
def test_a_form_made_for_another_key_files_nothing_and_keeps_its_input(
    desk: TestClient, engine: Engine, key: str
) -> None:
    answer = saying(opened(desk, BLANK)).write("made-for", key).send("file")
    assert answer.status_code == 403
    assert position(engine) == SEEDED
    again = Paper(desk, answer)
    assert again.fields["e1-terms"] == "Visas within thirty days"
    filed(again.send("file"))


def test_a_form_from_another_site_files_nothing(desk: TestClient, engine: Engine) -> None:
    answer = saying(opened(desk, BLANK)).send("file", **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Visas within thirty days" not in answer.text
    assert position(engine) == SEEDED


def test_when_the_session_has_ended_the_page_asks_for_the_key_and_keeps_the_input(
    desk: TestClient, engine: Engine, new_key: NewKey, clock: Clock
) -> None:
    paper = saying(opened(desk, BLANK))
    clock.passes(hours=13)
    answer = paper.send("file")
    assert answer.status_code == 401
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))
    assert kept["e1-terms"] == "Visas within thirty days"
    assert "made-for" not in kept
    wrong = desk.post("/file", data={**kept, "sign-in-key": "irr_none"})
    assert (wrong.status_code, "has expired or was revoked" in wrong.text) == (401, True)
    back = desk.post("/file", data={**kept, "sign-in-key": new_key(name="again")})
    assert back.status_code == 200
    assert "You are signed in again. Nothing was filed" in back.text
    assert position(engine) == SEEDED
    filed(Paper(desk, back).send("file"))
    assert desk.get("/v1/events", params={"after": SEEDED}).json()["items"][0]["actor"] == "again"


def test_when_the_session_has_ended_nothing_of_a_closed_record_is_shown(
    closed: TestClient, new_key: NewKey, clock: Clock
) -> None:
    sign_in(closed, new_key())
    paper = saying(opened(closed, BLANK))
    clock.passes(hours=13)
    answer = paper.send("file")
    assert answer.status_code == 401
    assert "Visas for diplomats" not in answer.text
    assert "The record ends" not in answer.text


def test_when_the_session_has_ended_a_script_is_redirected_to_sign_in(desk: TestClient, clock: Clock) -> None:
    paper = saying(opened(desk, BLANK))
    clock.passes(hours=13)
    answer = paper.send("", **HTMX)
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Ffile%3Frelation%3Dru-us"
    assert "Your draft is saved in this browser." in preview(paper, **HTMX).text


def test_a_limited_key_cannot_preview_or_file_on_another_relation(
    desk: TestClient, new_key: NewKey, seeded_database_url: str, clock: Clock
) -> None:
    paper = saying(opened(desk, BLANK))
    with browsing(site(seeded_database_url, clock)) as other:
        key = new_key(relations=("de-fr",))
        sign_in(other, key)
        paper.write("made-for", key.split("_")[1])
        data = {**paper.fields, "shown": paper.all("shown")}
        assert other.post("/file/preview", data=data).status_code == 403
        assert other.post("/file", data={**data, "do": "file"}).status_code == 403


def test_pages_with_forms_are_not_cached(desk: TestClient) -> None:
    assert desk.get(BLANK).headers["cache-control"] == "no-store"


# Dates.


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[2025-04-10..]", "on or after 10 April 2025, day unknown"),
        ("2025-04", "April 2025"),
        ("10 April 2025", "10 April 2025, recorded as 2025-04-10"),
        ("10/4/2025", "is not an accepted date"),
    ],
)
def test_a_date_is_shown_in_words_at_once(desk: TestClient, written: str, read: str) -> None:
    assert read in unescape(desk.get("/file/date", params={"e1-occurred": written}).text)


def test_an_empty_date_has_no_words(desk: TestClient) -> None:
    assert desk.get("/file/date", params={"e1-occurred": ""}).text.strip() == ""


def test_an_inferred_date_needs_its_inference(desk: TestClient) -> None:
    filed(saying(opened(desk, BLANK), inference="From the weekday.").send("file"))
    data = desk.get("/v1/events", params={"after": SEEDED}).json()["items"][0]["data"]
    assert (data["occurred_basis"], data["inference"]) == ("inferred", "From the weekday.")


def test_a_form_with_two_hundred_open_irritants_fits_a_page(desk: TestClient, new_key: NewKey) -> None:
    opened_now = [
        {
            "stream": f"irritant/ru-us/matter-{n}",
            "type": "IrritantOpened",
            "title": f"Matter {n} of the many",
            "category": "many",
        }
        for n in range(195)
    ]
    headers = {"Authorization": f"Bearer {new_key()}", "Idempotency-Key": "many"}
    body = {"relation": "ru-us", "title": "Many matters", "events": opened_now}
    assert desk.post("/v1/reports", json=body, headers=headers).status_code == 201
    page = desk.get(ROUND)
    assert len(Paper(desk, page).all("shown")) == 202
    assert len(page.content) < 440_000


# Slips.


def test_a_slip_is_pointed_out_in_the_preview_and_on_the_page_of_the_report(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK), "ConcernRaised", occurred="1025-05-02")
    part = desk.post("/file/preview", data=paper.fields, headers=HTMX)
    assert "One warning. The report can be filed all the same." in text_of(part)
    assert "Concern raised, Date : 2 May 1025 is before 1900. Check the year." in text_of(part)
    assert re.search(r'<a href="#e\d+-occurred">', part.text)
    answer = paper.send("file")
    assert answer.status_code == 303
    page = desk.get(answer.headers["location"])
    assert "Warnings when it was filed Concern raised : 2 May 1025 is before 1900. Check the year." in text_of(page)


def test_a_report_without_slips_has_no_warnings(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK), "ConcernRaised")
    assert "warning" not in text_of(desk.post("/file/preview", data=paper.fields, headers=HTMX))
    assert "Warnings" not in text_of(desk.get(paper.send("file").headers["location"]))


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("\u0627\u0644\u0628\u0646\u0648\u0643", "lbnwk"),
        ("\u0411\u0430\u043d\u043a\u0438 \u0438 \u0432\u0438\u0437\u044b", "banki-i-vizy"),
        ("\u7b7e\u8bc1", "qianzheng"),
        ("L'acc\xe8s aux banques", "l-acces-aux-banques"),
    ],
)
def test_a_title_in_any_script_gives_a_name_in_latin_letters(desk: TestClient, title: str, slug: str) -> None:
    paper = opened(desk, BLANK).write("new-irritant", title).press("open")
    assert f"irritant/ru-us/{slug}" in paper.all("shown")
