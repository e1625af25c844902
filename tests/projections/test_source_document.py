"""The document of a source, whole, and what rests on it."""

from service.projections.source import SourceSummary, summary, view
from tests.build import (
    STREAMS,
    Filed,
    contested,
    evidence,
    excluded,
    given,
    opened,
    origin_registered,
    registered,
    relation_opened,
    retracted,
    understood,
)
from tests.projections.shown import cited

A0, A1 = STREAMS["source"], "source/a1"
IRRITANT, RELATION = STREAMS["irritant"], STREAMS["relation"]


def test_what_is_registered_of_a_document() -> None:
    filed = Filed().file(
        A0,
        registered("A newspaper", sha256="0" * 64, paragraphs=16, published="2025-04", language="en"),
        origin_registered("interview", "RU", speaker="The ambassador", occurred="[2025-04-10..]"),
    )
    assert view(filed.reading(A0)).model_dump(mode="json") == {
        "id": "a0",
        "position": 2,
        "version": 2,
        "recorded_at": "2025-05-01T12:00:00Z",
        "publisher": "A newspaper",
        "sha256": "0" * 64,
        "paragraphs": 16,
        "published": "2025-04",
        "address": None,
        "language": "en",
        "origins": [
            {
                "origin": "interview",
                "speaker": "The ambassador",
                "party": "RU",
                "channel": "quote",
                "occurred": "[2025-04-10..]",
            }
        ],
        "relays": [],
        "assertions": [],
    }


def test_of_a_document_that_nobody_registered_every_field_is_there() -> None:
    document = view(given(stream=A0).filed.reading(A0)).model_dump(mode="json")
    assert document == {
        "id": "a0",
        "position": 0,
        "version": 0,
        "recorded_at": None,
        "publisher": "",
        "sha256": None,
        "paragraphs": None,
        "published": None,
        "address": None,
        "language": None,
        "origins": [],
        "relays": [],
        "assertions": [],
    }


def on_record() -> Filed:
    """An interview registered with one document, relayed by another, which has a voice of its own."""
    return (
        Filed()
        .file(A0, registered(), origin_registered("ru-statement", "RU"))
        .file(A1, registered(), origin_registered("media-statement", "MEDIA"))
        .file(IRRITANT, opened(), understood("RU", document="a0"))
        .file(RELATION, relation_opened(), excluded("MEDIA", "ukraine", document="a1"))
        .file(IRRITANT, evidence("e6", "RU", document="a1"))
    )


def test_what_rests_on_a_document_or_on_an_utterance_registered_with_it_in_the_order_of_the_record() -> None:
    filed = on_record()
    citing = [filed.reading(RELATION), filed.reading(IRRITANT)]
    relayed = cited("e9", "RU", "EvidenceAdded")
    relayed["source"] = {"document": "a1", "paragraphs": [1], "origin": "ru-statement"}
    told = cited("e8", "MEDIA", "ScopeExcluded")
    told["source"] = {**told["source"], "document": "a1"}
    assert view(filed.reading(A0), citing).model_dump(mode="json")["assertions"] == [
        {"stream": IRRITANT, "type": "UnderstandingReported", "evidence": cited("e6", "RU", "UnderstandingReported")},
        {"stream": IRRITANT, "type": "UnderstandingReported", "evidence": relayed},
    ]
    assert view(filed.reading(A1), citing).model_dump(mode="json")["assertions"] == [
        {"stream": RELATION, "type": "ScopeExcluded", "evidence": told},
        {"stream": IRRITANT, "type": "UnderstandingReported", "evidence": relayed},
    ]


def test_a_document_relays_utterances_wherever_they_are_registered() -> None:
    filed = on_record()
    citing = [filed.reading(RELATION), filed.reading(IRRITANT)]
    assert view(filed.reading(A0), citing).relays == ("ru-statement",)
    assert view(filed.reading(A1), citing).relays == ("media-statement", "ru-statement")


def test_a_denial_rests_on_its_document_too_and_what_was_retracted_rests_on_nothing() -> None:
    filed = on_record().file(IRRITANT, contested("e6", "RU"), retracted("e9"))
    resting = view(filed.reading(A0), [filed.reading(IRRITANT)]).assertions
    assert [(r.type, r.evidence.event) for r in resting] == [("UnderstandingReported", "e6"), ("ClaimContested", "e10")]


def test_the_document_is_as_recent_as_the_last_stream_that_may_cite_it() -> None:
    filed = on_record()
    document = view(filed.reading(A0), [filed.reading(RELATION), filed.reading(IRRITANT)])
    assert (document.version, document.position) == (2, 9)


def test_a_list_of_sources_shows_of_each_what_is_registered() -> None:
    filed = on_record()
    shown = view(filed.reading(A0), [filed.reading(RELATION), filed.reading(IRRITANT)]).model_dump()
    of_itself = {**shown, "position": filed.history(A0).position}
    assert summary(filed.reading(A0)).model_dump() == {k: of_itself[k] for k in SourceSummary.model_fields}
