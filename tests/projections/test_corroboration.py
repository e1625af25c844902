"""Propositions and their distinct origins: documents that relay one statement count once."""

from typing import Any

from service.domain.assertion import EventModel
from service.projections import corroboration
from service.projections.corroboration import Proposition, of_facts, of_irritant
from tests.build import (
    STREAMS,
    Filed,
    concluded,
    contested,
    convened,
    discussed,
    emphasised,
    evidence,
    exchanged,
    excluded,
    head_named,
    opened,
    raised,
    relation_opened,
    reversed_to,
    understood,
)
from tests.projections.seeds import seeded


def by_rung(*events: EventModel) -> dict[str, Proposition]:
    reading = Filed().file(STREAMS["irritant"], opened(), *events).reading(STREAMS["irritant"])
    return {p.value: p for p in of_irritant(reading)}


def facts(kind: Any, *events: EventModel) -> dict[tuple[str, str], Proposition]:
    reading = Filed().file(STREAMS[kind], *events).reading(STREAMS[kind])
    return {(p.kind, p.value): p for p in of_facts(reading)}


def test_the_verdicts_on_the_seeds() -> None:
    found = corroboration.view(**seeded().readings()).items
    verdicts = {(p.about.partition("/")[2], p.kind, p.value): (p.verdict, p.said_by, p.origins) for p in found}
    expected = {
        ("ru-us/banking-access", "rung", "formalised"): ("one_side", ("US",), 3),
        ("ru-us/banking-access", "rung", "understanding"): ("both_sides", ("RU", "US"), 4),
        ("ru-us/diplomat-movement", "rung", "understanding"): ("one_side", ("RU",), 1),
        ("ru-us/diplomat-movement", "rung", "raised"): ("both_sides", ("RU", "US"), 4),
        ("ru-us/direct-flights", "rung", "proposed"): ("attributed", ("RU",), 1),
        ("ru-us/property-return", "rung", "in_talks"): ("media_only", (), 2),
        ("ru-us/property-return", "rung", "proposed"): ("one_side", ("RU",), 3),
        ("ru-us/moscow-next", "announced", "Moscow"): ("one_side", ("RU",), 1),
        ("ru-us", "format", "capitals"): ("one_side", ("RU",), 1),
        ("ru-us", "scope_excluded", "ukraine"): ("one_side", ("US",), 2),
        ("ru-us", "agrement", "Alexander Darchiev"): ("media_only", (), 2),
    }
    assert expected.items() <= verdicts.items()


def test_three_documents_that_relay_one_interview_are_one_origin() -> None:
    (moscow,) = of_facts(seeded().reading("round/ru-us/moscow-next"))
    assert (moscow.origins, moscow.documents, moscow.silent, moscow.reported_by_media) == (1, 3, ("US",), False)
    (utterance,) = moscow.utterances
    assert (utterance.origin, utterance.party, len(utterance.documents)) == ("darchiev-interview", "RU", 3)


def test_a_side_at_a_higher_rung_also_supports_lower_rungs() -> None:
    found = by_rung(raised("RU"), exchanged("US"))
    assert {rung: (p.verdict, p.said_by) for rung, p in found.items()} == {
        "formalised": ("one_side", ("US",)),
        "raised": ("both_sides", ("RU", "US")),
    }


def test_a_relay_adds_only_a_document() -> None:
    told = [understood("RU"), discussed("MEDIA")]
    before, after = by_rung(*told), by_rung(*told, evidence("e2", "RU", document="a1"))
    for rung in ("understanding", "in_talks"):
        assert after[rung].documents == before[rung].documents + 1
        assert (after[rung].origins, after[rung].verdict) == (before[rung].origins, before[rung].verdict)


def test_a_denied_claim_is_contested() -> None:
    found = by_rung(understood("RU"), contested("e2", "US"))
    assert (found["understanding"].verdict, found["understanding"].contested_by) == ("contested", ("US",))


def test_a_reversed_rung_is_no_proposition() -> None:
    found = by_rung(exchanged("RU", on="2025-04-10"), reversed_to("raised", "RU", on="2025-05-01"))
    assert {rung: p.verdict for rung, p in found.items()} == {"raised": "one_side"}


def test_equal_facts_are_one_proposition() -> None:
    found = facts("round", convened("MEDIA"), convened("RU"), head_named("RU", "US", "Someone"), concluded("US", 5))
    assert {fact: (p.verdict, p.origins) for fact, p in found.items()} == {
        ("convened", "Istanbul"): ("one_side", 2),
        ("head", "US: Someone"): ("one_side", 1),
        ("concluded", "5 hours, exact"): ("one_side", 1),
    }


def test_a_fact_that_no_actor_still_asserts_is_denied() -> None:
    found = facts("relation", relation_opened(), excluded("RU", "ukraine", channel="attributed"), contested("e2", "RU"))
    assert [(p.verdict, p.origins) for p in found.values()] == [("denied", 0)]


def test_an_emphasis_needs_no_corroboration() -> None:
    assert facts("relation", relation_opened(), emphasised("RU")) == {}
