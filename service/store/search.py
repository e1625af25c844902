"""Find stored hits by their words, with the index on the table `read_models`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, cast, exists, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY

from service.store.read_models import Document
from service.store.tables import read_models

Sought: TypeAlias = Sequence[Sequence[tuple[str, bool]]]
"""Groups of words. A hit has at least one word of each group. True beside a word: it also matches longer words that
begin with it."""


class StatusFilter(NamedTuple):
    """Only hits of irritants that have `status` now. The others name the stored documents of irritants."""

    name: str
    representation: int
    status: str


# As in the index, so that the planner recognises it.
_WORDS: Final[ColumnElement[str]] = literal_column(
    "array_to_tsvector(string_to_array(read_models.facets ->> 'words'::text, ' '::text))"
)
_HAS_WORDS: Final = text("(read_models.facets ->> 'words'::text) IS NOT NULL")
_HIT: Final = select(*(read_models.c[name] for name in Document._fields))
_IRRITANTS: Final = read_models.alias("irritants")


def find(
    connection: Connection,
    name: str,
    representation: int,
    sought: Sought,
    *,
    limit: int,
    before: str | None = None,
    relation: str | None = None,
    facets: Mapping[str, str] | None = None,
    status: StatusFilter | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[Document]:
    """Return the hits with a word of each group, by key, the last key first.

    `before` is the key of the last hit of the page before. `first` and `last` are the days within which the event can
    have happened.
    """
    query = _HIT.where(
        read_models.c.name == name,
        read_models.c.representation == representation,
        _HAS_WORDS,
        _WORDS.op("@@")(cast(_as_tsquery(sought), TSQUERY)),
    )
    if before is not None:
        query = query.where(read_models.c.key < before)
    if relation is not None:
        query = query.where(read_models.c.relation == relation)
    for facet, value in (facets or {}).items():
        query = query.where(read_models.c.facets[facet].astext == value)
    if status is not None:
        query = query.where(
            exists().where(
                _IRRITANTS.c.name == status.name,
                _IRRITANTS.c.representation == status.representation,
                _IRRITANTS.c.key == read_models.c.facets["irritant"].astext,
                _IRRITANTS.c.facets["status"].astext == status.status,
            )
        )
    earliest, latest = (read_models.c.facets[end].astext for end in ("earliest", "latest"))
    # A hit with only one of the two days is open at the other end. A hit with neither has no date and does not match.
    if first is not None or last is not None:
        query = query.where(or_(earliest.is_not(None), latest.is_not(None)))
    if first is not None:
        query = query.where(func.coalesce(latest, "9999") >= first.isoformat())
    if last is not None:
        query = query.where(func.coalesce(earliest, "0") <= last.isoformat())
    return [Document(*row) for row in connection.execute(query.order_by(read_models.c.key.desc()).limit(limit))]


def words_of(connection: Connection, name: str, representation: int, *, relation: str | None, limit: int) -> set[str]:
    """Return the words of at most `limit` hits, of one relation or of all: first names, then the newest statements."""
    query = (
        select(read_models.c.facets["words"].astext)
        .where(read_models.c.name == name, read_models.c.representation == representation, _HAS_WORDS)
        .order_by(read_models.c.key.desc())
        .limit(limit)
    )
    if relation is not None:
        query = query.where(read_models.c.relation == relation)
    return {word for words in connection.execute(query).scalars() for word in words.split(" ")}


def _as_tsquery(sought: Sought) -> str:
    """Return the query in the syntax of tsquery. Words consist of letters, marks and digits only."""
    return " & ".join(f"({' | '.join(_lexemes(group))})" for group in sought)


def _lexemes(group: Iterable[tuple[str, bool]]) -> Iterable[str]:
    return (f"'{word}'{':*' if is_prefix else ''}" for word, is_prefix in group)
