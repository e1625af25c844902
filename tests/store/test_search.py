"""The search over blocks of the record finds what a reading of every hit finds, in the same order."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete

from service.store import read_models, search, tables
from service.store.engine import transaction
from service.store.read_models import Document

BLOCK = 16_384
NAMES = 8 * BLOCK
"""The block of hits that name something."""
WORDS = ("visa", "visas", "bank", "banking", "45", "виза")


class Hit(NamedTuple):
    """A hit of a test: what it has for the search."""

    position: int
    words: frozenset[str]
    is_name: bool = False
    relation: str | None = "ru-us"
    facets: Mapping[str, str] = {}

    @property
    def key(self) -> str:
        return search.key_of(self.position, is_name=self.is_name)

    @property
    def row(self) -> Document:
        words = search.lexemes(self.position, self.words, self.facets, is_name=self.is_name, relation=self.relation)
        return Document("hit", 9, self.key, self.relation or "", self.position, {**self.facets, "words": words}, b"-")


def store(c: Connection, hits: Sequence[Hit]) -> None:
    read_models.store(c, [hit.row for hit in hits])


def keys(c: Connection, *words: str, limit: int = 1_000, newest: int = 10 * NAMES, **filters: Any) -> list[str]:
    """Return the keys of the hits that have all words, each in full or its beginning."""
    sought = [[(word, True)] for word in words]
    return [row.key for row in search.find(c, "hit", 9, sought, limit=limit, newest=newest, **filters)]


# The first and the last position of some blocks, and positions between them.
positions = st.sampled_from(
    [n for begin in (0, BLOCK, NAMES, 2 * NAMES) for n in (begin, begin + 7, begin + BLOCK - 1)] + [2 * NAMES - 1]
)
days = st.dates(date(2024, 11, 1), date(2025, 3, 31)).map(date.isoformat)


@st.composite
def all_hits(draw: st.DrawFn) -> list[Hit]:
    hits: dict[int, Hit] = {}
    for position in draw(st.lists(positions, unique=True, max_size=8)):
        facets = {"type": draw(st.sampled_from(["ConcernRaised", "ProposalTabled"]))}
        if draw(st.booleans()):
            facets["irritant"] = draw(st.sampled_from(["ru-us/visas", "ru-us/banks"]))
        ends = sorted(draw(st.lists(days, min_size=2, max_size=2)))
        kept = draw(st.sampled_from([(), ("earliest",), ("latest",), ("earliest", "latest")]))
        facets |= {name: end for name, end in zip(("earliest", "latest"), ends, strict=True) if name in kept}
        words = draw(st.frozensets(st.sampled_from(WORDS), min_size=1))
        relation = draw(st.sampled_from(["ru-us", "no-se", None]))
        hits[position] = Hit(position, words, draw(st.booleans()), relation, facets)
    return list(hits.values())


@st.composite
def all_filters(draw: st.DrawFn) -> dict[str, Any]:
    first, last = sorted((draw(days), draw(days)))
    offered: dict[str, Any] = {
        "relation": "ru-us",
        "facets": {"type": "ConcernRaised"},
        "first": date.fromisoformat(first),
        "last": date.fromisoformat(last),
        "before": search.key_of(draw(positions), is_name=draw(st.booleans())),
    }
    return {name: offered[name] for name in draw(st.sets(st.sampled_from(sorted(offered)), max_size=2))}


def is_found(hit: Hit, words: Sequence[str], filters: Mapping[str, Any]) -> bool:
    earliest, latest = hit.facets.get("earliest"), hit.facets.get("latest")
    is_dated = earliest is not None or latest is not None
    asked: Mapping[str, str] = filters.get("facets", {})
    return all(
        (
            all(any(own.startswith(word) for own in hit.words) for word in words),
            hit.relation == filters.get("relation", hit.relation),
            all(hit.facets.get(name) == value for name, value in asked.items()),
            "first" not in filters or (is_dated and (latest or "9999") >= str(filters["first"])),
            "last" not in filters or (is_dated and (earliest or "0") <= str(filters["last"])),
            hit.key < filters.get("before", "2"),
        )
    )


@settings(max_examples=150)
@given(
    hits=all_hits(),
    words=st.lists(st.sampled_from(["vis", "visas", "bank", "45", "ви", "zebra"]), min_size=1, max_size=2),
    filters=all_filters(),
    limit=st.sampled_from([1, 2, 20]),
)
def test_a_search_finds_what_a_reading_of_every_hit_finds(
    engine_of_module: Engine, hits: list[Hit], words: list[str], filters: dict[str, Any], limit: int
) -> None:
    expected = sorted((hit.key for hit in hits if is_found(hit, words, filters)), reverse=True)
    with transaction(engine_of_module) as c:
        c.execute(delete(tables.read_models))
        store(c, hits)
        found = keys(c, *words, limit=limit, newest=3 * NAMES, **filters)
    assert found == expected[:limit]


def test_names_come_first_and_then_the_newest_statements(record: Connection) -> None:
    old_name, new_name = Hit(3, frozenset({"visas"}), is_name=True), Hit(5 * NAMES, frozenset({"visas"}), is_name=True)
    old, new = Hit(4, frozenset({"visas"})), Hit(9 * NAMES, frozenset({"visas"}))
    store(record, [old, new_name, new, old_name])
    assert keys(record, "visa") == [new_name.key, old_name.key, new.key, old.key]
    assert keys(record, "visa", before=old_name.key, limit=1) == [new.key]
    assert keys(record, "visa", newest=4 * NAMES) == [old_name.key, old.key]


@pytest.mark.parametrize("is_name", [True, False])
def test_a_page_continues_in_the_block_in_which_the_page_before_ended(record: Connection, *, is_name: bool) -> None:
    hits = [Hit(5 * NAMES + n, frozenset({"visas"}), is_name=is_name) for n in range(3)]
    store(record, hits)
    assert keys(record, "visas", before=hits[2].key) == [hits[1].key, hits[0].key]


def test_a_status_is_found_whether_few_or_many_irritants_have_it(record: Connection) -> None:
    status = search.StatusFilter("irritant", 6, "raised")
    hit = Hit(7, frozenset({"visas"}), facets={"irritant": "ru-us/visas"})
    store(record, [hit, Hit(8, frozenset({"visas"}), facets={"irritant": "ru-us/banks"})])
    assert keys(record, "visas", status=status) == []
    for number in (1, 300, 3_000):
        irritants = ["ru-us/visas", *(f"ru-us/other-{n}" for n in range(number - 1))]
        rows = [Document("irritant", 6, key, "ru-us", 1, {"status": "raised"}, b"-") for key in irritants]
        read_models.store(record, rows)
        assert keys(record, "visas", status=status) == [hit.key]


@pytest.mark.parametrize(
    ("first", "last"),
    [("2021-01-01", "2025-12-31"), ("2025-01-01", "2025-01-31"), ("0001-01-01", "9999-12-31")],
)
def test_a_hit_with_a_span_of_years_is_found_within_any_dates_that_meet_it(
    record: Connection, first: str, last: str
) -> None:
    hit = Hit(7, frozenset({"visas"}), facets={"earliest": "2022-01-01", "latest": "2025-01-15"})
    store(record, [hit])
    within: dict[str, Any] = {"first": date.fromisoformat(first), "last": date.fromisoformat(last)}
    assert keys(record, "visas", **within) == [hit.key]


def test_the_words_of_hits_are_read_without_the_values_of_filters(record: Connection) -> None:
    store(
        record,
        [
            Hit(1, frozenset({"45", "visas"}), facets={"type": "ConcernRaised"}),
            Hit(BLOCK, frozenset({"Ω", "45"}), is_name=True, relation=None),
            Hit(2, frozenset(), facets={"type": "ConcernRaised"}),
        ],
    )
    names = search.HitWords(search.key_of(BLOCK, is_name=True), ["45", "Ω"])
    told = search.HitWords(search.key_of(1, is_name=False), ["45", "visas"])
    wordless = search.HitWords(search.key_of(2, is_name=False), [])
    assert search.words_of(record, "hit", 9, limit=10) == [names, wordless, told]
    assert search.words_of(record, "hit", 9, relation="ru-us", limit=10) == [wordless, told]
    assert search.words_of(record, "hit", 9, limit=1) == [names]
    read_models.store(record, [Document("hit", 9, names.key, "", BLOCK + 1, {}, b"")])
    assert search.words_of(record, "hit", 9, changed_after=BLOCK, limit=10) == [(names.key, [])]
    assert search.words_of(record, "hit", 9, limit=1) == [wordless]
