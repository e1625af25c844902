"""The words that a process keeps are those that a new reading of the record finds."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete

from service.follower.vocabulary import Vocabulary
from service.projections import hit
from service.store import read_models, search, tables
from service.store.engine import transaction
from service.store.read_models import Document

MISSPELT = ("vizas", "bankng", "protcol", "моксва", "darchief")
WORDS = ("visas", "vizats", "banking", "protocol", "москва", "дарчиев", "moscow")


def stored(c: Connection, event: int, changed: int, words: frozenset[str], *, is_name: bool, relation: str) -> None:
    """Store a hit, or with no words the row of a retracted event."""
    facets = {"words": search.lexemes(event, words, {}, is_name=is_name, relation=relation)} if words else {}
    key = search.key_of(event, is_name=is_name)
    read_models.store(c, [Document(hit.NAME, hit.REPRESENTATION, key, relation, changed, facets, b"-")])


words = st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(WORDS), min_size=1, max_size=2))
# One change after the other: of a new event (0), or of an earlier one, counted from the last. Most are read at once.
changes = st.lists(
    st.tuples(st.integers(0, 3), words, st.booleans(), st.sampled_from([True, True, True, False])), max_size=12
)


@settings(max_examples=150)
@given(changes=changes, most=st.sampled_from([1, 2, 3, 50]))
def test_kept_words_are_those_of_a_new_reading(
    engine_of_module: Engine, changes: list[tuple[int, frozenset[str], bool, bool]], most: int
) -> None:
    kept, events = Vocabulary(most), dict[int, bool]()
    with transaction(engine_of_module) as c:
        c.execute(delete(tables.read_models))
        for position, (earlier, words, is_name, is_read) in enumerate(changes, 1):
            event = list(events)[-earlier] if 0 < earlier <= len(events) else position
            stored(c, event, position, words, is_name=events.setdefault(event, is_name), relation="ru-us")
            if is_read:
                assert kept.near(c, MISSPELT, position, None) == Vocabulary(most).near(c, MISSPELT, position, None)


def test_a_reading_of_an_earlier_position_does_not_change_what_is_kept(engine_of_module: Engine) -> None:
    kept = Vocabulary()
    with transaction(engine_of_module) as c:
        c.execute(delete(tables.read_models))
        stored(c, 1, 1, frozenset({"visas"}), is_name=False, relation="ru-us")
        stored(c, 5, 5, frozenset({"banking"}), is_name=True, relation="no-se")
        assert kept.near(c, MISSPELT, 5, None) == {"vizas": ["visas"], "bankng": ["banking"]}
        assert kept.near(c, MISSPELT, 1, None) == kept.near(c, MISSPELT, 5, None)
        assert kept.near(c, MISSPELT, 5, "ru-us") == {"vizas": ["visas"]}


def test_of_many_near_words_the_first_in_the_alphabet_are_offered(engine_of_module: Engine) -> None:
    with transaction(engine_of_module) as c:
        c.execute(delete(tables.read_models))
        words = frozenset(f"visa{letter}" for letter in "abcdefgh")
        stored(c, 1, 1, words, is_name=False, relation="ru-us")
        assert Vocabulary().near(c, ["visax"], 1, None) == {"visax": [f"visa{letter}" for letter in "abcde"]}
