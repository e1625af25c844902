"""An event is written in the lowest version that holds it, and each version belongs to a vocabulary."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from service.domain import catalogue, vocabulary
from service.domain.catalogue import EVENT_TYPES, SCHEMA_VERSIONS, VOCABULARY
from service.domain.vocabulary import Needs, number_of, number_of_stream, version_of

GOLDEN = Path(__file__).parents[1] / "golden"
SHIPPED = [(type, version) for type, newest in SCHEMA_VERSIONS.items() for version in range(1, newest + 1)]


@pytest.mark.parametrize(("type", "version"), SHIPPED)
def test_a_golden_payload_is_written_in_its_own_version(type: str, version: int) -> None:
    payload = json.loads((GOLDEN / f"{type}.v{version}.json").read_text(encoding="utf-8"))
    assert version_of(catalogue.load(type, payload)) == version


def test_every_released_type_is_still_read() -> None:
    for released in vocabulary.RELEASED:
        assert all(SCHEMA_VERSIONS[type] >= version for type, version in released.items())


def test_vocabularies_only_grow() -> None:
    for before, after in pairwise([*vocabulary.RELEASED, SCHEMA_VERSIONS]):
        assert all(after[type] >= version for type, version in before.items())


def test_a_type_that_no_release_has_belongs_to_the_next_vocabulary() -> None:
    assert number_of("ConcernRaised", 1) == 1
    assert number_of("ConcernRaised", 99) == number_of("NotYetInvented", 1) == len(vocabulary.RELEASED) + 1
    assert all(number_of(type, version) <= VOCABULARY for type, version in SCHEMA_VERSIONS.items())


@pytest.mark.parametrize(
    ("stream", "number"),
    [
        ("irritant/ru-us/visas", 1),
        ("round/no-se/oslo", 1),
        ("relation/no-se", 1),
        ("source/eu-statement", 1),
        ("relation/eu-gb", 2),
        ("irritant/rs-xk/plates", 2),
        ("actor/iaea", 2),
    ],
)
def test_a_relation_of_an_actor_that_is_no_state_needs_the_second_vocabulary(stream: str, number: int) -> None:
    assert number_of_stream(stream) == number


def test_needs_name_what_the_first_vocabulary_lacks() -> None:
    needs = Needs()
    needs.add("irritant/ru-us/visas", "ConcernRaised", 1)
    assert (needs.number, str(needs)) == (1, "")
    for type, version in [("ConcernRaised", 2), ("BreachAlleged", 1), ("ConcernRaised", 2), ("RoundTitled", 1)]:
        needs.add("irritant/ru-us/visas", type, version)
    assert (needs.number, str(needs)) == (2, "ConcernRaised version 2, BreachAlleged and RoundTitled")


def test_of_many_needs_four_are_named() -> None:
    needs = Needs()
    for type in sorted(EVENT_TYPES)[:9]:
        needs.add("irritant/ru-us/visas", type, 99)
    assert str(needs).endswith(" and 5 others")
