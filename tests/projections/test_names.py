"""The names of actors within sentences."""

import pytest

from service.domain.actor.names import ActorNames
from service.domain.streams import history_of
from service.domain.warnings import FilingWarning
from service.projections import irritant, warnings
from service.projections import round as round_
from service.projections.stored import STORED
from service.projections.words.names import at_the_beginning, is_plural, joined, name_of, named
from tests.build import Filed, opened, scheduled, understood

VISAS, ROUND = "irritant/ru-us/visas", "round/ru-us/istanbul-april"
AMERICA = ActorNames(9, {"US": "America", "RU": "Russian Federation"})
RECORD = ActorNames(
    7,
    {
        "TR": "Turkey",
        "NL": "the Netherlands",
        "african-union": "African Union",
        "iaea": "IAEA",
        "osce": "The Organization for Security and Co-operation in Europe",
        "lawyers": "Lawyers of the detained",
        "XA": "Ruritania",
    },
)


@pytest.mark.parametrize(
    ("actor", "within"),
    {
        "US": "the United States",
        "NL": "the Netherlands",
        "TR": "Türkiye",
        "VA": "the Holy See",
        "EU": "the EU",
        "XK": "Kosovo",
        "XA": "Test state XA",
        "QM": "Test state QM",
        "AA": "Test state AA",
        "ZZ": "Test state ZZ",
        "KR": "South Korea",
        "MEDIA": "media",
        "both": "both sides",
        "iaea": "IAEA",
        "african-union": "African Union",
    }.items(),
)
def test_a_name_that_the_record_does_not_give(actor: str, within: str) -> None:
    assert name_of(actor) == within


@pytest.mark.parametrize(
    ("actor", "within"),
    {
        "TR": "Turkey",
        "NL": "the Netherlands",
        "african-union": "the African Union",
        "iaea": "IAEA",
        "osce": "the Organization for Security and Co-operation in Europe",
        "US": "the United States",
        "XA": "Ruritania",
    }.items(),
)
def test_a_name_of_the_record_has_the_article_that_it_needs(actor: str, within: str) -> None:
    assert name_of(actor, RECORD) == within
    assert name_of(within, ActorNames(1, {within: within})) == within


def test_a_name_that_is_several_takes_a_plural() -> None:
    assert is_plural(name_of("lawyers", RECORD))
    assert not any(map(is_plural, ("the United States", "the Netherlands", "the African Union", "the Holy See")))


def test_names_begin_sentences_and_stand_in_lists() -> None:
    assert at_the_beginning(name_of("NL", RECORD)) == "The Netherlands"
    assert joined([name_of(a, RECORD) for a in ("TR", "US", "iaea")]) == "Turkey, the United States and IAEA"
    assert named({"TR", "US"}, RECORD) == {"TR": "Turkey", "US": "the United States"}


def test_a_cached_view_has_the_names_of_its_reading() -> None:
    filed = Filed().file(VISAS, opened(), understood("US"))
    history = history_of(VISAS, filed.reading(VISAS).events)
    before, after = history.reading(), history.reading(names=AMERICA)
    assert "The United States says" in before.cached(irritant.view).headline
    assert "America says" in after.cached(irritant.view).headline
    assert history.reading(names=AMERICA) is after
    assert "The United States says" in history.reading().cached(irritant.view).headline


def test_a_stored_dispute_is_told_with_later_names() -> None:
    filed = Filed().file(ROUND, scheduled("RU", "2025-05-01"), scheduled("US", "2025-05-03"))
    reading = filed.reading(ROUND)
    renamed = STORED["round"].renamed(round_.view(reading), AMERICA)
    history = history_of(ROUND, reading.events)
    assert renamed == round_.view(history.reading(names=AMERICA))
    assert [dispute.why for dispute in renamed.disputes] == [
        "America gives the date 3 May 2025; the Russian Federation gives another date."
    ]


def test_a_warning_has_the_name_of_the_record() -> None:
    warning = FilingWarning("lowers_nothing", 0, "/to", {"by": "US", "to": "raised"})
    assert warnings.document(warning, AMERICA).detail.startswith("America is at raised")
