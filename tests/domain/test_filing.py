"""A report is refused whole, with every mistake at its place; what is registered once is known ever after."""

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from time import thread_time
from typing import Any

import pytest

from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, decide
from service.domain.references import needs
from service.domain.report import read
from service.domain.streams import history_of

BANKING, VISAS = "irritant/ru-us/banking-access", "irritant/ru-us/visas"
_ids = count(1)


def said(stream: str, type: str, party: str, **fields: Any) -> dict[str, Any]:
    return {
        "stream": stream,
        "type": type,
        "asserted_by": {"party": party, "channel": "outlet" if party == "MEDIA" else "quote"},
        "source": {"document": "readout", "paragraphs": [1], "origin": f"voice-{party.lower()}"},
        "summary": "In own words.",
        **fields,
    }


OPENING: list[dict[str, Any]] = [
    {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU", "US"], "title": "Russia and the USA"},
    {"stream": "source/readout", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 9},
    *(
        {"stream": "source/readout", "type": "OriginRegistered", "origin": f"voice-{party.lower()}", "speaker": party,
         "party": party, "channel": "outlet" if party == "MEDIA" else "quote"}
        for party in ("RU", "US", "JOINT", "MEDIA")
    ),
    {"stream": BANKING, "type": "IrritantOpened", "title": "Banking access", "category": "banking"},
]  # fmt: skip


def filed(*events: Mapping[str, Any], on: Record | None = None, **head: Any) -> Decision:
    record = on or Record({}, {})
    report = read({"relation": "ru-us", "title": "A report", "events": list(events), **head})
    known = {stream: record.histories.get(stream) or history_of(stream) for stream in needs(report, {}).streams}
    envelope = Envelope("r", "operator", "c", datetime(2025, 5, 1, tzinfo=UTC), 0, lambda: f"id-{next(_ids)}")
    return decide(report, Record({**record.histories, **known}, record.origins), envelope)


@pytest.fixture
def record() -> Record:
    opened = filed(*OPENING)
    return Record(opened.histories, {f"voice-{p}": "source/readout" for p in ("ru", "us", "joint", "media")})


def mistakes(record: Record, *events: Mapping[str, Any], **head: Any) -> dict[str, str]:
    """What a report is refused for: pointer → refusal."""
    with pytest.raises(Refused) as refused:
        filed(*events, on=record, **head)
    return {refusal.pointer: type(refusal).__name__ for refusal in refused.value.refusals}


def test_a_report_with_twelve_mistakes_is_told_all_twelve(record: Record) -> None:
    assert mistakes(
        record,
        said(BANKING, "ConcernRaised", "RU", summary="x" * 301),
        said(BANKING, "ConcernRaised", "RU", occurred="2025-13-01"),
        said(
            BANKING, "ConcernRaised", "RU", source={"document": "readout", "paragraphs": [1, 10], "origin": "voice-ru"}
        ),
        said(BANKING, "ConcernRaised", "RU", source={"document": "rumour", "paragraphs": [1], "origin": "voice-ru"}),
        said(BANKING, "ConcernRaised", "RU", source={"document": "readout", "paragraphs": [1], "origin": "nobody"}),
        said(BANKING, "ConcernRaised", "RU", source={"document": "readout", "paragraphs": [1], "origin": "voice-us"}),
        said(BANKING, "ProposalTabled", "RU", kind="offer", addressee="TR", terms="Exchange notes"),
        said(BANKING, "EvidenceAdded", "US", target="nothing-of-the-kind"),
        said(BANKING, "ProgressReversed", "RU", to="formalised", by="RU", reason="None given."),
        said(BANKING, "ConcernRaised", "RU", mood="angry"),
        said(VISAS, "ConcernRaised", "RU"),
        said("irritant/de-fr/cheese", "ConcernRaised", "RU"),
    ) == {
        "/events/0/summary": "Malformed",
        "/events/1/occurred": "Malformed",
        "/events/2/source/paragraphs/1": "ParagraphBeyondSource",
        "/events/3/source/document": "UnknownSource",
        "/events/4/source/origin": "UnknownOrigin",
        "/events/5/source/origin": "OriginOfAnotherParty",
        "/events/6/addressee": "NotAParty",
        "/events/7/target": "UnknownTarget",
        "/events/8/occurred": "UndatedFall",
        "/events/9/mood": "Malformed",
        "/events/10/stream": "NotOpened",
        "/events/11/stream": "OtherRelation",
    }


def test_one_event_with_mistakes_of_every_kind_is_told_them_together(record: Record) -> None:
    cited = {"document": "rumour", "paragraphs": ["1"], "origin": "voice-us"}
    event = said(
        BANKING, "ProposalTabled", "RU", kind="offer", addressee="TR", terms="Terms", source=cited, occurred="soon"
    )
    assert mistakes(record, event) == {
        "/events/0/occurred": "Malformed",
        "/events/0/addressee": "NotAParty",
        "/events/0/source/document": "UnknownSource",
        "/events/0/source/origin": "OriginOfAnotherParty",
        "/events/0/source/paragraphs/0": "Malformed",
    }


def test_what_a_broken_event_would_have_been_named_by_is_no_second_mistake(record: Record) -> None:
    assert mistakes(
        record,
        said(BANKING, "ProposalTabled", "RU", ref="offer", kind="offer", addressee="US"),
        said(BANKING, "ProposalAnswered", "US", proposal="offer", answer="accepted"),
    ) == {"/events/0/terms": "Malformed"}


def test_a_version_that_was_expected_and_passed_is_named(record: Record) -> None:
    expected = {BANKING: 7}
    assert mistakes(record, said(BANKING, "ConcernRaised", "RU"), expect=expected) == {
        "/expect/irritant~1ru-us~1banking-access": "Changed"
    }


def test_a_document_registered_again_just_so_is_already_known(record: Record) -> None:
    decision = filed(*OPENING[:6], said(BANKING, "ConcernRaised", "RU"), on=record)
    assert [event.type for event in decision.recorded] == ["ConcernRaised"]


def test_a_document_registered_again_otherwise_is_refused(record: Record) -> None:
    other = {**OPENING[1], "paragraphs": 8}
    assert mistakes(record, other) == {"/events/0": "AlreadyOpened"}


def test_nothing_new_is_no_report(record: Record) -> None:
    assert mistakes(record, OPENING[1]) == {"/events": "NothingNew"}


def test_a_round_that_is_not_on_record_cannot_be_reported_on(record: Record) -> None:
    assert mistakes(record, said(BANKING, "ConcernRaised", "RU"), round="istanbul-april") == {"/round": "UnknownMember"}


def test_events_of_one_report_name_each_other_by_ref_or_version(record: Record) -> None:
    decision = filed(
        said(BANKING, "ProposalTabled", "RU", ref="offer", kind="offer", addressee="US", terms="Banks of both sides"),
        said(BANKING, "ProposalAnswered", "US", proposal="offer", answer="accepted"),
        said(BANKING, "EvidenceAdded", "MEDIA", target=f"{BANKING}@2"),
        on=record,
    )
    tabled, answered, relayed = decision.recorded
    assert (answered.causation, relayed.causation) == (tabled.id, tabled.id)


def test_an_opening_is_never_retracted(record: Record) -> None:
    retraction = {"stream": BANKING, "type": "AssertionRetracted", "target": f"{BANKING}@1", "reason": "A slip."}
    assert mistakes(record, retraction) == {"/events/0/target": "NotATarget"}


def test_a_correction_that_makes_no_such_event_is_refused_at_the_field(record: Record) -> None:
    after = filed(said(BANKING, "ConcernRaised", "RU"), on=record)
    known = Record({**record.histories, **after.histories}, record.origins)
    correction = {"stream": BANKING, "type": "AssertionCorrected", "target": f"{BANKING}@2", "reason": "A slip."}
    assert mistakes(known, {**correction, "changes": {"occurred": "soon"}}) == {
        "/events/0/changes/occurred": "Malformed"
    }
    assert mistakes(known, {**correction, "changes": {"type": "ProposalTabled"}}) == {
        "/events/0/changes/type": "Malformed"
    }


def test_a_report_of_nothing_but_mistakes_is_refused_as_soon_as_any(record: Record) -> None:
    """A ratio, so that it holds on any machine: ten times the mistakes take ten times as long, not a hundred."""
    few, many = (_seconds(record, n) for n in (300, 3_000))
    assert many < 40 * few


def _seconds(record: Record, mistaken: int) -> float:
    """Of processor time, without the collector, who would look through all that the other tests left."""
    gc.disable()
    try:
        began = thread_time()
        assert len(mistakes(record, *({"stream": BANKING, "type": "Nothing"} for _ in range(mistaken)))) == mistaken
        return thread_time() - began
    finally:
        gc.enable()


def test_the_future_is_not_asserted_as_done(record: Record) -> None:
    refused = mistakes(record, said(BANKING, "ConcernRaised", "RU", occurred="2999-01-01"))
    assert refused == {"/events/0/occurred": "Malformed"}
    step = {"step": "notes", "owner": "RU", "action": "Exchange notes", "due": "2999-01-01"}
    assert filed(said(BANKING, "NextStepAgreed", "RU", **step), on=record).recorded


@pytest.mark.parametrize(("written", "meant"), [("us-ru", "ru-us"), ("RU-US", "ru-us"), ("gb-eu", "eu-gb")])
def test_a_relation_in_the_wrong_order_is_answered_with_the_right_id(written: str, meant: str) -> None:
    body = {"relation": written, "title": "A report", "events": [said(BANKING, "ConcernRaised", "RU")]}
    assert f"use {meant}" in " ".join(mistake.detail for mistake in read(body).mistakes)


def test_an_unknown_type_suggests_the_nearest(record: Record) -> None:
    with pytest.raises(Refused) as refused:
        filed(said(BANKING, "ConcernRaise", "RU"), on=record)
    assert "did you mean ConcernRaised?" in refused.value.refusals[0].detail
