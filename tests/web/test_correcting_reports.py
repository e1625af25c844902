"""All facts of a report are corrected on one page, and filed as one report."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Clock, NewKey, sign_in
from tests.web.paper import Paper, opened
from tests.web.test_filing import BLANK, HTMX, SEEDED, VISAS, filed, saying, text_of

APRIL = "ru-us/istanbul-april"
FEBRUARY = "ru-us/istanbul-february"
JULY = "ru-us/moscow-next"


@pytest.fixture
def report(desk: TestClient) -> str:
    """File two facts on visas, and return the id of the report."""
    paper = saying(opened(desk, BLANK))
    paper = saying(paper, "DiscussionReported", form="talks", round=APRIL, source__paragraphs="6")
    return filed(paper.send("file")).partition("?")[0].rpartition("/")[2]


def since(desk: TestClient) -> list[dict[str, Any]]:
    """Return what was filed after the two facts."""
    return list(desk.get("/v1/events", params={"after": SEEDED + 2}).json()["items"])


def correcting(desk: TestClient, report: str) -> Paper:
    return opened(desk, f"/reports/{report}/correct")


def test_every_fact_is_a_card_with_its_recorded_values(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report)
    assert (paper.fields["e1-terms"], paper.fields["e2-round"]) == ("Visas within thirty days", APRIL)
    assert "Nothing yet." in paper.page.text


def test_a_long_seeded_report_opens_all_its_facts(desk: TestClient) -> None:
    for listed in desk.get("/v1/reports").json()["items"]:
        facts = desk.get(f"/v1/reports/{listed['id']}").json()["events"]
        page = desk.get(f"/reports/{listed['id']}/correct")
        shown = sum(page.text.count(f'<fieldset class="entry" id="e{number}">') for number in range(1, len(facts) + 1))
        assert shown == min(len(facts), 100)


def test_only_changed_facts_are_corrected_in_one_report(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).fill(2, summary="They spoke of visas for couriers.")
    place = filed(paper.write("reason", "Misread.").send("file"))
    (correction,) = since(desk)
    assert correction["data"]["changes"] == {"summary": "They spoke of visas for couriers."}
    assert correction["data"]["reason"] == "Misread."
    assert "Correction of “What was said in May”" in text_of(desk.get(place))


def test_one_edit_sets_a_date_in_all_facts(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).write("date", "3 May 2025").press("set-date")
    assert "This sets the date of 2 facts." in text_of(paper.page)
    assert paper.fields["e1-occurred"] != "2025-05-03"
    paper = paper.press("set-date-of-all")
    assert paper.fields["e1-occurred"] == paper.fields["e2-occurred"] == "2025-05-03"
    assert "2 events, not filed yet." in text_of(paper.page)
    filed(paper.write("reason", "The wrong day.").send("file"))
    corrections = since(desk)
    assert [c["data"]["changes"] for c in corrections] == [{"occurred": "2025-05-03"}] * 2
    assert len({c["report"] for c in corrections}) == 1


def test_one_edit_moves_the_report_and_its_facts_to_another_round(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).write("round", FEBRUARY).press("set-round")
    assert paper.fields["e2-round"] == FEBRUARY
    filed(paper.write("reason", "The wrong round.").send("file"))
    moved = [e["data"] for e in since(desk)]
    assert [(e["type"], e.get("changes"), e.get("round")) for e in moved] == [
        ("AssertionCorrected", {"round": FEBRUARY}, None),
        ("ReportAttributed", None, FEBRUARY),
    ]
    assert desk.get(f"/v1/reports/{report}").json()["round"] == FEBRUARY


def test_a_single_fact_is_retracted_from_the_page(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report)
    page = desk.post(
        f"/reports/{report}/correct", data={**paper.fields, "retract": "1", "reason": "By mistake.", "do": "file"}
    )
    filed(page)
    (retraction,) = since(desk)
    assert (retraction["data"]["type"], retraction["data"]["reason"]) == ("AssertionRetracted", "By mistake.")
    again = correcting(desk, report)
    assert "e1-terms" not in again.fields
    assert "One fact is not shown" in text_of(again.page)


def test_mistakes_stand_at_the_fields_of_their_cards(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).fill(2, occurred="10/4/2025").write("round", JULY)
    refused = paper.send("file")
    assert refused.status_code == 422
    assert 'id="e2-occurred-mistake"></p>' not in refused.text
    assert since(desk) == []
    refused = Paper(desk, refused).fill(2, occurred="2025-04-10", source__paragraphs="99").send("file")
    assert "Paragraph 99 does not exist" in text_of(refused)
    assert text_of(refused).count("Reason : is missing") == 1


def test_without_changes_or_a_reason_nothing_is_filed(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report)
    unchanged = paper.write("reason", "None.").send("file")
    assert (unchanged.status_code, "there is nothing to correct" in unchanged.text) == (422, True)
    assert paper.fill(1, wording="").write("reason", "").fill(1, terms="Visas").send("file").status_code == 422
    assert since(desk) == []


def test_pressing_twice_files_the_corrections_once(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).fill(1, terms="Visas").write("round", FEBRUARY).write("reason", "Misread.")
    assert filed(paper.send("file")) == filed(paper.send("file"))
    assert len(since(desk)) == 2


def test_a_fact_that_was_changed_meanwhile_is_shown_first(desk: TestClient, report: str) -> None:
    paper = correcting(desk, report).fill(1, terms="Visas").write("reason", "Misread.")
    filed(correcting(desk, report).fill(2, summary="They spoke.").write("reason", "Other.").send("file"))
    late = paper.send("file")
    assert late.status_code == 409
    assert "Read what was recorded since" in late.text
    filed(Paper(desk, late).send("file"))
    # What the other operator corrected stays corrected.
    assert [c["data"]["changes"] for c in since(desk)] == [{"summary": "They spoke."}, {"terms": "Visas"}]


def test_the_report_its_list_and_its_sheet_lead_to_the_page(desk: TestClient, report: str) -> None:
    address = f'href="/reports/{report}/correct"'
    assert address in desk.get(f"/reports/{report}").text
    assert address in desk.get("/reports").text
    on_round = desk.get("/v1/reports", params={"round": APRIL, "order": "newest"}).json()["items"]
    assert on_round
    for one in on_round[:5]:
        assert f'href="/reports/{one["id"]}/correct"' in desk.get(f"/rounds/{APRIL}").text
    assert f"/reports?relation=ru-us&amp;round={APRIL}" in desk.get(f"/rounds/{APRIL}").text


def test_a_reader_and_a_key_of_another_relation_cannot_correct(desk: TestClient, report: str, new_key: NewKey) -> None:
    sign_in(desk, new_key("read"))
    assert desk.get(f"/reports/{report}/correct").status_code == 403
    assert '/correct"' not in desk.get("/reports").text
    assert '/correct"' not in desk.get(f"/rounds/{APRIL}").text
    sign_in(desk, new_key(relations=("de-fr",)))
    assert desk.get(f"/reports/{report}/correct").status_code == 403


def test_a_session_that_ended_loses_nothing(desk: TestClient, report: str, new_key: NewKey, clock: Clock) -> None:
    paper = correcting(desk, report).fill(1, terms="Visas").write("reason", "Misread.")
    clock.passes(hours=13)
    part = desk.post(f"/reports/{report}/correct/preview", data=paper.fields, headers=HTMX)
    assert "no longer signed in" in part.text
    assert paper.send("file").status_code == 401
    assert since(desk) == []
    assert VISAS
