"""What may be said of the talks as a whole, and what it all comes to."""

from typing import Any

import pytest
from hypothesis import given as whatever

from service.domain.errors import Malformed
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
    retracted,
)
from tests.strategies import records


@pytest.mark.parametrize("parties", [("RU", "US"), ("US", "RU")])
def test_a_relation_is_opened_for_its_two_parties_in_any_order(parties: tuple[str, str]) -> None:
    state = given(stream=STREAMS["relation"]).when(relation_opened(*parties, title="The talks")).state
    assert (state.opened, state.title, state.parties) == (True, "The talks", ("RU", "US"))


@pytest.mark.parametrize("parties", [("RU", "TR"), ("RU", "RU"), ("TR", "UA")])
def test_a_relation_is_of_no_other_parties_than_its_name_says(parties: tuple[str, str]) -> None:
    given(stream=STREAMS["relation"]).when(relation_opened(*parties)).refused(
        Malformed, why="are not those of ru-us, which are RU and US"
    )


@pytest.mark.parametrize("denier", ["MEDIA", "TR"])
def test_a_denial_by_no_side_leaves_what_a_side_says(denier: str) -> None:
    state = given(relation_opened(), excluded("US", "ukraine")).when(contested("e2", denier)).state
    (claim,) = state.claims.values()
    assert (claim.said_by, claim.contested_by) == (("US",), ())


def test_a_party_denies_what_the_other_says() -> None:
    state = given(relation_opened(), excluded("US", "ukraine")).when(contested("e2", "RU")).state
    (claim,) = state.claims.values()
    assert (claim.said_by, claim.contested_by) == (("US",), ("RU",))


def test_silence_is_nobodys_denial() -> None:
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
        ([format_reversed("US")], None, True),
    ],
)
def test_the_format_is_the_last_decision_that_a_party_stands_behind_until_a_party_undoes_it(
    history: Any, format: str | None, *, undone: bool
) -> None:
    state = given(relation_opened(), *history).state
    assert state.format_reversed is undone
    assert (state.format.data.format if state.format else None) == format


def test_a_person_keeps_every_spelling_and_the_role_last_stated() -> None:
    state = given(
        relation_opened(),
        person_named("darchiev", "Alexander Darchiev", role="Diplomat"),
        person_named("darchiev", "Aleksandr Darchiev", "Alexander Darchiev", role="Ambassador"),
    ).state
    person = Person("darchiev", ("Alexander Darchiev", "Aleksandr Darchiev"), "Ambassador")
    assert state.persons == {"darchiev": person}
    assert state.known_as("Aleksandr Darchiev") == "darchiev"
    assert state.known_as("Sonata Coulter") == "Sonata Coulter"


def test_a_spelling_that_was_filed_by_mistake_is_gone() -> None:
    named = [person_named("darchiev", "Darchiev"), person_named("darchiev", "Darcheev")]
    assert given(relation_opened(), *named, retracted("e3")).state.persons["darchiev"].names == ("Darchiev",)


def test_a_title_is_corrected_as_if_it_had_always_read_so() -> None:
    assert given(relation_opened(title="Talks"), corrected("e1", title="The talks")).state.title == "The talks"


@whatever(records("relation"))
def test_whatever_is_on_record_whatever_is_said_is_judged(filed: Filed) -> None:
    *before, last = filed.events
    history = Filed().file(STREAMS["relation"], *(e.data for e in before)).history(STREAMS["relation"])
    effect, state = history.in_place(last)
    if effect is not None:
        refusal = JUDGES["relation"](state, effect, STREAMS["relation"], "ru-us")
        assert refusal is None or refusal.detail
