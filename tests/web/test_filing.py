"""A report filed in a form, as a browser without a script does it: started, filled in, previewed, filed once."""

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.store.engine import connection
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
    """The form with an assertion of the American side on visas, complete."""
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


# Where a report begins.


def test_a_stranger_is_asked_to_sign_in_and_comes_back(browser: TestClient) -> None:
    answer = browser.get(ROUND)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Ffile%3Fround%3Dru-us%2Fmoscow-next",
    )


def test_a_reader_may_not_file(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key("read"))
    assert browser.get("/file").status_code == 403


def test_a_key_shown_by_a_program_is_no_session(browser: TestClient, new_key: NewKey) -> None:
    assert browser.get("/file", headers={"Authorization": f"Bearer {new_key()}"}).status_code == 303


def test_one_starts_from_a_round_the_undated_first_or_from_nothing(desk: TestClient) -> None:
    starts = re.findall(r'href="(/file\?[^"]+)"', desk.get("/file").text)
    assert starts == [
        "/file?round=ru-us/moscow-next",
        "/file?round=ru-us/istanbul-april",
        "/file?round=ru-us/istanbul-february",
        "/file?relation=ru-us",
    ]


def test_a_key_that_is_limited_files_only_where_it_may(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key(relations=("de-fr",)))
    assert "Your key may not report on any relation" in browser.get("/file").text
    assert browser.get(ROUND).status_code == 403


def test_from_a_round_the_form_has_all_that_is_open_as_it_stands(desk: TestClient) -> None:
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


def test_a_round_that_has_not_met_is_expected_to_have(desk: TestClient) -> None:
    paper = opened(desk, ROUND)
    assert (paper.fields["e1-type"], paper.fields["e1-place"]) == ("RoundConvened", "Moscow")
    assert "e1-type" not in opened(desk, "/file?round=ru-us/istanbul-april").fields


def test_a_round_that_is_not_on_record_can_be_reported_on(desk: TestClient) -> None:
    paper = opened(desk, "/file?round=ru-us/ankara-may")
    assert paper.fields["e1-stream"] == "round/ru-us/ankara-may"
    assert desk.get("/file?round=ankara").status_code == 422


# What the buttons do.


def test_an_entry_asks_only_for_what_its_type_has(desk: TestClient) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", "HoldLifted").press(f"add {VISAS}")
    own = [name for name in paper.fields if name.startswith("e1-")]
    assert "e1-kind" not in own
    paper = paper.write(f"type-of-{VISAS}", "HoldPlaced").press(f"add {VISAS}")
    assert {"e2-kind", "e2-by", "e2-reason"} <= paper.fields.keys()
    assert "A side lifts the hold that it had placed." in paper.page.text


def test_only_what_can_be_said_of_a_stream_is_offered(desk: TestClient) -> None:
    offered = visas_on(opened(desk, BLANK)).choices(f"type-of-{VISAS}")
    assert "EvidenceAdded" in offered
    assert {"IrritantOpened", "RoundConvened", "AssertionCorrected", "AssertionRetracted"}.isdisjoint(offered)


def test_an_entry_begins_as_the_last_one_did(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK))
    paper = paper.write(f"type-of-{VISAS}", "PositionStated").press(f"add {VISAS}")
    begun = {name: value for name, value in paper.fields.items() if name.startswith("e2-") and value}
    assert begun == {
        "e2-stream": VISAS,
        "e2-type": "PositionStated",
        "e2-asserted_by-party": "US",
        "e2-asserted_by-channel": "paraphrase",
        "e2-source-document": "a4-unnamed-outlet",
        "e2-source-paragraphs": "5",
        "e2-source-origin": "state-department-on-april",
        "e2-occurred": "[2025-05-02..]",
    }


def test_what_was_written_stays_when_an_entry_is_added_or_removed(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK), summary="“Straße” & <b>more</b>")
    paper = paper.write(f"type-of-{VISAS}", "ConcernRaised").press(f"add {VISAS}")
    paper = paper.press("remove 2")
    assert paper.fields["e1-summary"] == "“Straße” & <b>more</b>"
    assert "e2-type" not in paper.fields


def test_what_is_registered_is_what_the_next_entry_cites(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-document", "Reuters, 2 May 2025").press("register")
    assert paper.fields["e1-stream"] == "source/reuters-2-may-2025"
    paper = paper.fill(1, publisher="Reuters", paragraphs="12")
    paper = paper.write("new-utterance", "Department on May").press("utter")
    paper = paper.fill(2, speaker="State Department", party="US", channel="quote")
    paper = visas_on(paper).write(f"type-of-{VISAS}", "ConcernRaised").press(f"add {VISAS}")
    assert paper.fields["e3-source-document"] == "reuters-2-may-2025"
    assert paper.fields["e3-source-origin"] == "department-on-may"
    assert (paper.fields["e3-asserted_by-party"], paper.fields["e3-asserted_by-channel"]) == ("US", "quote")


def test_what_is_typed_for_adding_is_added_by_enter(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-irritant", "Seized archives").press("")
    assert paper.fields["e1-stream"] == "irritant/ru-us/seized-archives"
    assert (paper.fields["e1-type"], paper.fields["e1-title"]) == ("IrritantOpened", "Seized archives")


def test_an_irritant_of_that_title_that_is_on_record_is_shown_and_not_opened_again(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-irritant", "Visas").press("open")
    assert VISAS in paper.all("shown")
    assert "e1-type" not in paper.fields


def test_a_proposal_is_answered_from_where_it_waits(desk: TestClient) -> None:
    paper = opened(desk, ROUND)
    button = next(b for b in paper.buttons if b.startswith("answer irritant/ru-us/direct-flights"))
    paper = paper.press(button)
    assert (paper.fields["e2-type"], paper.fields["e2-proposal"]) == ("ProposalAnswered", button.split()[2])
    assert paper.choices("e2-proposal") == ["", button.split()[2]]


def test_an_entry_can_mean_another_of_the_same_report(desk: TestClient, engine: Engine) -> None:
    paper = saying(saying(opened(desk, BLANK)), "EvidenceAdded", source__paragraphs="6")
    assert "e1" in paper.choices("e2-target")
    answer = paper.write("e2-target", "e1").send("file")
    assert answer.status_code == 303
    assert position(engine) == SEEDED + 2


@pytest.mark.parametrize("do", ["add", "add source/x y", "close x", "remove x", "show", "answer", "nonsense"])
def test_a_button_that_is_none_changes_nothing(desk: TestClient, do: str) -> None:
    paper = saying(opened(desk, BLANK))
    answer = desk.post(BLANK, data={**paper.fields, "shown": paper.all("shown"), "do": do})
    assert answer.status_code == 200
    assert Paper(desk, answer).fields["e1-summary"] == paper.fields["e1-summary"]


def test_a_script_gets_the_form_alone(desk: TestClient) -> None:
    paper = visas_on(opened(desk, BLANK)).write(f"type-of-{VISAS}", "ConcernRaised")
    part = paper.send(f"add {VISAS}", **HTMX)
    assert part.text.lstrip().startswith("<form")
    assert 'name="e1-summary"' in part.text


# What this report changes.


def preview(paper: Paper, **headers: str) -> Any:
    return paper.browser.post("/file/preview", data={**paper.fields, "shown": paper.all("shown")}, headers=headers)


def test_a_preview_shows_before_and_after_and_writes_nothing(desk: TestClient, engine: Engine) -> None:
    told = text_of(preview(saying(opened(desk, BLANK))))
    assert "One event, not filed yet." in told
    assert "Russia and the United States both say that the substance is agreed" in told
    assert "Who says so one side → both sides" in told
    assert position(engine) == SEEDED


def test_a_preview_leaves_aside_what_is_not_complete(desk: TestClient) -> None:
    paper = saying(opened(desk, BLANK))
    paper = paper.write(f"type-of-{VISAS}", "HoldPlaced").press(f"add {VISAS}")
    told = text_of(preview(paper))
    assert "One entry is not complete yet, and is left out here. 3 fields are still empty." in told
    assert "Russia and the United States both say that the substance is agreed" in told


def test_a_preview_says_what_is_wrong_and_where(desk: TestClient) -> None:
    found = preview(saying(opened(desk, BLANK), source__paragraphs="5, 99")).text
    assert '<li data-at="e1-source-paragraphs">' in found
    assert "there is no paragraph 99" in found


def test_a_page_without_a_script_has_the_preview_in_it(desk: TestClient) -> None:
    assert "Russia and the United States both say that the substance is agreed" in text_of(
        saying(opened(desk, BLANK)).press("").page
    )


def test_what_the_rules_do_not_allow_is_told_with_where_it_stands(desk: TestClient) -> None:
    said = {"to": "resolved", "by": "US", "reason": "A reason", "summary": "It went back."}
    told = text_of(preview(saying(opened(desk, BLANK), "ProgressReversed", **said)))
    assert "A reversal goes back to a rung below resolved" in told


# Filing.


def filed(answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_what_is_filed_is_on_record_and_the_page_says_what_it_changed(desk: TestClient, engine: Engine) -> None:
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


def test_a_report_on_a_round_names_it(desk: TestClient) -> None:
    paper = saying(opened(desk, ROUND).press("remove 1"))
    place = filed(paper.send("file")).partition("?")[0]
    assert desk.get(f"/v1{place}").json()["round"] == "ru-us/moscow-next"


def test_a_form_that_is_sent_twice_is_filed_once(desk: TestClient, engine: Engine) -> None:
    paper = saying(opened(desk, BLANK))
    assert filed(paper.send("file")) == filed(paper.send("file"))
    assert position(engine) == SEEDED + 1


def test_a_form_that_was_filed_with_other_contents_says_so_and_can_be_filed_anew(
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


def test_every_mistake_is_told_at_its_field_and_nothing_is_filed(desk: TestClient, engine: Engine) -> None:
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
    assert told["e1-summary"] == "is missing."
    assert "Nothing was filed. Correct 5 mistakes." in answer.text
    assert answer.text.count('aria-invalid="true"') == 5
    assert position(engine) == SEEDED


def test_an_empty_report_is_no_report(desk: TestClient) -> None:
    answer = opened(desk, BLANK).write("title", "Nothing").send("file")
    assert answer.status_code == 422
    assert "a report has a list of at least one event" in answer.text


def test_what_was_recorded_since_is_looked_at_before_it_is_passed_over(desk: TestClient, engine: Engine) -> None:
    paper = saying(opened(desk, BLANK))
    filed(saying(opened(desk, BLANK), summary="Somebody else was faster.").send("file"))
    answer = paper.send("file")
    assert answer.status_code == 409
    assert "Someone else filed a report on this since you began." in answer.text
    filed(Paper(desk, answer).press("take-note").send("file"))
    assert position(engine) == SEEDED + 2


@pytest.mark.parametrize(
    ("said", "found"),
    [("\0", "contains a "), ("a\x1bb", "has the character U+001B, "), ("\u202e", "has the character U+202E, ")],
)
def test_what_cannot_be_recorded_is_a_mistake_as_any_other(desk: TestClient, said: str, found: str) -> None:
    answer = saying(opened(desk, BLANK), summary=f"What {said} was said").send("file")
    assert answer.status_code == 422
    assert f'id="e1-summary-mistake">{found}' in answer.text


# Whose form it is.


@pytest.mark.parametrize("key", ["", "0" * 12])
def test_a_form_that_was_made_for_another_key_files_nothing_and_loses_nothing(
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


def test_where_the_session_has_ended_all_comes_back_with_the_question_for_the_key(
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
    assert (wrong.status_code, "may have expired or been revoked" in wrong.text) == (401, True)
    back = desk.post("/file", data={**kept, "sign-in-key": new_key(name="again")})
    assert back.status_code == 200
    assert "You are signed in again. Nothing was filed" in back.text
    assert position(engine) == SEEDED
    filed(Paper(desk, back).send("file"))
    assert desk.get("/v1/events", params={"after": SEEDED}).json()["items"][0]["actor"] == "again"


def test_where_the_session_has_ended_nothing_of_the_record_is_shown(
    closed: TestClient, new_key: NewKey, clock: Clock
) -> None:
    sign_in(closed, new_key())
    paper = saying(opened(closed, BLANK))
    clock.passes(hours=13)
    answer = paper.send("file")
    assert answer.status_code == 401
    assert "Visas for diplomats" not in answer.text
    assert "The record ends" not in answer.text


def test_where_the_session_has_ended_a_script_is_sent_to_sign_in(desk: TestClient, clock: Clock) -> None:
    paper = saying(opened(desk, BLANK))
    clock.passes(hours=13)
    answer = paper.send("", **HTMX)
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Ffile%3Frelation%3Dru-us"
    assert "Your draft is saved in this browser." in preview(paper, **HTMX).text


def test_a_key_that_is_limited_previews_and_files_nothing_elsewhere(
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


def test_pages_that_hold_forms_are_never_kept(desk: TestClient) -> None:
    assert desk.get(BLANK).headers["cache-control"] == "no-store"


# Dates.


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[2025-04-10..]", "on or after 10 April 2025, day unknown"),
        ("2025-04", "April 2025"),
        ("10.4.2025", "is no date that this record takes"),
    ],
)
def test_a_date_is_read_back_at_once(desk: TestClient, written: str, read: str) -> None:
    assert read in unescape(desk.get("/file/date", params={"e1-occurred": written}).text)


def test_no_date_reads_as_nothing(desk: TestClient) -> None:
    assert desk.get("/file/date", params={"e1-occurred": ""}).text.strip() == ""


def test_an_inferred_date_says_how(desk: TestClient) -> None:
    filed(saying(opened(desk, BLANK), inference="From the weekday.").send("file"))
    data = desk.get("/v1/events", params={"after": SEEDED}).json()["items"][0]["data"]
    assert (data["occurred_basis"], data["inference"]) == ("inferred", "From the weekday.")


def test_a_round_between_whom_two_hundred_irritants_are_open_fits_a_page(desk: TestClient, new_key: NewKey) -> None:
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
