"""Events about the talks as a whole, and the state that follows from them."""

from typing import Any

import pytest
from hypothesis import given as whatever

from service.domain.errors import Malformed, OtherRelation
from service.domain.filing import JUDGES
from service.domain.relation.state import Person
from tests.build import (
    STREAMS,
    Filed,
    contested,
    corrected,
    evidence,
    excluded,
    format_decided,
    format_reversed,
    given,
    no_comment,
    person_named,
    relation_opened,
    report_attributed,
    retracted,
)
from tests.strategies import records


@pytest.mark.parametrize("parties", [("RU", "US"), ("US", "RU")])
def test_a_relation_is_opened_for_its_two_parties_in_any_order(parties: tuple[str, str]) -> None:
    state = given(stream=STREAMS["relation"]).when(relation_opened(*parties, title="The talks")).state
    assert (state.opened, state.title, state.parties) == (True, "The talks", ("RU", "US"))


@pytest.mark.parametrize("parties", [("RU", "TR"), ("RU", "RU"), ("TR", "UA")])
def test_a_relation_with_other_parties_than_its_id_is_refused(parties: tuple[str, str]) -> None:
    given(stream=STREAMS["relation"]).when(relation_opened(*parties)).refused(
        Malformed, why="`parties` of ru-us must be RU and US"
    )


@pytest.mark.parametrize("denier", ["MEDIA", "TR"])
def test_a_denial_by_media_or_a_third_party_does_not_affect_a_side(denier: str) -> None:
    state = given(relation_opened(), excluded("US", "ukraine")).when(contested("e2", denier)).state
    (claim,) = state.claims.values()
    assert (claim.said_by, claim.contested_by) == (("US",), ())


def test_a_party_can_deny_a_claim_of_the_other() -> None:
    state = given(relation_opened(), excluded("US", "ukraine")).when(contested("e2", "RU")).state
    (claim,) = state.claims.values()
    assert (claim.said_by, claim.contested_by) == (("US",), ("RU",))


def test_no_comment_is_no_denial() -> None:
    state = given(relation_opened(), format_decided("RU"), no_comment("MEDIA", ("White House",), "the format")).state
    assert state.format.contested_by == ()


@pytest.mark.parametrize(
    ("history", "format", "undone"),
    [
        ([], None, False),
        ([format_decided("RU", "Capitals")], "Capitals", False),
        ([format_decided("RU", "Capitals"), format_decided("US", "Geneva")], "Geneva", False),
        ([format_decided("RU", "Capitals"), format_decided("MEDIA", "Geneva")], "Capitals", False),
        ([format_decided("RU", "Capitals"), contested("e2", "RU"), format_decided("MEDIA", "Geneva")], "Geneva", False),
        ([format_decided("RU", "Capitals"), format_reversed("US")], "Capitals", True),
        ([format_decided("RU", "Capitals"), format_reversed("MEDIA")], "Capitals", False),
        ([format_decided("RU", "Capitals"), format_reversed("MEDIA"), evidence("e3", "RU")], "Capitals", True),
        ([format_decided("RU", "Capitals"), format_reversed("US"), format_decided("RU", "Geneva")], "Geneva", False),
        ([format_decided("MEDIA", "Capitals"), format_reversed("MEDIA")], "Capitals", True),
        ([format_decided("TR", "Capitals"), format_reversed("TR"), format_decided("MEDIA", "Geneva")], "Geneva", False),
        ([format_reversed("US")], None, True),
    ],
)
def test_the_format_is_the_last_decision_of_a_party_until_a_party_reverses_it(
    history: Any, format: str | None, *, undone: bool
) -> None:
    state = given(relation_opened(), *history).state
    assert state.format_reversed is undone
    assert (state.format.data.format if state.format else None) == format


@pytest.mark.parametrize(
    ("history", "disputes"),
    [
        ([format_decided("RU", "Capitals"), format_decided("US", "Geneva")], [("format", "US", "RU", False)]),
        ([format_decided("RU", "Capitals"), format_decided("US", "capitals")], []),
        ([format_decided("RU", "Capitals"), format_decided("MEDIA", "Geneva")], []),
        ([format_decided("RU", "Capitals"), format_reversed("US")], [("reversal", "US", "RU", False)]),
        (
            [format_decided("RU", "Capitals"), format_reversed("US"), contested("e3", "RU")],
            [("reversal", "US", "RU", True)],
        ),
        ([format_decided("RU", "Capitals"), format_reversed("US"), format_reversed("RU")], []),
        ([format_decided("RU", "Capitals"), format_reversed("US"), contested("e3", "US")], []),
        ([excluded("US", "ukraine"), contested("e2", "RU")], [("claim", "US", "RU", True)]),
        ([excluded("MEDIA", "ukraine"), contested("e2", "RU")], []),
    ],
)
def test_two_sides_that_differ_on_the_talks_are_a_dispute(history: Any, disputes: Any) -> None:
    state = given(relation_opened(), *history).state
    assert [(d.kind, d.alleged_by, d.about, d.denied) for d in state.disputes] == disputes


def test_each_side_has_the_format_that_it_says_is_in_force() -> None:
    state = given(relation_opened(), format_decided("RU", "Capitals"), format_decided("US", "Geneva")).state
    assert {party: state.format_of(party).data.format for party in ("RU", "US")} == {"RU": "Capitals", "US": "Geneva"}
    undone = given(relation_opened(), format_decided("JOINT", "Capitals"), format_reversed("US")).state
    assert (undone.format_of("US"), undone.format_of("RU").data.format) == (None, "Capitals")
    assert undone.format_reversed_by == ("US",)


def test_a_report_cannot_be_attributed_to_a_round_of_another_relation() -> None:
    given(relation_opened()).when(report_attributed("r1", "cn-us/geneva")).refused(OtherRelation, relation="ru-us")


def test_a_person_keeps_every_spelling_and_the_role_last_stated() -> None:
    state = given(
        relation_opened(),
        person_named("darchiev", "Alexander Darchiev", role="Diplomat"),
        person_named("darchiev", "Aleksandr Darchiev", "Alexander Darchiev", role="Ambassador"),
    ).state
    person = Person("darchiev", ("Alexander Darchiev", "Aleksandr Darchiev"), "Ambassador")
    assert state.persons == {"darchiev": person}
    assert state.slug_of_person("Aleksandr Darchiev") == "darchiev"
    assert state.slug_of_person("Sonata Coulter") == "Sonata Coulter"


def test_a_retracted_spelling_is_removed() -> None:
    named = [person_named("darchiev", "Darchiev"), person_named("darchiev", "Darcheev")]
    assert given(relation_opened(), *named, retracted("e3")).state.persons["darchiev"].names == ("Darchiev",)


def test_a_corrected_title_replaces_the_first() -> None:
    assert given(relation_opened(title="Talks"), corrected("e1", title="The talks")).state.title == "The talks"


@whatever(records("relation"))
def test_any_event_on_any_record_is_judged_without_an_error(filed: Filed) -> None:
    *before, last = filed.events
    history = Filed().file(STREAMS["relation"], *(e.data for e in before)).history(STREAMS["relation"])
    effect, state = history.placed_if_recorded(last)
    if effect is not None:
        refusal = JUDGES["relation"](state, effect, STREAMS["relation"], "ru-us")
        assert refusal is None or refusal.detail
