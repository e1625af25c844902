"""The whole document of a source, with the assertions that cite it."""

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


def test_a_document_has_the_registered_fields() -> None:
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
        "title": None,
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


def test_an_unregistered_document_has_every_field() -> None:
    document = view(given(stream=A0).filed.reading(A0)).model_dump(mode="json")
    assert document == {
        "id": "a0",
        "position": 0,
        "version": 0,
        "recorded_at": None,
        "publisher": "",
        "title": None,
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
    """Return a record with an interview that one document registers and another, with its own voice, relays."""
    return (
        Filed()
        .file(A0, registered(), origin_registered("ru-statement", "RU"))
        .file(A1, registered(), origin_registered("media-statement", "MEDIA"))
        .file(IRRITANT, opened(), understood("RU", document="a0"))
        .file(RELATION, relation_opened(), excluded("MEDIA", "ukraine", document="a1"))
        .file(IRRITANT, evidence("e6", "RU", document="a1"))
    )


def test_a_document_lists_the_assertions_that_cite_it_or_its_origins() -> None:
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


def test_a_document_also_relays_origins_registered_with_another() -> None:
    filed = on_record()
    citing = [filed.reading(RELATION), filed.reading(IRRITANT)]
    assert view(filed.reading(A0), citing).relays == ("ru-statement",)
    assert view(filed.reading(A1), citing).relays == ("media-statement", "ru-statement")


def test_denials_are_listed_and_retracted_assertions_are_not() -> None:
    filed = on_record().file(IRRITANT, contested("e6", "RU"), retracted("e9"))
    resting = view(filed.reading(A0), [filed.reading(IRRITANT)]).assertions
    assert [(r.type, r.evidence.event) for r in resting] == [("UnderstandingReported", "e6"), ("ClaimContested", "e10")]


def test_the_position_is_that_of_the_last_stream_that_may_cite_it() -> None:
    filed = on_record()
    document = view(filed.reading(A0), [filed.reading(RELATION), filed.reading(IRRITANT)])
    assert (document.version, document.position) == (2, 9)


def test_the_list_of_sources_has_the_registered_fields() -> None:
    filed = on_record()
    shown = view(filed.reading(A0), [filed.reading(RELATION), filed.reading(IRRITANT)]).model_dump()
    of_itself = {**shown, "position": filed.history(A0).position}
    assert summary(filed.reading(A0)).model_dump() == {k: of_itself[k] for k in SourceSummary.model_fields}
