"""The record is corrected and struck from a form, with a reason, after it was seen what that does."""

import re
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Clock, NewKey, sign_in
from tests.web.paper import Paper, opened
from tests.web.test_filing import HTMX, SEEDED, VISAS, filed, text_of

BANKING = "irritant/ru-us/banking-access"


def events(browser: TestClient, stream: str, type: str) -> list[dict[str, Any]]:
    found = browser.get("/v1/events", params={"stream": stream, "type": type}).json()["items"]
    return list(found)


def event(browser: TestClient, stream: str, type: str) -> str:
    return str(events(browser, stream, type)[0]["id"])


def last(browser: TestClient) -> dict[str, Any]:
    return dict(browser.get("/v1/events", params={"after": SEEDED}).json()["items"][-1])


def irritant(browser: TestClient, slug: str) -> dict[str, Any]:
    return dict(browser.get(f"/v1/irritants/ru-us/{slug}").json())


@pytest.mark.parametrize("kind", ["correct", "retract"])
def test_mending_is_for_who_may_report(browser: TestClient, new_key: NewKey, kind: str) -> None:
    address = f"/{kind}/{event(browser, VISAS, 'NextStepAgreed')}"
    assert browser.get(address).headers["location"].startswith("/sign-in?next=")
    sign_in(browser, new_key("read"))
    assert browser.get(address).status_code == 403


def test_a_key_that_is_limited_mends_nothing_elsewhere(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key(relations=("de-fr",)))
    assert browser.get(f"/retract/{event(browser, VISAS, 'NextStepAgreed')}").status_code == 403


def test_what_is_mended_is_called_by_its_name(desk: TestClient) -> None:
    page = desk.get(f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").text
    assert ">Visas for diplomats</a>" in page
    assert f">{VISAS}<" not in page


@pytest.mark.parametrize("id", ["nothing", "01a20094-2334-7068-9059-000000000000"])
def test_what_is_not_on_record_cannot_be_mended(desk: TestClient, id: str) -> None:
    assert desk.get(f"/retract/{id}").status_code == 404


def test_the_dossier_leads_to_it_only_for_who_may(browser: TestClient, new_key: NewKey) -> None:
    step = event(browser, VISAS, "NextStepAgreed")
    assert f"/correct/{step}" not in browser.get("/irritants/ru-us/visas").text
    sign_in(browser, new_key())
    dossier = browser.get("/irritants/ru-us/visas").text
    assert f"/correct/{step}" in dossier
    assert f"/retract/{step}" in dossier
    assert f"/retract/{event(browser, VISAS, 'IrritantOpened')}" not in dossier
    assert f"/retract/{step}" not in browser.get("/irritants/ru-us/visas?as_of_position=120").text


@pytest.mark.parametrize(
    ("page", "stream", "type", "fixed"),
    [
        ("/rounds/ru-us/istanbul-april/events", "round/ru-us/istanbul-april", "RoundConcluded", None),
        ("/relations/ru-us/events", "relation/ru-us", "FormatDecided", "RelationOpened"),
        ("/relations/ru-us/events", "relation/ru-us", "PersonNamed", "RelationOpened"),
        ("/sources/a2-tataru/events", "source/a2-tataru", "SourceRegistered", "SourceRegistered"),
    ],
)
def test_whatever_is_on_record_can_be_mended_from_a_list_of_it(
    browser: TestClient, new_key: NewKey, page: str, stream: str, type: str, fixed: str | None
) -> None:
    listed = event(browser, stream, type)
    assert f"/correct/{listed}" not in browser.get(page).text
    assert f'href="{page}"' in browser.get(page.removesuffix("/events")).text
    sign_in(browser, new_key())
    shown = browser.get(page).text
    assert f"/correct/{listed}" in shown
    assert (f"/retract/{listed}" in shown) == (type != fixed)
    assert fixed is None or f"/retract/{event(browser, stream, fixed)}" not in shown
    assert "/correct/" not in browser.get(f"{page}?as_of_position=127").text


def test_what_was_mended_in_a_round_stands_as_it_was_filed(desk: TestClient) -> None:
    held = event(desk, "round/ru-us/istanbul-april", "RoundConcluded")
    form = opened(desk, f"/correct/{held}").fill(0, hours="6", occurred="2025-04-11", source__paragraphs="2")
    filed(form.write("reason", "Misread the length.").send("file"))
    correction = last(desk)["id"]
    filed(opened(desk, f"/retract/{held}").write("reason", "Not said at all.").send("file"))
    told = text_of(desk.get("/rounds/ru-us/istanbul-april/events"))
    assert "Misread the length." in told
    assert "Hours: 5 6" in told
    assert "Date: 10 April 2025 11 April 2025" in told
    assert "Paragraphs: 1 2" in told
    assert "Not said at all." in told
    position = events(desk, "round/ru-us/istanbul-april", "RoundConcluded")[0]["position"]
    for amendment in (held, correction, last(desk)["id"]):
        there = desk.get(f"/events/{amendment}").headers["location"]
        assert there == f"/rounds/ru-us/istanbul-april/events#p{position}"


def test_an_event_is_shown_at_the_point_that_its_link_was_read_at(browser: TestClient) -> None:
    step = events(browser, VISAS, "NextStepAgreed")[0]
    there = browser.get(f"/events/{step['id']}?as_of_position=120").headers["location"]
    assert there == f"/irritants/ru-us/visas?as_of_position=120#p{step['position']}"
    assert browser.get(f"/events/{step['id']}?as_of_position=60").status_code == 404
    assert browser.get("/events/nothing").status_code == 404


# Correcting.


def test_a_correction_begins_with_what_is_on_record(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    assert paper.fields["e0-asserted_by-person"] == "Alexander Darchiev"
    assert paper.fields["e0-source-paragraphs"] == "2"
    assert paper.fields["e0-owner"] == "both"
    assert "Nothing yet." in paper.page.text


def test_only_what_reads_otherwise_is_corrected(desk: TestClient) -> None:
    target = event(desk, VISAS, "NextStepAgreed")
    paper = opened(desk, f"/correct/{target}").fill(0, owner="US", source__paragraphs="2, 5", wording="")
    told = text_of(paper.press("").page)
    assert "Awaiting Both → The US" in told
    filed(paper.write("reason", "Misread: it is for Washington.").send("file"))
    assert last(desk)["data"] == {
        "type": "AssertionCorrected",
        "target": target,
        "changes": {"owner": "US", "source": {"paragraphs": [2, 5]}, "wording": None},
        "reason": "Misread: it is for Washington.",
    }
    assert irritant(desk, "visas")["awaiting"] == "US"


def test_a_second_correction_begins_where_the_first_ended(desk: TestClient) -> None:
    address = f"/correct/{event(desk, VISAS, 'NextStepAgreed')}"
    filed(opened(desk, address).fill(0, owner="US").write("reason", "Misread.").send("file"))
    assert opened(desk, address).fields["e0-owner"] == "US"


def test_a_date_that_was_not_inferred_after_all_is_stated(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").fill(0, inference="")
    filed(paper.write("reason", "The document says so.").send("file"))
    assert last(desk)["data"]["changes"] == {"inference": None, "occurred_basis": "stated"}


def test_where_nothing_reads_otherwise_there_is_nothing_to_correct(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").write("reason", "None.")
    answer = paper.send("file")
    assert answer.status_code == 422
    assert "there is nothing to correct" in answer.text


def test_every_mistake_in_a_correction_is_at_its_field(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    answer = paper.fill(0, occurred="10.4.2025", source__paragraphs="99").send("file")
    assert answer.status_code == 422
    told = re.findall(r'<p class="mistake" id="([^"]+)-mistake">([^<]+)</p>', answer.text)
    assert [at for at, _ in told] == ["e0-occurred", "reason"]
    paper = Paper(desk, answer).fill(0, occurred="2025-04-10").write("reason", "Misread.")
    assert "there is no paragraph 99" in unescape(paper.send("file").text)


def test_a_source_is_corrected_although_it_is_of_no_relation(desk: TestClient) -> None:
    address = f"/correct/{event(desk, 'source/a4-unnamed-outlet', 'SourceRegistered')}"
    filed(opened(desk, address).fill(0, publisher="An outlet").write("reason", "Named now.").send("file"))
    assert desk.get("/v1/sources/a4-unnamed-outlet").json()["publisher"] == "An outlet"


def test_a_correction_is_taken_back_and_not_corrected(desk: TestClient) -> None:
    address = f"/correct/{event(desk, VISAS, 'NextStepAgreed')}"
    filed(opened(desk, address).fill(0, owner="US").write("reason", "Misread.").send("file"))
    correction = event(desk, VISAS, "AssertionCorrected")
    assert desk.get(f"/correct/{correction}").status_code == 404
    assert f"/retract/{correction}" in desk.get("/irritants/ru-us/visas").text
    filed(opened(desk, f"/retract/{correction}").write("reason", "It was right.").send("file"))
    assert irritant(desk, "visas")["awaiting"] == "both"


# Retracting.


def test_a_retraction_shows_what_it_does_before_a_reason_is_given(desk: TestClient) -> None:
    told = text_of(opened(desk, f"/retract/{event(desk, VISAS, 'UnderstandingReported')}").page)
    assert "Russia made no other statement that puts it at understanding" in told  # the next step is talk
    told = text_of(opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").page)
    assert "The US made no other statement that puts it at formalised. Others still report it." in told


def test_a_retraction_says_what_evidence_falls_with_it(desk: TestClient) -> None:
    evidence = events(desk, "round/ru-us/istanbul-april", "EvidenceAdded")
    target = evidence[0]["data"]["target"]
    told = text_of(opened(desk, f"/retract/{target}").page)
    assert "lose their effect too." in told
    assert "If part of it stands on its own, file that as a new assertion." in told
    assert evidence[0]["data"]["summary"] in told


def test_what_is_retracted_reads_as_if_it_had_never_been_filed_and_can_be_taken_back(desk: TestClient) -> None:
    target = event(desk, BANKING, "InstrumentExchanged")
    place = filed(opened(desk, f"/retract/{target}").write("reason", "Filed by mistake.").send("file"))
    assert irritant(desk, "banking-access")["status"] == "understanding"
    assert "Retraction of ru-us/banking-access@" in text_of(desk.get(place))
    retraction = event(desk, BANKING, "AssertionRetracted")
    assert f"/retract/{retraction}" in desk.get("/irritants/ru-us/banking-access").text
    filed(opened(desk, f"/retract/{retraction}").write("reason", "It was right.").send("file"))
    assert irritant(desk, "banking-access")["status"] == "formalised"


def test_a_retraction_needs_a_reason(desk: TestClient) -> None:
    answer = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").send("file")
    assert answer.status_code == 422
    assert 'id="reason-mistake">is missing.' in answer.text
    assert "The US made no other statement that puts it at formalised" in text_of(answer)


def test_what_is_never_retracted_says_so(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, VISAS, 'IrritantOpened')}")
    assert "which is never retracted, only corrected" in text_of(paper.page)


def test_a_retraction_that_is_sent_twice_is_filed_once(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").write("reason", "By mistake.")
    assert filed(paper.send("file")) == filed(paper.send("file"))


def test_what_was_recorded_since_is_told_first(desk: TestClient) -> None:
    step, said = event(desk, VISAS, "NextStepAgreed"), event(desk, VISAS, "UnderstandingReported")
    paper = opened(desk, f"/retract/{said}").write("reason", "By mistake.")
    filed(opened(desk, f"/retract/{step}").write("reason", "By mistake.").send("file"))
    answer = paper.send("file")
    assert answer.status_code == 409
    assert "Read what was recorded since" in answer.text
    filed(Paper(desk, answer).send("file"))


# Whose form it is.


def test_a_form_that_was_made_for_another_key_retracts_nothing(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").write("reason", "By mistake.")
    assert paper.write("made-for", "0" * 12).send("file").status_code == 403
    assert irritant(desk, "banking-access")["status"] == "formalised"


def test_where_the_session_has_ended_the_reason_comes_back(desk: TestClient, new_key: NewKey, clock: Clock) -> None:
    address = f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}"
    paper = opened(desk, address).write("reason", "By mistake.")
    clock.passes(hours=13)
    answer = paper.send("file")
    assert answer.status_code == 401
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))
    back = Paper(desk, desk.post(address, data={**kept, "sign-in-key": new_key()}))
    assert back.fields["reason"] == "By mistake."
    filed(back.send("file"))


def test_a_script_previews_a_retraction(desk: TestClient, clock: Clock) -> None:
    address = f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}"
    paper = opened(desk, address)
    part = desk.post(f"{address}/preview", data=paper.fields, headers=HTMX)
    assert "The US made no other statement that puts it at formalised" in text_of(part)
    clock.passes(hours=13)
    assert "no longer signed in" in desk.post(f"{address}/preview", data=paper.fields, headers=HTMX).text
