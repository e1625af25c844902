"""Warnings: what is recorded although it may be a slip."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from service.domain.filing import Decision, Envelope, Record, decide, warnings_of_report
from service.domain.references import needs
from service.domain.report import read
from service.domain.streams import history_of
from service.projections.warnings import documents

BANKING, ROUND = "irritant/ru-us/banking-access", "round/ru-us/istanbul"
FILED = datetime(2025, 5, 1, tzinfo=UTC)
ORIGINS = {f"voice-{p}": "source/readout" for p in ("ru", "us", "joint", "media", "undated")}
_ids = count(1)


def said(stream: str, type: str, party: str, **fields: Any) -> dict[str, Any]:
    source = {"document": "readout", "paragraphs": [next(_ids)], "origin": f"voice-{party.lower()}"}
    return {
        "stream": stream,
        "type": type,
        "asserted_by": {"party": party, "channel": "outlet" if party == "MEDIA" else "quote"},
        "source": {**source, **fields.pop("source", {})},
        "summary": "In own words.",
        **fields,
    }


def irritant(type: str, party: str = "RU", **fields: Any) -> dict[str, Any]:
    return said(BANKING, type, party, **fields)


def understood(party: str = "RU", **fields: Any) -> dict[str, Any]:
    return irritant("UnderstandingReported", party, terms="Terms.", **fields)


def reversed_to(to: str, party: str = "RU", **fields: Any) -> dict[str, Any]:
    return irritant("ProgressReversed", party, to=to, by=party, reason="A reason.", **fields)


def step(owner: str, party: str = "RU", **fields: Any) -> dict[str, Any]:
    return irritant("NextStepAgreed", party, step="ease", owner=owner, action="Ease the queues.", **fields)


OPENING: list[dict[str, Any]] = [
    {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU", "US"], "title": "Russia and the USA"},
    {
        "stream": "source/readout",
        "type": "SourceRegistered",
        "publisher": "A ministry",
        "title": "Readout",
        "published": "2025-04-10",
    },
    *(
        {
            "stream": "source/readout",
            "type": "OriginRegistered",
            "origin": f"voice-{party.lower()}",
            "speaker": f"the spokesman of {party}",
            "party": party,
            "channel": "outlet" if party == "MEDIA" else "quote",
            "occurred": "2025-04-10",
        }
        for party in ("RU", "US", "JOINT", "MEDIA")
    ),
    {
        "stream": "source/readout",
        "type": "OriginRegistered",
        "origin": "voice-undated",
        "speaker": "a deputy",
        "party": "RU",
        "channel": "quote",
    },
    {"stream": BANKING, "type": "IrritantOpened", "title": "Banking access", "category": "banking"},
]


class Desk:
    """A record on which reports are filed one after another."""

    def __init__(self) -> None:
        self.record, self.position = Record({}, {}), 0
        self.bodies: list[tuple[dict[str, Any], Decision]] = []
        self.file(*OPENING)

    def file(self, *events: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the code and the place of each warning."""
        return [(w.code, w.pointer) for w in documents(self.decided(*events).warnings)]

    def sentences(self, *events: Mapping[str, Any]) -> list[str]:
        return [w.detail for w in documents(self.decided(*events).warnings)]

    def decided(self, *events: Mapping[str, Any]) -> Decision:
        body = {"relation": "ru-us", "title": "A report", "events": list(events)}
        report = read(body)
        streams = needs(report, self.record.histories).streams
        known = {name: self.record.histories.get(name) or history_of(name) for name in streams}
        envelope = Envelope(f"r{self.position}", "desk", "c", FILED, self.position, lambda: f"id-{next(_ids)}")
        decision = decide(report, Record({**self.record.histories, **known}, self.record.origins), envelope)
        self.position = decision.recorded[-1].position
        self.record = Record({**self.record.histories, **decision.histories}, ORIGINS)
        self.bodies.append((body, decision))
        return decision


@pytest.fixture
def desk() -> Desk:
    return Desk()


def last(desk: Desk) -> str:
    """The id of the last event of the irritant."""
    return desk.record.histories[BANKING].events[-1].id


def test_what_is_in_order_has_no_warning(desk: Desk) -> None:
    assert desk.file(understood(occurred="2025-04-10"), understood("US", occurred="2025-04-09")) == []
    assert desk.file(reversed_to("raised", occurred="2025-04-10")) == []


@pytest.mark.parametrize("date", ["1899-12-31", "1025-04-10", "18XX", "1850/1901", "-0100", "[..1899]"])
def test_a_year_before_1900_is_pointed_out(desk: Desk, date: str) -> None:
    assert desk.file(understood(), irritant("ConcernRaised", occurred=date)) == [("before_1900", "/events/1/occurred")]


def test_a_year_from_1900_on_is_not(desk: Desk) -> None:
    assert desk.file(irritant("ConcernRaised", occurred="1900-01-01")) == []


def test_other_dates_before_1900_are_pointed_out_too(desk: Desk) -> None:
    document = {"stream": "source/old", "type": "SourceRegistered", "publisher": "A", "published": "1025-04-10"}
    utterance = {"stream": "source/old", "type": "OriginRegistered", "origin": "old", "speaker": "A", "party": "RU"}
    assert desk.file(
        document,
        {**utterance, "channel": "quote", "occurred": "1025-04-10"},
        step("RU", due="1025-05-01"),
        understood(valid_until="1026"),
    ) == [
        ("before_1900", "/events/0/published"),
        ("before_1900", "/events/1/occurred"),
        ("before_1900", "/events/2/due"),
        ("before_1900", "/events/3/valid_until"),
    ]


def test_a_correction_to_a_year_before_1900_is_pointed_out(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-10"))
    changed = {"stream": BANKING, "type": "AssertionCorrected", "target": last(desk), "reason": "Misread."}
    assert desk.file({**changed, "changes": {"occurred": "1025-04-10"}}) == [
        ("before_1900", "/events/0/changes/occurred")
    ]


def test_a_statement_cannot_report_what_came_after_it(desk: Desk) -> None:
    assert desk.file(understood(occurred="2025-04-11")) == [("statement_too_old", "/events/0/occurred")]
    assert desk.file(understood(occurred="2025-04")) == []
    assert desk.file(understood(occurred="2025-05")) == [("statement_too_old", "/events/0/occurred")]
    assert desk.sentences(understood(occurred="2025-04-12")) == [
        (
            "The statement by the spokesman of RU is dated 10 April 2025, before what it reports of 12 April 2025."
            " Check both dates."
        )
    ]


def test_an_undated_statement_is_as_old_as_its_document(desk: Desk) -> None:
    assert desk.sentences(understood(occurred="2025-04-12", source={"origin": "voice-undated"})) == [
        "“Readout” (10 April 2025) is dated 10 April 2025, before what it reports of 12 April 2025. Check both dates."
    ]


def test_evidence_can_be_older_than_what_it_confirms(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-12"))
    assert desk.file(irritant("EvidenceAdded", "US", target=last(desk))) == [
        ("statement_too_old", "/events/0/source/origin")
    ]


def test_a_correction_can_make_a_statement_older_than_what_it_reports(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-10"))
    changed = {"stream": BANKING, "type": "AssertionCorrected", "target": last(desk), "reason": "Misread."}
    assert desk.file({**changed, "changes": {"occurred": "2025-04-20"}}) == [
        ("statement_too_old", "/events/0/changes/occurred")
    ]
    assert desk.file({**changed, "changes": {"summary": "Otherwise."}}) == []


def test_other_terms_for_a_known_step_are_pointed_out(desk: Desk) -> None:
    desk.file(step("RU", due="2025-06-01"))
    assert desk.sentences(step("RU", "US", due="2025-07-01")) == [
        (
            "This step is on record with other terms. By Russia: owner Russia, due 1 June 2025."
            " Here: owner Russia, due 1 July 2025. The step: Ease the queues."
        )
    ]


def test_the_same_terms_and_terms_left_open_are_not_other_terms(desk: Desk) -> None:
    desk.file(step("RU", due="2025-06-01"))
    assert desk.file(step("RU", "US", due="2025-06-01"), step("RU", "US")) == []


def test_two_events_of_a_report_can_have_other_terms(desk: Desk) -> None:
    assert desk.file(step("RU"), step("US", "US")) == [("other_terms", "/events/1/owner")]


def test_a_paragraph_that_is_cited_twice_for_a_type_is_pointed_out(desk: Desk) -> None:
    cited: dict[str, Any] = {"source": {"paragraphs": [7, 8]}}
    assert desk.file(irritant("ConcernRaised", **cited)) == []
    assert desk.file(irritant("DiscussionReported", form="talks", **cited)) == []
    assert desk.sentences(irritant("ConcernRaised", source={"paragraphs": [8, 9]})) == [
        (
            "Paragraph 8 of “Readout” (10 April 2025), by the spokesman of RU, is already cited for “Concern raised”."
            " If this says the same again, leave it out."
        )
    ]
    assert desk.file(irritant("ConcernRaised", "US", **cited), irritant("ConcernRaised", "US", **cited)) == [
        ("already_cited", "/events/1/source/paragraphs")
    ]


def test_a_paragraph_that_is_cited_for_another_subject_of_the_same_type_is_pointed_out(desk: Desk) -> None:
    cited: dict[str, Any] = {"source": {"paragraphs": [7]}}
    desk.file(step("RU", **cited))
    assert desk.file({**step("RU", **cited), "step": "another"}) == [("already_cited", "/events/0/source/paragraphs")]
    assert desk.file({**step("RU", source={"paragraphs": [8]}), "step": "a-third"}) == []


def test_a_paragraph_that_lists_several_steps_in_one_report_is_pointed_out_once(desk: Desk) -> None:
    cited: dict[str, Any] = {"source": {"paragraphs": [7]}}
    steps = [{**step("RU", **cited), "step": name} for name in ("one", "two", "three", "one")]
    assert desk.file(*steps) == [
        ("already_cited", "/events/1/source/paragraphs"),
        ("already_cited", "/events/3/source/paragraphs"),
    ]


def test_what_was_retracted_is_not_already_cited(desk: Desk) -> None:
    cited: dict[str, Any] = {"source": {"paragraphs": [7]}}
    desk.file(irritant("ConcernRaised", **cited), understood())
    first = desk.record.histories[BANKING].events[-2].id
    desk.file({"stream": BANKING, "type": "AssertionRetracted", "target": first, "reason": "Filed by mistake."})
    assert desk.file(irritant("ConcernRaised", **cited)) == []


def test_an_undated_advance_beside_a_reversal_is_pointed_out(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-01"), reversed_to("raised", occurred="2025-04-05"))
    assert desk.file(understood()) == [("undated_advance", "/events/0/occurred")]
    assert desk.file(understood("US")) == []
    assert desk.sentences(understood()) == [
        (
            "This has no date, and the reversal by Russia to raised is dated 5 April 2025."
            " It counts as before the reversal. Give its date, or name in `after` what it followed."
        )
    ]
    assert desk.file(understood(after=f"{BANKING}@3")) == []


def test_a_reversal_beside_an_undated_advance_is_pointed_out(desk: Desk) -> None:
    desk.file(understood())
    assert desk.sentences(reversed_to("raised", occurred="2025-04-05")) == [
        (
            "“In own words”, which puts Russia at understanding, has no date. It counts as before this reversal."
            " Correct its date, if it is known."
        )
    ]


def test_a_reversal_in_the_month_of_an_advance_is_pointed_out(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-05"))
    assert desk.file(reversed_to("raised", occurred="2025-04")) == [
        ("overlaps_reversal", "/events/0/occurred"),
        ("lowers_nothing", "/events/0/to"),
    ]
    assert desk.file(understood("US", occurred="2025")) == []
    assert desk.sentences(reversed_to("raised", "US", occurred="2025-04")) == [
        (
            "This reversal is dated April 2025, and “In own words”, which puts the United States at understanding,"
            " is dated 2025. The dates do not say which came first, and the reversal counts as the later."
            " Give a closer date, or name in `after` what this followed."
        )
    ]


def test_a_reversal_after_what_it_undoes_is_in_order(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-05"))
    assert desk.file(reversed_to("raised", occurred="2025-04", after=last(desk))) == []


def test_a_correction_of_a_date_can_make_it_overlap(desk: Desk) -> None:
    desk.file(understood(occurred="2025-03-05"))
    advance = last(desk)
    desk.file(reversed_to("raised", occurred="2025-04-05"))
    changed = {"stream": BANKING, "type": "AssertionCorrected", "target": advance, "reason": "Misread."}
    assert desk.file({**changed, "changes": {"occurred": "2025"}}) == [
        ("overlaps_reversal", "/events/0/changes/occurred")
    ]


def test_a_reversal_that_lowers_nothing_is_pointed_out(desk: Desk) -> None:
    assert desk.sentences(reversed_to("raised", occurred="2025-04-05")) == [
        "Russia is at raised or lower at that date, so this reversal lowers nothing."
    ]
    desk.file(understood(occurred="2025-04-06"))
    assert desk.file(reversed_to("understanding", occurred="2025-04-07")) == [("lowers_nothing", "/events/0/to")]
    by_media = {**reversed_to("raised", "MEDIA", occurred="2025-04-07"), "by": "RU"}
    assert desk.file(by_media) == [("lowers_nothing", "/events/0/to")]
    assert desk.file(reversed_to("raised", occurred="2025-04-08")) == []


def test_a_joint_reversal_that_lowers_one_side_is_in_order(desk: Desk) -> None:
    desk.file(understood(occurred="2025-04-01"))
    assert desk.file({**reversed_to("raised", "JOINT", occurred="2025-04-05"), "by": "both"}) == []


def test_the_retraction_of_the_only_support_of_a_rung_is_pointed_out(desk: Desk) -> None:
    desk.file(irritant("ConcernRaised"), understood("MEDIA"), understood())
    retraction = {"stream": BANKING, "type": "AssertionRetracted", "target": last(desk), "reason": "Filed by mistake."}
    assert desk.sentences(retraction) == [
        (
            "Russia made no other statement that puts it at understanding. Without this one it is at raised."
            " Understanding is still reported."
        )
    ]


def test_the_retraction_of_one_support_of_two_is_in_order(desk: Desk) -> None:
    desk.file(understood(), understood())
    retraction = {"stream": BANKING, "type": "AssertionRetracted", "target": last(desk), "reason": "Filed by mistake."}
    assert desk.file(retraction) == []


def test_the_retraction_of_the_only_report_of_a_rung_is_pointed_out(desk: Desk) -> None:
    desk.file(understood("MEDIA"))
    retraction = {"stream": BANKING, "type": "AssertionRetracted", "target": last(desk), "reason": "Filed by mistake."}
    assert desk.sentences(retraction) == [
        "Media made no other statement that puts it at understanding. Without this one it is at unstated."
    ]


def test_what_replaces_a_retracted_statement_supports_the_rung(desk: Desk) -> None:
    desk.file(understood())
    retraction = {"stream": BANKING, "type": "AssertionRetracted", "target": last(desk), "reason": "Filed by mistake."}
    assert desk.file(retraction, understood()) == []


def test_rounds_have_warnings_too(desk: Desk) -> None:
    held = said(ROUND, "RoundConvened", "RU", place="Istanbul", occurred="1025-04-10")
    assert desk.file(held) == [("before_1900", "/events/0/occurred")]


def test_a_report_has_the_same_warnings_when_its_receipt_is_asked_for_again(desk: Desk) -> None:
    known = OPENING[1]
    desk.file(known, step("RU"), understood(occurred="2025-04-20"))
    desk.file(step("US", "US"), reversed_to("formalised", occurred="2025-04-05"))
    desk.file(*({"stream": BANKING, "type": "AssertionRetracted", "target": last(desk), "reason": "Wrong."},))
    for body, decision in desk.bodies:
        assert warnings_of_report(read(body), decision.recorded, desk.record) == list(decision.warnings)
    assert [len(decision.warnings) for _, decision in desk.bodies] == [0, 1, 2, 0]
