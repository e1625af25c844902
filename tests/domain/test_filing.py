"""A report is refused whole, with every mistake at its place. A registered document stays known."""

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from time import thread_time
from typing import Any

import pytest

from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, ReportOnRecord, decide
from service.domain.references import needs
from service.domain.report import read
from service.domain.streams import history_of

CITED = {"document": "readout", "paragraphs": [1], "origin": "voice-ru"}
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
    return decide(report, Record({**record.histories, **known}, record.origins, record.reports), envelope)


@pytest.fixture
def record() -> Record:
    opened = filed(*OPENING)
    return Record(opened.histories, {f"voice-{p}": "source/readout" for p in ("ru", "us", "joint", "media")})


def mistakes(record: Record, *events: Mapping[str, Any], **head: Any) -> dict[str, str]:
    """Return the refusals of a report by pointer."""
    with pytest.raises(Refused) as refused:
        filed(*events, on=record, **head)
    return {refusal.pointer: type(refusal).__name__ for refusal in refused.value.refusals}


def test_all_twelve_mistakes_of_a_report_are_listed(record: Record) -> None:
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


def test_all_kinds_of_mistakes_of_one_event_are_listed(record: Record) -> None:
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


def test_the_ref_of_an_invalid_event_causes_no_second_mistake(record: Record) -> None:
    assert mistakes(
        record,
        said(BANKING, "ProposalTabled", "RU", ref="offer", kind="offer", addressee="US"),
        said(BANKING, "ProposalAnswered", "US", proposal="offer", answer="accepted"),
    ) == {"/events/0/terms": "Malformed"}


def test_an_outdated_expected_version_is_refused(record: Record) -> None:
    expected = {BANKING: 7}
    assert mistakes(record, said(BANKING, "ConcernRaised", "RU"), expect=expected) == {
        "/expect/irritant~1ru-us~1banking-access": "Changed"
    }


def test_a_document_registered_again_unchanged_is_left_out(record: Record) -> None:
    decision = filed(*OPENING[:6], said(BANKING, "ConcernRaised", "RU"), on=record)
    assert [event.type for event in decision.recorded] == ["ConcernRaised"]


def test_a_document_registered_again_with_changes_is_refused(record: Record) -> None:
    other = {**OPENING[1], "paragraphs": 8}
    assert mistakes(record, other) == {"/events/0": "AlreadyOpened"}


def test_a_report_without_a_new_event_is_refused(record: Record) -> None:
    assert mistakes(record, OPENING[1]) == {"/events": "NothingNew"}


def test_a_report_on_an_unknown_round_is_refused(record: Record) -> None:
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


def test_a_correction_to_an_invalid_event_is_refused_at_the_field(record: Record) -> None:
    after = filed(said(BANKING, "ConcernRaised", "RU"), on=record)
    known = Record({**record.histories, **after.histories}, record.origins)
    correction = {"stream": BANKING, "type": "AssertionCorrected", "target": f"{BANKING}@2", "reason": "A slip."}
    assert mistakes(known, {**correction, "changes": {"occurred": "soon"}}) == {
        "/events/0/changes/occurred": "Malformed"
    }
    assert mistakes(known, {**correction, "changes": {"type": "ProposalTabled"}}) == {
        "/events/0/changes/type": "Malformed"
    }


def test_a_report_of_many_mistakes_is_refused_in_linear_time(record: Record) -> None:
    """Compare a ratio, which holds on any machine: ten times the mistakes take about ten times as long."""
    few, many = (_seconds(record, n) for n in (300, 3_000))
    assert many < 40 * few


def _seconds(record: Record, mistaken: int) -> float:
    """Return processor time without the garbage collector, which would traverse the objects of other tests."""
    gc.disable()
    try:
        began = thread_time()
        assert len(mistakes(record, *({"stream": BANKING, "type": "Nothing"} for _ in range(mistaken)))) == mistaken
        return thread_time() - began
    finally:
        gc.enable()


def test_a_future_date_of_an_assertion_is_refused(record: Record) -> None:
    refused = mistakes(record, said(BANKING, "ConcernRaised", "RU", occurred="2999-01-01"))
    assert refused == {"/events/0/occurred": "Malformed"}
    step = {"step": "notes", "owner": "RU", "action": "Exchange notes", "due": "2999-01-01"}
    assert filed(said(BANKING, "NextStepAgreed", "RU", **step), on=record).recorded


@pytest.mark.parametrize(("written", "meant"), [("us-ru", "ru-us"), ("RU-US", "ru-us"), ("gb-eu", "eu-gb")])
def test_a_relation_in_the_wrong_order_is_answered_with_the_right_id(written: str, meant: str) -> None:
    body = {"relation": written, "title": "A report", "events": [said(BANKING, "ConcernRaised", "RU")]}
    assert f"Use {meant}" in " ".join(mistake.detail for mistake in read(body).mistakes)


def test_an_unknown_type_suggests_the_nearest(record: Record) -> None:
    with pytest.raises(Refused) as refused:
        filed(said(BANKING, "ConcernRaise", "RU"), on=record)
    assert refused.value.refusals[0].detail == "ConcernRaise is not a type of event. Use `ConcernRaised`."


@pytest.mark.parametrize(
    ("written", "nearest"),
    [("concern_raised", "ConcernRaised"), ("Hold lifted", "HoldLifted"), ("round convened", "RoundConvened")],
)
def test_the_nearest_type_is_found_in_any_spelling(record: Record, written: str, nearest: str) -> None:
    with pytest.raises(Refused) as refused:
        filed(said(BANKING, written, "RU"), on=record)
    assert refused.value.refusals[0].detail.endswith(f"Use `{nearest}`.")


# One mistake is one error.

SEVEN = [said(BANKING, "ConcernRaised", "RU", source={**CITED, "document": "briefing"}) for _ in range(7)]
ORIGIN = {"stream": "source/readout", "type": "OriginRegistered", "origin": "talk", "speaker": "A", "channel": "quote"}
TALK = [said(BANKING, "ConcernRaised", "RU", source={**CITED, "origin": "talk"}) for _ in range(7)]


@pytest.mark.parametrize(
    ("broken", "pointer"),
    [
        ({"stream": "source/briefing", "type": "SourceRegistered"}, "/publisher"),
        ({"stream": "source/briefing", "type": "SourceRegistered", "publisher": "A", "pages": 3}, "/pages"),
        ({"stream": "source/briefing", "type": "SourceRegisterd", "publisher": "A"}, "/type"),
        ({"stream": "source/briefing", "publisher": "A"}, "/type"),
        ({"type": "SourceRegistered", "publisher": "A"}, "/stream"),
    ],
)
def test_a_document_that_is_refused_is_not_also_unknown(record: Record, broken: dict[str, Any], pointer: str) -> None:
    assert mistakes(record, broken, *SEVEN) == {f"/events/0{pointer}": "Malformed"}


def test_a_document_with_a_misspelt_name_is_one_mistake(record: Record) -> None:
    cited = [said(BANKING, "ConcernRaised", "RU", source={**CITED, "document": "The Readout"}) for _ in range(7)]
    broken = {"stream": "source/The Readout", "type": "SourceRegistered", "publisher": "A"}
    assert mistakes(record, broken, *cited) == {"/events/0/stream": "NotAStream"}


def test_the_statements_of_a_document_with_a_misspelt_name_are_no_further_mistakes(record: Record) -> None:
    broken = {"stream": "source/The Readout", "type": "SourceRegistered", "publisher": "A"}
    spoken = {**ORIGIN, "stream": "source/The Readout", "party": "RU"}
    assert mistakes(record, broken, spoken, *TALK) == {"/events/0/stream": "NotAStream"}


def test_an_irritant_with_a_misspelt_name_is_one_mistake(record: Record) -> None:
    opening = {"stream": "irritant/us-ru/visas", "type": "IrritantOpened", "title": "Visas", "category": "visas"}
    about = [said("irritant/us-ru/visas", "ConcernRaised", "RU") for _ in range(7)]
    assert mistakes(record, opening, *about) == {"/events/0/stream": "NotAStream"}


def test_what_the_rules_forbid_is_listed_beside_what_is_unknown(record: Record) -> None:
    tabled = said(
        BANKING, "ProposalTabled", "RU", kind="offer", addressee="TR", terms="T", source={**CITED, "origin": "x"}
    )
    assert mistakes(record, tabled) == {"/events/0/addressee": "NotAParty", "/events/0/source/origin": "UnknownOrigin"}


def test_a_document_that_is_on_record_otherwise_is_one_mistake(record: Record) -> None:
    other = {"stream": "source/readout", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 20}
    cited = [said(BANKING, "ConcernRaised", "RU", source={**CITED, "paragraphs": [15]}) for _ in range(7)]
    assert mistakes(record, other, *cited) == {"/events/0": "AlreadyOpened"}


@pytest.mark.parametrize(
    ("broken", "pointer", "why"),
    [
        (ORIGIN, "/party", "Malformed"),
        ({**ORIGIN, "party": "USA"}, "/party", "Malformed"),
        ({**ORIGIN, "party": "RU", "channel": "outlet"}, "/channel", "Malformed"),
        ({**ORIGIN, "type": "OriginRegister", "party": "RU"}, "/type", "Malformed"),
        ({**ORIGIN, "stream": "source/briefing", "party": "RU"}, "/stream", "NotOpened"),
    ],
)
def test_an_origin_that_is_refused_is_not_also_unknown(
    record: Record, broken: dict[str, Any], pointer: str, why: str
) -> None:
    assert mistakes(record, broken, *TALK) == {f"/events/0{pointer}": why}


def test_an_origin_that_is_taken_is_one_mistake(record: Record) -> None:
    other = {**ORIGIN, "origin": "voice-us", "party": "RU"}
    cited = [said(BANKING, "ConcernRaised", "RU", source={**CITED, "origin": "voice-us"}) for _ in range(7)]
    assert mistakes(record, other, *cited) == {"/events/0/origin": "OriginTaken"}


def test_an_irritant_that_is_refused_is_not_also_unopened(record: Record) -> None:
    opening = {"stream": VISAS, "type": "IrritantOpened", "title": "Visas"}
    about = [said(VISAS, "ConcernRaised", "RU") for _ in range(7)]
    assert mistakes(record, opening, *about) == {"/events/0/category": "Malformed"}
    linked = said(BANKING, "LinkageStated", "RU", kind="package", **{"with": "ru-us/visas"})
    assert mistakes(record, opening, linked) == {"/events/0/category": "Malformed"}


def test_the_other_mistakes_of_what_is_not_opened_are_listed_too(record: Record) -> None:
    opening = {"stream": VISAS, "type": "IrritantOpened", "title": "Visas"}
    about = said(VISAS, "ConcernRaised", "RU", source={**CITED, "document": "rumour"}, occurred="2999-01-01")
    assert mistakes(record, opening, about) == {
        "/events/0/category": "Malformed",
        "/events/1/source/document": "UnknownSource",
        "/events/1/occurred": "Malformed",
    }
    assert mistakes(record, about).keys() == {
        "/events/0/stream",
        "/events/0/source/document",
        "/events/0/occurred",
    }


def test_a_round_that_is_refused_is_not_also_unknown(record: Record) -> None:
    announced = said("round/ru-us/moscow", "RoundAnnounced", "RU")
    held = said("round/ru-us/moscow", "RoundCharacterised", "RU")
    assert mistakes(record, announced, held, round="moscow") == {"/events/0/preliminary": "Malformed"}


def test_an_actor_that_is_refused_is_not_also_unknown(record: Record) -> None:
    registered = {"stream": "actor/iaea", "type": "ActorRegistered", "actor": "iaea", "names": ["IAEA"]}
    steps = [said(BANKING, "NextStepAgreed", "RU", step="a", owner="iaea", action="An act.") for _ in range(7)]
    assert mistakes(record, registered, *steps) == {"/events/0/kind": "Malformed"}


def test_a_step_or_an_item_that_is_refused_is_not_also_unknown(record: Record) -> None:
    agreed = said(BANKING, "NextStepAgreed", "RU", step="notes", owner="RU")
    closed = said(BANKING, "NextStepClosed", "RU", step="notes", outcome="done")
    assert mistakes(record, agreed, closed) == {"/events/0/action": "Malformed"}
    added = said(BANKING, "ItemAdded", "RU", item="villa", kind="A villa", name="The villa")
    changed = said(BANKING, "ItemStatusChanged", "RU", item="villa", status="settled")
    assert mistakes(record, added, changed) == {"/events/0/place": "Malformed"}


def test_a_relation_that_is_refused_is_not_also_unopened() -> None:
    relation, document, *origins, opening = OPENING
    opened = {**relation, "parties": ["RU", "CN"]}
    with pytest.raises(Refused) as refused:
        filed(opened, document, *origins, opening, said(BANKING, "ConcernRaised", "RU"))
    assert [refusal.pointer for refusal in refused.value.refusals] == ["/events/0/parties"]


def test_a_relation_in_the_wrong_order_is_one_mistake(record: Record) -> None:
    assert mistakes(record, *TALK[:0], said(BANKING, "ConcernRaised", "RU"), relation="us-ru") == {
        "/relation": "Malformed"
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("irritant/us-ru/visas", "irritant/ru-us/visas"),
        ("irritant/RU-US/Visas", "irritant/ru-us/visas"),
        ("round/us-ru/moscow", "round/ru-us/moscow"),
        ("relation/US-RU", "relation/ru-us"),
    ],
)
def test_a_stream_in_the_wrong_order_is_answered_with_the_right_name(record: Record, written: str, meant: str) -> None:
    with pytest.raises(Refused) as refused:
        filed(said(written, "ConcernRaised", "RU"), on=record)
    assert refused.value.refusals[0].detail.startswith(
        f"{written} is not the name of a stream. Use {meant}: names are in lower-case letters"
    )


def test_an_irritant_that_is_named_in_the_wrong_order_is_answered_with_the_right_id(record: Record) -> None:
    linked = said(BANKING, "LinkageStated", "RU", kind="package")
    for written in ("us-ru/visas", "US-RU/visas"):
        with pytest.raises(Refused) as refused:
            filed({**linked, "with": written}, on=record)
        [refusal] = refused.value.refusals
        assert (refusal.pointer, "use ru-us/visas" in refusal.detail.lower()) == ("/events/0/with", True)


def test_a_slug_that_is_none_is_answered_with_what_is_allowed(record: Record) -> None:
    with pytest.raises(Refused) as refused:
        filed(said(BANKING, "NextStepAgreed", "RU", step="Notice 48", owner="RU", action="An act."), on=record)
    assert refused.value.refusals[0].detail == (
        "`step` must be a short name in lower-case letters, digits and hyphens, such as notice-48-hours. Use notice-48."
    )


@pytest.mark.parametrize(("occurred", "refused"), [("2025-05-02", False), ("2025-05-03", True), ("2025-06", True)])
def test_the_future_begins_a_day_after_the_day_of_recording(record: Record, occurred: str, *, refused: bool) -> None:
    event = said(BANKING, "ConcernRaised", "RU", occurred=occurred)
    if refused:
        with pytest.raises(Refused, match=r"is after today, 2025-05-01\. Give the day on which it was said or done"):
            filed(event, on=record)
    else:
        assert filed(event, on=record).recorded


# Attributing a report to a round.


def attribution(report: str = "r1", round: str = "ru-us/april") -> dict[str, Any]:
    return {"stream": "relation/ru-us", "type": "ReportAttributed", "report": report, "round": round}


def with_a_round(record: Record, *rounds: str) -> Record:
    """The record with these rounds, a report on none of them, one on the April round, and one on another relation."""
    met = [said(f"round/{round}", "RoundConvened", "RU", place="Geneva") for round in rounds]
    reports = {
        "r1": ReportOnRecord("ru-us", None),
        "r2": ReportOnRecord("ru-us", "ru-us/april"),
        "r3": ReportOnRecord("cn-us", None),
    }
    histories = filed(*met, on=record).histories if met else {}
    return Record({**record.histories, **histories}, record.origins, reports)


def test_a_report_is_attributed_to_a_round_on_record(record: Record) -> None:
    decision = filed(attribution(), on=with_a_round(record, "ru-us/april"))
    assert decision.histories["relation/ru-us"].state.attributed == {"r1": "ru-us/april"}


def test_a_forgotten_round_is_filed_with_the_reports_on_it(record: Record) -> None:
    met = said("round/ru-us/may", "RoundConvened", "RU", place="Geneva")
    decision = filed(met, attribution(round="ru-us/may"), attribution("r2", "ru-us/may"), on=with_a_round(record))
    assert decision.histories["relation/ru-us"].state.attributed == {"r1": "ru-us/may", "r2": "ru-us/may"}


@pytest.mark.parametrize(
    ("report", "round", "mistake"),
    [
        ("r9", "ru-us/april", {"/events/0/report": "UnknownReport"}),
        ("r3", "ru-us/april", {"/events/0/report": "ReportOfAnotherRelation"}),
        ("r1", "ru-us/june", {"/events/0/round": "UnknownMember"}),
        ("r1", "cn-us/april", {"/events/0/round": "OtherRelation"}),
        ("r9", "ru-us/june", {"/events/0/round": "UnknownMember", "/events/0/report": "UnknownReport"}),
        ("r2", "ru-us/april", {"/events/0/round": "AlreadyAttributed"}),
    ],
)
def test_what_cannot_be_attributed_is_refused(record: Record, report: str, round: str, mistake: dict[str, str]) -> None:
    assert mistakes(with_a_round(record, "ru-us/april"), attribution(report, round)) == mistake


def test_a_report_is_not_attributed_twice_to_one_round(record: Record) -> None:
    there = with_a_round(record, "ru-us/april")
    assert mistakes(there, attribution(), attribution()) == {"/events/1/round": "AlreadyAttributed"}


def test_a_corrected_attribution_is_refused_as_one_that_is_filed_so(record: Record) -> None:
    there = with_a_round(record, "ru-us/april")
    first = filed(attribution(), on=there)
    there = Record({**there.histories, **first.histories}, there.origins, there.reports)
    fix = {
        "stream": "relation/ru-us",
        "type": "AssertionCorrected",
        "target": first.recorded[0].id,
        "reason": "Misread.",
    }
    assert mistakes(there, {**fix, "changes": {"report": "r3"}}) == {
        "/events/0/changes/report": "ReportOfAnotherRelation"
    }
    assert mistakes(there, {**fix, "changes": {"round": "ru-us/june"}}) == {"/events/0/changes/round": "UnknownMember"}
    moved = filed({**fix, "changes": {"report": "r2"}}, on=there)
    assert moved.histories["relation/ru-us"].state.attributed == {"r2": "ru-us/april"}
