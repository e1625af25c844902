"""A readout in the form without scripts: paste or upload it, point at a paragraph, say what it says, and file."""

import logging
import re
from hashlib import sha256
from io import BytesIO
from typing import Any

import docx
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from service.readouts import MAX_BYTES
from service.store.engine import connection
from service.web.forms import fields as form_fields
from service.web.forms import new_fact
from service.web.forms.fields import Path
from service.web.messages import messages
from tests.web.conftest import NewKey, sign_in
from tests.web.paper import Paper, opened
from tests.web.test_filing import BLANK, ROUND, SEEDED, position, preview, text_of

READOUT = """Readout of the third round of consultations in Moscow

Washington, 14 July 2025

The U.S. and Russian delegations met on Monday in Moscow for about seven hours.

The first transfers under the notes exchanged in April have been made, so that the banking of the missions works.

On the movement of diplomats the sides reached an understanding that the notice is to be forty-eight hours.

The United States does not accept the proposal to resume direct flights at this time.

The next round is planned in Washington in the autumn.
"""
MOVEMENT = "irritant/ru-us/diplomat-movement"
FLIGHTS = "irritant/ru-us/direct-flights"
DOCUMENT = "state-department-2025-07-14"


def pasted(desk: TestClient, address: str = ROUND, text: str = READOUT, party: str = "US") -> Paper:
    return opened(desk, address).choose("readout-party", party).write("readout-pasted", text).press("read")


def uploaded(desk: TestClient, content: bytes, address: str = ROUND, name: str = "readout") -> Any:
    paper = opened(desk, address)
    data = {**paper.fields, "shown": paper.all("shown"), "do": "read", "readout-party": "US"}
    return desk.post(address, data=data, files={"readout-file": (name, content)})


def fields_of(paper: Paper, number: int) -> dict[str, str]:
    begin = f"e{number}-"
    return {name[len(begin) :]: value for name, value in paper.fields.items() if name.startswith(begin) and value}


# Reading.


def test_a_pasted_readout_becomes_numbered_paragraphs_and_a_registration(desk: TestClient, engine: Engine) -> None:
    paper = pasted(desk)
    assert [b for b in paper.buttons if b.startswith("say ")] == [f"say 1 {n}" for n in range(1, 8)]
    registered = fields_of(paper, 1)
    assert registered == {
        "stream": f"source/{DOCUMENT}",
        "type": "SourceRegistered",
        "publisher": "State Department",
        "title": "Readout of the third round of consultations in Moscow",
        "sha256": sha256(READOUT.encode()).hexdigest(),
        "paragraphs": "7",
        "published": "2025-07-14",
        "language": "en",
    }
    assert fields_of(paper, 2) == {
        "stream": f"source/{DOCUMENT}",
        "type": "OriginRegistered",
        "origin": f"{DOCUMENT}-statement",
        "speaker": "State Department",
        "party": "US",
        "channel": "quote",
    }
    assert "Only what you add is filed." in text_of(paper.page)
    assert position(engine) == SEEDED


def word(*paragraphs: str) -> bytes:
    document, file = docx.Document(), BytesIO()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(file)
    return file.getvalue()


HTML = b"""<!DOCTYPE html><html lang="en"><head><meta property="og:site_name" content="Kremlin">
<link rel="canonical" href="https://example.org/1"><meta property="article:published_time" content="2025-07-15">
<title>On the talks</title></head><body><article><h1>On the talks</h1><p>The sides met.</p></article></body></html>"""


@pytest.mark.parametrize(
    ("content", "registered"),
    [
        (READOUT.encode(), {"published": "2025-07-14", "paragraphs": "7"}),
        (word("On the talks", "The sides met."), {"paragraphs": "2"}),
        (
            HTML,
            {"publisher": "Kremlin", "published": "2025-07-15", "address": "https://example.org/1", "language": "en"},
        ),
    ],
)
def test_a_file_is_read_and_registered_with_the_hash_of_its_bytes(
    desk: TestClient, content: bytes, registered: dict[str, str]
) -> None:
    fields = fields_of(Paper(desk, uploaded(desk, content)), 1)
    assert fields["sha256"] == sha256(content).hexdigest()
    assert registered.items() <= fields.items()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7 broken", "is not a PDF document, or it is damaged"),
        (b"PK\x03\x04broken", "is not a Word document, or it is damaged"),
        (b"\xff\xfe\xfa\x00\x01", "is not text"),
        (b" \n", "paste its text, or choose a file"),
        (b"a\n" * 1_001, "more than 1000 paragraphs"),
        (b"a" * 200_001, "more than 1000 paragraphs or 200000 characters"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained_and_loses_nothing(desk: TestClient, content: bytes, why: str) -> None:
    answer = uploaded(desk, content)
    assert why in text_of(answer)
    assert Paper(desk, answer).fields["title"] == Paper(desk, desk.get(ROUND)).fields["title"]


def test_a_file_that_is_too_large_is_refused(desk: TestClient) -> None:
    assert uploaded(desk, b"a" * (MAX_BYTES + (4 << 20))).status_code == 413


def test_files_are_read_only_for_visitors_who_are_signed_in(browser: TestClient, new_key: NewKey) -> None:
    answer = browser.post(ROUND, data={"do": "read"}, files={"readout-file": ("x", b"text")})
    assert answer.status_code == 422
    sign_in(browser, new_key("read"))
    form = {"do": "read", "relation": "ru-us"}
    assert browser.post(ROUND, data=form, files={"readout-file": ("x", b"text")}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"--x", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", b"--y\r\n\r\n1\r\n--y--"],
)
def test_a_form_with_files_that_is_broken_is_refused(desk: TestClient, body: bytes) -> None:
    answer = desk.post(ROUND, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 422


def test_markup_in_a_readout_is_text(desk: TestClient) -> None:
    paper = pasted(desk, text='A title\n"><script>alert(1)</script>\nThe sides met.')
    assert "<script>alert" not in paper.page.text
    assert paper.press("say 1 2").page.status_code == 200


def test_the_text_of_a_readout_is_neither_stored_nor_logged(
    desk: TestClient, engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        paper = pasted(desk, text=f"{READOUT}\nThe word is xylophone.")
        filed = with_terms(paper.press("say 1 5")).press("said").write("title", "Readouts").send("file")
    assert filed.status_code == 303
    assert "xylophone" not in caplog.text + "".join(capfd.readouterr())
    with connection(engine) as c:
        tables = c.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        for table in tables:
            found = c.execute(
                text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :word'), {"word": "%xylophone%"}
            )
            assert found.scalar() == 0, table


def with_terms(paper: Paper) -> Paper:
    return paper.write("e0-terms", "Notice of forty-eight hours")


# Several documents, and those on record.


def test_several_documents_are_in_tabs_and_the_same_one_is_opened_once(desk: TestClient) -> None:
    paper = pasted(desk)
    other = READOUT.replace("Washington, 14", "Moscow, 15")
    paper = paper.choose("readout-party", "RU").write("readout-pasted", other).press("read")
    assert (paper.fields["readout-shown"], paper.fields["readout-2-document"]) == (
        "2",
        "ministry-of-foreign-affairs-2025-07-15",
    )
    paper = paper.write("readout-pasted", READOUT).press("read")
    assert paper.fields["readout-shown"] == "1"
    assert "readout-3-text" not in paper.fields
    paper = paper.press("readout 2").press("leave 2")
    assert (paper.fields["readout-shown"], "readout-2-text" in paper.fields) == ("1", False)


def test_a_document_on_record_is_recognised_by_its_hash(desk: TestClient) -> None:
    filed = with_terms(pasted(desk).press("say 1 5")).press("said").write("title", "Readouts").send("file")
    assert filed.status_code == 303
    paper = pasted(desk)
    assert paper.fields["readout-1-document"] == DOCUMENT
    assert "SourceRegistered" not in paper.fields.values()
    title = "Readout of the third round of consultations in Moscow"
    assert f"This document is on record: {title}, 14 July 2025." in text_of(paper.page)
    paper = paper.press("say 1 6").press("said")
    entry = fields_of(paper, 1)
    assert (entry["source-document"], entry["source-origin"], entry["asserted_by-party"]) == (
        DOCUMENT,
        f"{DOCUMENT}-statement",
        "US",
    )


def test_a_document_of_the_same_publisher_and_date_is_offered(desk: TestClient) -> None:
    with_terms(pasted(desk).press("say 1 5")).press("said").write("title", "Readouts").send("file")
    paper = pasted(desk, text=READOUT.replace("forty-eight", "forty eight"))
    assert paper.fields["readout-1-document"] == f"{DOCUMENT}-2"
    paper = with_terms(paper.press("say 1 5")).press("said")
    paper = paper.press(f"same 1 {DOCUMENT}")
    assert "SourceRegistered" not in paper.fields.values()
    entry = fields_of(paper, 3)
    assert (entry["source-document"], entry["source-origin"]) == (DOCUMENT, f"{DOCUMENT}-statement")
    assert paper.write("title", "More").send("file").status_code == 303


# Pointing.


def test_a_paragraph_suggests_an_answer_to_each_question_and_adds_nothing(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 6")
    suggested = fields_of(paper, 0)
    proposal = suggested.pop("proposal")
    assert suggested == {
        "type": "ProposalAnswered",
        "asserted_by-party": "US",
        "stream": FLIGHTS,
        "answer": "rejected",
        "occurred": "[..2025-07-14]",
    }
    assert proposal in paper.choices("e0-proposal")
    assert "suggested" in text_of(paper.page)
    assert "e3-type" not in paper.fields
    assert "Proposal answered" not in text_of(preview(paper))


def test_what_is_added_has_everything_that_follows_from_the_readout(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 3").choose("e0-type", "RoundConvened").press("say").press("said")
    paper = with_terms(paper.press("say 1 5")).write("e0-wording", "forty-eight hours").press("said")
    assert fields_of(paper, 3) == {
        "stream": "round/ru-us/moscow-next",
        "type": "RoundConvened",
        "place": "Moscow",
        "summary": "According to the United States, the delegations met in Moscow.",
        "asserted_by-party": "US",
        "asserted_by-channel": "quote",
        "source-document": DOCUMENT,
        "source-paragraphs": "3",
        "source-origin": f"{DOCUMENT}-statement",
        "occurred": "2025-07-14",
        "inference": "The text says “Monday”. It is counted back from the date of the document, 14 July 2025.",
    }
    assert fields_of(paper, 4) == {
        "stream": MOVEMENT,
        "type": "UnderstandingReported",
        "terms": "Notice of forty-eight hours",
        "summary": "According to the United States, both sides agree: Notice of forty-eight hours.",
        "wording": "forty-eight hours",
        "asserted_by-party": "US",
        "asserted_by-channel": "quote",
        "source-document": DOCUMENT,
        "source-paragraphs": "5",
        "source-origin": f"{DOCUMENT}-statement",
        "occurred": "2025-07-14",
        "inference": "It is reported of the meeting of 14 July 2025.",
    }
    assert paper.all("folded") == ["1", "2", "3", "4"]
    answer = paper.send("file")
    assert answer.status_code == 303, text_of(answer)


def test_another_answer_brings_its_own_suggestions_and_keeps_what_was_written(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 4")
    assert paper.fields["e0-type"] == "ImplementationReported"
    assert paper.fields["e0-occurred"] == "[..2025-07-14]", "April is the date of the notes"
    paper = paper.write("e0-summary", "Written by hand").choose("e0-type", "RoundAnnounced").press("say")
    assert (paper.fields["e0-stream"], paper.fields["e0-summary"]) == ("new-round", "Written by hand")


def test_the_next_round_is_not_the_round_of_the_report(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 7")
    assert (paper.fields["e0-type"], paper.fields["e0-stream"]) == ("RoundAnnounced", "new-round")
    paper = paper.press("said")
    announced = fields_of(paper, 3)
    assert (announced["stream"], announced["place"], announced["timing"]) == (
        "round/ru-us/washington-in-the-autumn",
        "Washington",
        "in the autumn",
    )


def test_add_names_what_is_missing_at_its_field_and_keeps_the_question_open(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 5").press("said")
    assert "e3-type" not in paper.fields
    assert "“Terms” is empty. Fill it in, then press Add." in text_of(paper.page)
    assert re.search('<input[^>]*id="e0-terms"[^>]*autofocus', paper.page.text)
    paper = with_terms(paper).press("said")
    assert "3" in paper.all("folded")


def test_a_date_that_is_none_is_refused_in_the_question(desk: TestClient) -> None:
    paper = with_terms(pasted(desk).press("say 1 5")).write("occurred-own", "the day after").press("said")
    assert "e3-type" not in paper.fields
    assert "A date such as 14 July 2025" in text_of(paper.page)
    paper = paper.write("occurred-own", "July 2025").press("said")
    assert fields_of(paper, 3)["occurred"] == "2025-07"


def test_a_fact_that_is_opened_has_the_summary_that_the_question_showed(desk: TestClient) -> None:
    paper = with_terms(pasted(desk).press("say 1 5")).press("said").press("open 3")
    assert fields_of(paper, 3)["summary"].endswith("both sides agree: Notice of forty-eight hours.")


def test_a_new_irritant_is_opened_with_its_first_fact(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 5").choose("e0-stream", "new-irritant")
    paper = with_terms(paper).press("said")
    assert "“Title of the new irritant” is empty." in text_of(paper.page)
    paper = paper.write("e0-irritant-title", "Consular staff").write("e0-irritant-category", "Consular affairs")
    paper = paper.press("said")
    assert fields_of(paper, 3) == {
        "stream": "irritant/ru-us/consular-staff",
        "type": "IrritantOpened",
        "title": "Consular staff",
        "category": "consular-affairs",
    }
    assert fields_of(paper, 4)["stream"] == "irritant/ru-us/consular-staff"
    assert paper.send("file").status_code == 303


def test_a_new_round_has_the_name_that_was_written(desk: TestClient) -> None:
    paper = pasted(desk).press("say 1 7")
    assert paper.fields["e0-round-title"] == "Washington in the autumn"
    paper = paper.write("e0-round-title", "Fourth round").press("said")
    assert fields_of(paper, 3)["stream"] == "round/ru-us/fourth-round"


def test_a_head_of_a_delegation_without_a_name_is_registered_by_the_post(desk: TestClient) -> None:
    text = f"{READOUT}\nThe U.S. delegation was led by the Deputy Assistant Secretary for Europe."
    paper = pasted(desk, text=text).press("say 1 8").choose("e0-type", "DelegationHeadNamed").press("say")
    assert "If it names only a post, write the post." in text_of(paper.page)
    paper = paper.press("said")
    found = fields_of(paper, 3)
    assert (found["party"], found["person"], found["role"]) == (
        "US",
        "Deputy Assistant Secretary for Europe",
        "Head of the delegation",
    )


def test_russia_is_not_suggested_as_the_owner_of_the_answer_that_it_expects(desk: TestClient) -> None:
    text = "Readout\nMoscow, 15 July 2025\nThe Russian side stressed the six sites. It expects an answer by September."
    paper = pasted(desk, text=text, party="RU").press("say 1 3").choose("e0-type", "NextStepAgreed").press("say")
    assert "owner" not in fields_of(paper, 0)


def test_selected_words_become_the_wording(desk: TestClient) -> None:
    paper = pasted(desk).write("words", "  forty-eight\n hours ").press("say 1 5")
    assert paper.fields["e0-wording"] == "forty-eight hours"


def test_a_fact_without_a_readout_of_the_relation_is_filed_from_a_blank_form(desk: TestClient) -> None:
    paper = with_terms(pasted(desk, BLANK).press("say 1 5")).press("said").write("title", "On movement")
    assert MOVEMENT in paper.all("shown")
    assert paper.send("file").status_code == 303


def test_names_are_found_in_all_recorded_spellings(desk: TestClient) -> None:
    paper = opened(desk, BLANK).write("new-actor", "african-union").press("name")
    paper = paper.fill(1, kind="organisation", names="the African Union\nUnion africaine").write("title", "Names")
    assert paper.send("file").status_code == 303
    paper = pasted(desk, text="Title\nThe Union africaine raised a concern about visas.", party="MEDIA").press(
        "say 1 2"
    )
    assert paper.fields["e0-asserted_by-party"] == "african-union"


@pytest.mark.parametrize("do", ["say", "said", "say 9 9", "say x", "readout 9", "leave 9", "same 1 nothing", "silence"])
def test_an_outdated_button_of_a_readout_changes_nothing(desk: TestClient, do: str) -> None:
    for paper in (pasted(desk), opened(desk, BLANK)):
        data = {**paper.fields, "shown": paper.all("shown"), "folded": paper.all("folded"), "do": do}
        answer = Paper(desk, desk.post(ROUND, data=data))
        same = {"readout-1-text", "e1-publisher", "title"}
        assert {n: answer.fields.get(n) for n in same} == {n: paper.fields.get(n) for n in same}


@pytest.mark.parametrize("type", [name.rpartition(".")[2] for name in messages() if name.startswith("say.becomes.")])
def test_a_composed_summary_uses_only_fields_of_its_type_and_is_empty_without_them(type: str) -> None:
    fields = {field.name: field for field in form_fields.fields_of(type) if field.group == "own"}
    places = set(re.findall(r"\{(\w+)\}", str(messages()(f"say.becomes.{type}"))))
    assert places <= {"who", "subject", "at", "length", *fields}
    texts: dict[Path, str] = {("asserted_by", "party"): "US"}
    assert bool(new_fact.compose_summary(type, texts)) == (places <= {"who", "at", "length"})
    values = {"choice": "", "date": "2025-07-14", "party": "US"}
    for name in places & fields.keys():
        texts[fields[name].path] = (
            fields[name].choices[0] if fields[name].choices else values.get(fields[name].control, "x")
        )
    assert new_fact.compose_summary(type, texts, "Visas").startswith("According to the United States, ")


# Cards.


def two_facts(desk: TestClient) -> Paper:
    paper = with_terms(pasted(desk).press("say 1 5")).press("said")
    return paper.press("say 1 5").choose("e0-type", "ConcernRaised").press("say").press("said")


def test_a_card_has_the_words_of_the_record_and_opens_as_a_form(desk: TestClient) -> None:
    paper = two_facts(desk)
    assert "Understanding reported · The United States" in text_of(paper.page)
    assert 'id="e3-terms"' not in paper.page.text
    opened_card = paper.press("open 3")
    assert 'id="e3-terms"' in opened_card.page.text
    assert fields_of(opened_card, 3) == fields_of(paper, 3)
    assert "3" in opened_card.press("fold 3").all("folded")


def test_cards_move_within_their_irritant(desk: TestClient) -> None:
    paper = two_facts(desk)

    def order(paper: Paper) -> list[str]:
        return [name for name in paper.fields if name in ("e3-type", "e4-type")]

    assert order(paper) == ["e3-type", "e4-type"]
    assert order(paper.press("later 3")) == ["e4-type", "e3-type"]
    assert order(paper.press("later 4")) == ["e3-type", "e4-type"]
    assert order(paper.press("earlier 4")) == ["e4-type", "e3-type"]


def test_a_copy_has_everything_but_the_paragraph_and_marks_what_was_copied(desk: TestClient) -> None:
    paper = two_facts(desk).press("duplicate 3")
    copy = fields_of(paper, 5)
    assert "source-paragraphs" not in copy
    assert copy.items() <= fields_of(paper, 3).items()
    assert "Copied from the fact that you edited last." in paper.page.text
    assert 'name="copied" value="e5-terms=Notice of forty-eight hours"' in paper.page.text


def test_a_new_entry_copies_from_the_fact_edited_last_and_not_from_the_last_on_the_page(desk: TestClient) -> None:
    paper = two_facts(desk).press("open 3")
    paper = paper.fill(3, asserted_by__organ="White House").write(f"type-of-{FLIGHTS}", "ConcernRaised")
    entry = fields_of(paper.press(f"add {FLIGHTS}"), 5)
    assert (entry["asserted_by-organ"], "source-paragraphs" in entry) == ("White House", False)


def test_a_refusal_opens_the_cards_with_mistakes(desk: TestClient) -> None:
    paper = two_facts(desk)
    paper = paper.fill(3, source__paragraphs="99")
    answer = paper.send("file")
    assert answer.status_code == 422
    assert 'id="e3-source-paragraphs"' in answer.text
    assert "Paragraph 99 does not exist" in text_of(answer)


def test_a_card_shows_the_headline_before_and_after(desk: TestClient) -> None:
    shown = text_of(two_facts(desk).page)
    assert "After this report: Russia and the United States both say that the substance is agreed" in shown
