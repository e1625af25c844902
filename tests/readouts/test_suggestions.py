"""A paragraph suggests who speaks, about which irritant, with which type of event, and when."""

import tomllib
from datetime import date

import pytest

from service import resources
from service.domain import edtf
from service.domain.catalogue import EVENT_TYPES, KINDS
from service.readouts.dates import dates_in, document_date, edtf_of
from service.readouts.subjects import Head, head_in, subject_of
from service.readouts.suggestions import (
    Suggestion,
    hours_in,
    occurred_in,
    places_in,
    suggest,
    timing_in,
    values_in,
)

PUBLISHED = date(2025, 7, 15)
IRRITANTS = {
    "banking-access": "Banking access",
    "direct-flights": "Direct flights",
    "visas": "Visas for diplomats",
    "property-return": "Return of diplomatic property",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The delegations met on 14 July 2025 in Moscow.", ["2025-07-14"]),
        ("July 4th, 2025 at noon", ["2025-07-04"]),
        ("Встреча состоялась 14 июля 2025 года в Москве", ["2025-07-14"]),
        ("Une rencontre a eu lieu le 6 août 2025.", ["2025-08-06"]),
        ("el 8 de abril de 2025", ["2025-04-08"]),
        ("2025年7月14日 2025-07-13 12.07.2025", ["2025-07-14", "2025-07-13", "2025-07-12"]),
        ("Notes were exchanged in April 2025.", ["2025-04"]),
        ("They may 5 times march 5 miles.", []),
        ("on 31 February 2025", []),
        ("07/08/2025 is 7 August or 8 July", ["2025-08-07", "2025-07-08"]),
    ],
)
def test_dates_are_found_in_several_languages(text: str, found: list[str]) -> None:
    assert [one.edtf for one in dates_in(text, PUBLISHED)] == found


@pytest.mark.parametrize(
    ("text", "found", "inference"),
    [
        (
            "on 29 July.",
            "2025-07-29",
            "The text says “29 July”. The year is taken from the date of the document, 15 July 2025.",
        ),
        (
            "on 20 December",
            "2025-12-20",
            "The text says “20 December”. The year is taken from the date of the document, 15 July 2025.",
        ),
        (
            "in April",
            "2025-04",
            "The text says “April”. The year is taken from the date of the document, 15 July 2025.",
        ),
        (
            "on Monday",
            "2025-07-14",
            "The text says “Monday”. It is counted back from the date of the document, 15 July 2025.",
        ),
        (
            "в понедельник",
            "2025-07-14",
            "The text says “понедельник”. It is counted back from the date of the document, 15 July 2025.",
        ),
    ],
)
def test_an_incomplete_date_is_completed_from_the_document_and_says_so(text: str, found: str, inference: str) -> None:
    (one,) = dates_in(text, PUBLISHED)
    assert (one.edtf, one.inference) == (found, inference)
    assert edtf.parse(one.edtf).earliest
    assert not dates_in(text, None)


def test_the_date_line_of_a_document_is_its_date() -> None:
    assert document_date(["Readout", "Washington, 14 July 2025", "On 3 May 2025 …"]) == date(2025, 7, 14)
    assert (
        document_date(["The delegations met on 14 July 2025 in Moscow" + " and talked about many things" * 5]) is None
    )


def test_a_paragraph_on_banking_suggests_the_irritant_and_what_was_done() -> None:
    found = suggest(
        "The delegations reviewed the banking of their missions. The first transfers have been made.",
        ("RU", "US"),
        IRRITANTS,
        PUBLISHED,
    )
    assert found.irritants[0] == "banking-access"
    assert found.types[0] == "ImplementationReported"


@pytest.mark.parametrize(
    ("paragraph", "parties"),
    [
        ("The U.S. and Russian delegations met.", ("US", "RU")),
        ("Российская сторона передала ноту американской стороне.", ("RU", "US")),
        ("The sides met.", ()),
    ],
)
def test_parties_are_found_by_their_names_in_the_order_of_mention(paragraph: str, parties: tuple[str, ...]) -> None:
    assert suggest(paragraph, ("RU", "US"), {}, None).parties == parties


@pytest.mark.parametrize(
    "paragraph",
    ["The African Union put forward a text.", "african union officials met.", "The AU asked for talks."],
)
def test_parties_are_found_in_every_recorded_spelling(paragraph: str) -> None:
    spellings = {"african-union": ("the African Union", "AU")}
    assert suggest(paragraph, ("african-union",), {}, None, spellings).parties == ("african-union",)


def test_a_refusal_of_a_proposal_is_an_answer_and_not_a_proposal() -> None:
    paragraph = "The United States does not accept the proposal to resume direct flights at this time."
    assert suggested(paragraph).types[0] == "ProposalAnswered"
    assert values_in("ProposalAnswered", paragraph) == {"answer": "rejected"}


def suggested(paragraph: str) -> Suggestion:
    return suggest(paragraph, ("RU", "US"), IRRITANTS, PUBLISHED)


@pytest.mark.parametrize(
    ("type", "paragraph", "occurred"),
    [
        ("RoundConvened", "The delegations met on Monday in Moscow.", "2025-07-14"),
        (
            "ImplementationReported",
            "The transfers under the notes exchanged in April have been made.",
            "[..2025-07-15]",
        ),
        ("InstrumentExchanged", "They recall the notes exchanged in April.", "2025-04"),
        ("UnderstandingReported", "Notes were exchanged in April, and an understanding was reached.", "2025-04"),
        ("UnderstandingReported", "An understanding was reached.", "2025-07-11"),
        ("ProposalTabled", "It expects an answer by the end of September.", "2025-07-11"),
        ("RoundAnnounced", "The next round is planned in September.", "2025-07-15"),
    ],
)
def test_the_date_of_an_event_is_not_that_of_something_that_the_text_only_mentions(
    type: str, paragraph: str, occurred: str
) -> None:
    first, *_ = occurred_in(type, paragraph, dates_in(paragraph, PUBLISHED), PUBLISHED, met="2025-07-11")
    assert first.edtf == occurred


def test_a_date_is_offered_once_and_says_how_it_was_inferred() -> None:
    found = occurred_in("RoundConvened", "on Monday", dates_in("on Monday", PUBLISHED), PUBLISHED, met="2025-07-14")
    assert [one.edtf for one in found] == ["2025-07-14", "[..2025-07-15]", "2025-07-15"]
    assert all(one.inference for one in found)


def test_place_hours_and_timing_of_a_round_are_found() -> None:
    assert places_in("They met in Moscow in April, and at Camp David.") == ["Moscow", "Camp David"]
    assert (hours_in("for about seven hours"), hours_in("5 hours of talks"), hours_in("forty-eight hours")) == (
        "7",
        "5",
        None,
    )
    assert timing_in("planned in Washington in the autumn") == "in the autumn"
    assert timing_in("planned in Washington in September") is None


def test_every_suggested_value_can_be_filed() -> None:
    table = tomllib.loads((resources.folder("readouts") / "phrases.toml").read_text(encoding="utf-8"))
    for type, fields in table["values"].items():
        for field, values in fields.items():
            annotation = str(EVENT_TYPES[type].model_fields[field].annotation)
            allowed = {"both"} if "Annotated[str" in annotation or annotation == "<class 'str'>" else None
            for value in values:
                assert value in (allowed or annotation.lower().replace("<class 'bool'>", "true false")), (type, field)
    assert set(table["when"]) | set(table["background"]["own"]) <= set(EVENT_TYPES)


def test_every_type_in_the_table_of_phrases_can_be_filed() -> None:
    table = tomllib.loads((resources.folder("readouts") / "phrases.toml").read_text(encoding="utf-8"))
    assert set(table["events"]) <= KINDS["irritant"] | KINDS["round"]


def test_a_day_before_the_document_in_its_own_year_needs_no_inference() -> None:
    (one,) = dates_in("Consultations were held on 14 July.", PUBLISHED)
    assert (one.edtf, one.inference) == ("2025-07-14", None)


@pytest.mark.parametrize(
    ("paragraph", "first", "never"),
    [
        ("Banking is no longer blocked for the missions.", None, "ProgressReversed"),
        ("Russia no longer stands by the understanding.", "ProgressReversed", None),
        ("Russia rejects the suspension of direct flights.", "ConcernRaised", "HoldPlaced"),
        ("Russia rejects the proposal.", "ProposalAnswered", None),
        ("France proposes that a commission meets by the end of June.", "ProposalTabled", "NextStepAgreed"),
        ("France denies that it violated the agreement.", None, "BreachAlleged"),
        ("The question has not been settled.", None, "ResolutionDeclared"),
        ("The American side said nothing about flights that the Russian side could accept.", None, "ProposalAnswered"),
    ],
)
def test_a_negation_suggests_no_type_that_says_the_reverse(
    paragraph: str, first: str | None, never: str | None
) -> None:
    types = suggested(paragraph).types
    assert first is None or types[0] == first
    assert never not in types


def test_the_name_of_a_party_is_not_the_subject_of_a_paragraph() -> None:
    irritants = {"russian-property": "Russian diplomatic property", "visas": "Visas"}
    paragraph = "The United States expects a reply from Russia on visas."
    assert suggest(paragraph, ("RU", "US"), irritants, PUBLISHED).irritants == ("visas",)


@pytest.mark.parametrize(
    ("type", "field", "paragraph", "party"),
    [
        ("NextStepAgreed", "owner", "Russia will present a list.", "RU"),
        ("NextStepAgreed", "owner", "The Russian side stressed the sites. It expects an answer in September.", None),
        ("NextStepAgreed", "owner", "The United States expects that Russia will answer.", None),
        ("NextStepAgreed", "owner", "Russia and the United States will meet.", None),
        ("NextStepAgreed", "owner", "Russia will not present a list.", None),
        ("NextStepAgreed", "owner", "A list for Russia will be presented.", None),
        ("ImplementationReported", "actor", "Russia has returned two buildings.", "RU"),
        ("ImplementationReported", "actor", "Russia has been paid.", None),
        ("HoldPlaced", "by", "Washington, 14 July: the talks are suspended.", None),
    ],
)
def test_a_party_is_suggested_only_as_the_one_subject_of_a_sentence(
    type: str, field: str, paragraph: str, party: str | None
) -> None:
    assert subject_of(type, field, paragraph, ("RU", "US"), {}) == party


def test_whose_delegation_was_led_is_the_party_before_the_verb() -> None:
    text = "They met in Moscow. The Russian side was led by the Ambassador to the United States."
    assert head_in(text, ("RU", "US"), {}) == Head("RU", "", "Ambassador to the United States")
    assert head_in("They met.", ("RU", "US"), {}) is None


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("15 July 2025", "2025-07-15"),
        ("July 2025", "2025-07"),
        ("2025", "2025"),
        ("on or before 14 July 2025, day unknown", "[..2025-07-14]"),
        ("in or after July 2025, day unknown", "[2025-07..]"),
        ("between 1 July 2025 and 3 July 2025, day unknown", "[2025-07-01..2025-07-03]"),
        ("from April 2025, end open", "2025-04/.."),
        ("from 1 July 2025 to 3 July 2025", "2025-07-01/2025-07-03"),
        ("[..2025-07-14]", "[..2025-07-14]"),
        ("the day after", None),
        ("July", None),
        ("15 July 2025 in Moscow", None),
    ],
)
def test_a_date_as_pages_write_it_becomes_edtf(text: str, edtf: str | None) -> None:
    assert edtf_of(text) == edtf
