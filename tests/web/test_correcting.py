"""Corrections and retractions in forms: each needs a reason and shows its effect before it is filed."""

import re
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Clock, NewKey, sign_in
from tests.web.paper import Paper, opened
from tests.web.test_filing import BLANK, HTMX, SEEDED, VISAS, filed, saying, text_of

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
def test_corrections_need_a_key_that_may_report(browser: TestClient, new_key: NewKey, kind: str) -> None:
    address = f"/{kind}/{event(browser, VISAS, 'NextStepAgreed')}"
    assert browser.get(address).headers["location"].startswith("/sign-in?next=")
    sign_in(browser, new_key("read"))
    assert browser.get(address).status_code == 403


def test_a_limited_key_cannot_correct_another_relation(browser: TestClient, new_key: NewKey) -> None:
    sign_in(browser, new_key(relations=("de-fr",)))
    assert browser.get(f"/retract/{event(browser, VISAS, 'NextStepAgreed')}").status_code == 403


def test_the_form_names_the_corrected_irritant(desk: TestClient) -> None:
    page = desk.get(f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").text
    assert "><bdi>Visas for diplomats</bdi></a>" in page
    assert f">{VISAS}<" not in page


@pytest.mark.parametrize("id", ["nothing", "01a20094-2334-7068-9059-000000000000"])
def test_an_unknown_event_cannot_be_corrected(desk: TestClient, id: str) -> None:
    assert desk.get(f"/retract/{id}").status_code == 404


def test_the_dossier_links_to_corrections_only_for_reporters(browser: TestClient, new_key: NewKey) -> None:
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
def test_every_event_can_be_corrected_from_the_list_of_its_stream(
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


def test_the_events_of_a_round_show_corrected_fields_with_their_filed_values(desk: TestClient) -> None:
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


def test_a_link_to_an_event_keeps_the_point_of_the_reading(browser: TestClient) -> None:
    step = events(browser, VISAS, "NextStepAgreed")[0]
    there = browser.get(f"/events/{step['id']}?as_of_position=120").headers["location"]
    assert there == f"/irritants/ru-us/visas?as_of_position=120#p{step['position']}"
    assert browser.get(f"/events/{step['id']}?as_of_position=60").status_code == 404
    assert browser.get("/events/nothing").status_code == 404


# Correcting.


def test_the_correction_form_starts_with_the_recorded_values(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    assert paper.fields["e0-asserted_by-person"] == "Alexander Darchiev"
    assert paper.fields["e0-source-paragraphs"] == "2"
    assert paper.fields["e0-owner"] == "both"
    assert "Nothing yet." in paper.page.text


def test_a_correction_contains_only_changed_fields(desk: TestClient) -> None:
    target = event(desk, VISAS, "NextStepAgreed")
    paper = opened(desk, f"/correct/{target}").fill(0, owner="US", source__paragraphs="2, 5", wording="")
    told = text_of(paper.press("").page)
    assert "Awaiting Both sides → The United States" in told
    filed(paper.write("reason", "Misread: it is for Washington.").send("file"))
    assert last(desk)["data"] == {
        "type": "AssertionCorrected",
        "target": target,
        "changes": {"owner": "US", "source": {"paragraphs": [2, 5]}, "wording": None},
        "reason": "Misread: it is for Washington.",
    }
    assert irritant(desk, "visas")["awaiting"] == "US"


def test_no_event_is_offered_as_its_own_predecessor(desk: TestClient) -> None:
    """Neither in `after` nor in any other field that names an event, for every assertion on record."""
    recorded = desk.get("/v1/events?limit=1000").json()["items"]
    offered = 0
    for one in (one for one in recorded if "asserted_by" in one["data"]):
        paper = opened(desk, f"/correct/{one['id']}")
        for name in (f"e0-{field}" for field in ("after", "target", "undoes", "proposal", "instrument")):
            if name in paper.fields:
                assert one["id"] not in paper.choices(name), (one["data"]["type"], name)
                offered += len(paper.choices(name))
    assert offered > len(recorded)


def test_an_event_that_follows_another_is_not_offered_as_its_predecessor(desk: TestClient) -> None:
    step = event(desk, VISAS, "NextStepAgreed")
    filed(saying(opened(desk, BLANK), "ConcernRaised", after=step).send("file"))
    follower = last(desk)["id"]
    paper = opened(desk, f"/correct/{step}")
    assert follower not in paper.choices("e0-after")
    # It would be refused, so the form leaves out nothing that could be chosen.
    refused = paper.write("e0-after", follower).write("reason", "In the wrong order.").send("file")
    assert refused.status_code in (409, 422)
    assert "in a circle" in text_of(refused)


def test_a_second_correction_starts_with_the_corrected_values(desk: TestClient) -> None:
    address = f"/correct/{event(desk, VISAS, 'NextStepAgreed')}"
    filed(opened(desk, address).fill(0, owner="US").write("reason", "Misread.").send("file"))
    assert opened(desk, address).fields["e0-owner"] == "US"


def test_a_date_without_inference_becomes_stated(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").fill(0, inference="")
    filed(paper.write("reason", "The document says so.").send("file"))
    assert last(desk)["data"]["changes"] == {"inference": None, "occurred_basis": "stated"}


def test_a_correction_without_changes_is_refused(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}").write("reason", "None.")
    answer = paper.send("file")
    assert answer.status_code == 422
    assert "there is nothing to correct" in answer.text


@pytest.mark.parametrize(
    ("stream", "type", "field", "value"),
    [
        (VISAS, "NextStepAgreed", "owner", "US"),
        (VISAS, "IrritantOpened", "title", "Visas for all diplomats"),
        ("source/a4-unnamed-outlet", "SourceRegistered", "publisher", "An outlet"),
        ("round/ru-us/istanbul-april", "RoundConcluded", "occurred", "11 April 2025"),
    ],
)
def test_a_correction_that_is_sent_twice_is_filed_once(
    desk: TestClient, stream: str, type: str, field: str, value: str
) -> None:
    paper = opened(desk, f"/correct/{event(desk, stream, type)}").fill(0, **{field: value}).write("reason", "Misread.")
    receipt = filed(paper.send("file"))
    assert filed(paper.send("file")) == receipt
    assert len(events(desk, stream, "AssertionCorrected")) == 1
    assert desk.get(receipt).status_code == 200


def test_a_correction_leaves_alone_what_was_corrected_since_the_form_was_opened(desk: TestClient) -> None:
    target = event(desk, VISAS, "NextStepAgreed")
    paper = opened(desk, f"/correct/{target}").fill(0, owner="US").write("reason", "Misread.")
    filed(opened(desk, f"/correct/{target}").fill(0, source__paragraphs="2, 5").write("reason", "Also 5.").send("file"))
    answer = paper.send("file")
    assert answer.status_code == 409
    assert "Read what was recorded since" in answer.text
    again = Paper(desk, answer)
    assert (again.fields["e0-owner"], again.fields["e0-source-paragraphs"]) == ("US", "2, 5")
    filed(again.send("file"))
    assert last(desk)["data"]["changes"] == {"owner": "US"}


def test_mistakes_in_a_correction_are_shown_at_their_fields(desk: TestClient) -> None:
    paper = opened(desk, f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    answer = paper.fill(0, occurred="10/4/2025", source__paragraphs="99").send("file")
    assert answer.status_code == 422
    told = re.findall(r'<p class="mistake" id="([^"]+)-mistake">([^<]+)</p>', answer.text)
    assert [at for at, _ in told] == ["e0-occurred", "reason"]
    paper = Paper(desk, answer).fill(0, occurred="2025-04-10").write("reason", "Misread.")
    assert "Paragraph 99 does not exist" in unescape(paper.send("file").text)


def test_a_source_can_be_corrected(desk: TestClient) -> None:
    address = f"/correct/{event(desk, 'source/a4-unnamed-outlet', 'SourceRegistered')}"
    filed(opened(desk, address).fill(0, publisher="An outlet").write("reason", "Named now.").send("file"))
    assert desk.get("/v1/sources/a4-unnamed-outlet").json()["publisher"] == "An outlet"


def test_a_correction_can_be_retracted_and_not_corrected(desk: TestClient) -> None:
    address = f"/correct/{event(desk, VISAS, 'NextStepAgreed')}"
    filed(opened(desk, address).fill(0, owner="US").write("reason", "Misread.").send("file"))
    correction = event(desk, VISAS, "AssertionCorrected")
    assert desk.get(f"/correct/{correction}").status_code == 404
    assert f"/retract/{correction}" in desk.get("/irritants/ru-us/visas").text
    filed(opened(desk, f"/retract/{correction}").write("reason", "It was right.").send("file"))
    assert irritant(desk, "visas")["awaiting"] == "both"


# Retracting.


def test_a_retraction_shows_its_effect_before_a_reason_is_given(desk: TestClient) -> None:
    told = text_of(opened(desk, f"/retract/{event(desk, VISAS, 'UnderstandingReported')}").page)
    assert "Russia made no other statement that puts it at understanding" in told  # the next step counts as talks
    told = text_of(opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").page)
    assert "The United States made no other statement that puts it at formalised." in told
    assert "Formalised is still reported." in told


def test_a_retraction_lists_the_evidence_that_loses_its_effect(desk: TestClient) -> None:
    evidence = events(desk, "round/ru-us/istanbul-april", "EvidenceAdded")
    target = evidence[0]["data"]["target"]
    told = text_of(opened(desk, f"/retract/{target}").page)
    assert "lose their effect too." in told
    assert "If part of it stands on its own, file that as a new assertion." in told
    assert evidence[0]["data"]["summary"] in told


def test_a_retracted_event_has_no_effect_and_can_be_restored(desk: TestClient) -> None:
    target = event(desk, BANKING, "InstrumentExchanged")
    place = filed(opened(desk, f"/retract/{target}").write("reason", "Filed by mistake.").send("file"))
    assert irritant(desk, "banking-access")["status"] == "understanding"
    assert "Retraction: Instrument exchanged, Banking access of the missions" in text_of(desk.get(place))
    retraction = event(desk, BANKING, "AssertionRetracted")
    assert f"/retract/{retraction}" in desk.get("/irritants/ru-us/banking-access").text
    filed(opened(desk, f"/retract/{retraction}").write("reason", "It was right.").send("file"))
    assert irritant(desk, "banking-access")["status"] == "formalised"


def test_a_retraction_needs_a_reason(desk: TestClient) -> None:
    answer = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").send("file")
    assert answer.status_code == 422
    assert 'id="reason-mistake">is missing. Give text in one line' in answer.text
    assert "The United States made no other statement that puts it at formalised" in text_of(answer)


def test_an_opening_cannot_be_retracted(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, VISAS, 'IrritantOpened')}")
    assert "which is never retracted, only corrected" in text_of(paper.page)


def test_a_retraction_that_is_sent_twice_is_filed_once(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").write("reason", "By mistake.")
    assert filed(paper.send("file")) == filed(paper.send("file"))


def test_a_retraction_shows_reports_filed_since_the_form_was_opened(desk: TestClient) -> None:
    step, said = event(desk, VISAS, "NextStepAgreed"), event(desk, VISAS, "UnderstandingReported")
    paper = opened(desk, f"/retract/{said}").write("reason", "By mistake.")
    filed(opened(desk, f"/retract/{step}").write("reason", "By mistake.").send("file"))
    answer = paper.send("file")
    assert answer.status_code == 409
    assert "Read what was recorded since" in answer.text
    filed(Paper(desk, answer).send("file"))


# Sessions and keys.


def test_a_form_made_for_another_key_retracts_nothing(desk: TestClient) -> None:
    paper = opened(desk, f"/retract/{event(desk, BANKING, 'InstrumentExchanged')}").write("reason", "By mistake.")
    assert paper.write("made-for", "0" * 12).send("file").status_code == 403
    assert irritant(desk, "banking-access")["status"] == "formalised"


def test_the_reason_is_kept_when_the_session_has_ended(desk: TestClient, new_key: NewKey, clock: Clock) -> None:
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
    assert "The United States made no other statement that puts it at formalised" in text_of(part)
    clock.passes(hours=13)
    assert "no longer signed in" in desk.post(f"{address}/preview", data=paper.fields, headers=HTMX).text


def test_the_receipt_of_a_correction_shows_titles_and_the_date_before_and_after(desk: TestClient) -> None:
    target = event(desk, BANKING, "InstrumentExchanged")
    paper = opened(desk, f"/correct/{target}").fill(0, occurred="12 April 2025").write("reason", "The wrong day.")
    told = text_of(desk.get(filed(paper.send("file"))))
    assert "Correction: Instrument exchanged, Banking access of the missions" in told
    assert "→ 12 April 2025" in told
    assert "irritant/ru-us" not in told
    assert "banking-access@" not in told
