"""Find stored hits by their words, the newest first, with an index on the table `read_models`.

The index has a lexeme for each word of a hit, and for each value that searches filter by. Each lexeme begins with the
block of the hit: the hits of 16,384 consecutive positions are one block. So a search looks into one block after the
other, from the newest, and stops when its page is full. Without blocks, it would sort all hits with a frequent word.
Hits that name something are fewer, so their blocks are longer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, select, text

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


class HitWords(NamedTuple):
    """The words of a hit. It has none if its event was retracted."""

    key: str
    words: Sequence[str]


_BLOCK: Final = {True: 131_072, False: 16_384}
"""The number of positions of a block: of hits that name something, and of others."""
_MARKS: Final = {True: "!", False: "/"}
"""What stands between the block and the word in a lexeme: a hit names something, or it does not."""
_BEGIN: Final = re.compile(f"[0-9]+[{''.join(_MARKS.values())}]")
_PLACEHOLDER: Final = "@"
"""It stands for the block and the mark in `_as_tsquery`. No word or id has this character."""
_ANY_MONTH: Final = "any"
"""The month of a hit with a long or open span of dates. Searches for any month look at it."""
_LONGEST_SPAN: Final = 3
"""The longest span of the dates of a hit, in months, that the index has month by month."""
_MOST_MONTHS: Final = 36
"""The longest span of dates, in months, for which a search uses the months in the index."""
_MOST_IN_INDEX: Final = 100
"""The most irritants with a status that a search looks for with the index."""
_MOST_IRRITANTS: Final = 2_000
"""The most irritants with a status that a search reads before. Of more, it looks up each one that it finds."""

_FIND: Final = """
SELECT {columns}
  FROM (
    SELECT found.key
      FROM (
        SELECT 1 AS names, '{mark_of_names}' AS mark, block
          FROM generate_series(CAST(:of_names AS bigint), 0, -1) AS block
        UNION ALL
        SELECT 0, '{mark_of_statements}', block
          FROM generate_series(CAST(:of_statements AS bigint), 0, -1) AS block
        ORDER BY names DESC, block DESC
      ) AS part
     CROSS JOIN LATERAL (
       -- Materialized, because the planner would otherwise read the keys in order and compare the words of each hit.
       WITH matching AS MATERIALIZED (
         SELECT hit.key
           FROM read_models AS hit
          -- Only hits have words. With `+ 0` the planner does not use the primary key, which all hits match.
          WHERE (hit.facets ->> 'words'::text) IS NOT NULL AND hit.representation + 0 = :representation
            AND array_to_tsvector(string_to_array(hit.facets ->> 'words'::text, ' '::text))
                @@ CAST(replace(:sought, '{placeholder}', part.block || part.mark) AS tsquery)
            {conditions}
       )
       SELECT key FROM matching ORDER BY key DESC LIMIT :limit
     ) AS found
     ORDER BY part.names DESC, part.block DESC, found.key DESC
     LIMIT :limit
  ) AS page
  JOIN read_models AS document
    ON document.name = :name AND document.representation = :representation AND document.key = page.key
 ORDER BY document.key DESC
"""
_PARTS: Final = {
    "columns": ", ".join(f"document.{name}" for name in Document._fields),
    "mark_of_names": _MARKS[True],
    "mark_of_statements": _MARKS[False],
    "placeholder": _PLACEHOLDER,
}
"""The constant parts of `_FIND`."""
_BEFORE: Final = "AND hit.key < :before"
# A hit with only one of the two days is open at the other end. A hit with neither has no date and does not match.
_DATED: Final = "AND coalesce(hit.facets ->> 'latest', hit.facets ->> 'earliest') IS NOT NULL"
_FIRST: Final = f"{_DATED} AND coalesce(hit.facets ->> 'latest', '9999') >= :first"
_LAST: Final = f"{_DATED} AND coalesce(hit.facets ->> 'earliest', '0') <= :last"
_OF_IRRITANTS: Final = "AND hit.facets ->> 'irritant' = ANY(CAST(:irritants AS text[]))"
# Not EXISTS, for which the planner can search for the words once for each irritant with the status.
_STATUS: Final = """
AND (SELECT irritant.facets ->> 'status' FROM read_models AS irritant
      WHERE irritant.name = :irritant AND irritant.representation = :of_irritant
        AND irritant.key = hit.facets ->> 'irritant') = :status
"""


def key_of(position: int, *, is_name: bool) -> str:
    """Return the key of a hit. In the order of keys, hits that name something are the last, and newer hits are later.

    Searches return keys from the last to the first.
    """
    return f"{is_name:d}{position:019d}"


def lexemes(
    position: int, words: Iterable[str], facets: Mapping[str, str], *, is_name: bool, relation: str | None
) -> str:
    """Return the facet `words` of a hit: its lexemes for the index, separated by blanks, with the words first.

    `facets`: the values by which hits are filtered, with `earliest` and `latest` as days.
    """
    filters = [_filter(name, value) for name, value in facets.items() if name not in ("earliest", "latest")]
    filters += (_filter("month", month) for month in _months_of(facets.get("earliest"), facets.get("latest")))
    if relation is not None:
        filters.append(_filter("relation", relation))
    begin = f"{_block(position, is_name=is_name)}{_MARKS[is_name]}"
    return " ".join(f"{begin}{lexeme}" for lexeme in (*sorted(words), *sorted(filters)))


def _block(position: int, *, is_name: bool) -> int:
    return position // _BLOCK[is_name]


def _filter(name: str, value: str) -> str:
    return f"#{name}:{value}"


def _months_of(earliest: str | None, latest: str | None) -> Iterable[str]:
    """Return the months of a span of days. It is empty without a day, and `any` for a long or open span."""
    if earliest is None and latest is None:
        return ()
    if earliest is None or latest is None:
        return (_ANY_MONTH,)
    months = list(_months(date.fromisoformat(earliest), date.fromisoformat(latest), _LONGEST_SPAN))
    return months if len(months) <= _LONGEST_SPAN else (_ANY_MONTH,)


def _months(first: date, last: date, most: int) -> Iterator[str]:
    """Yield the months from one day to another, such as `2025-04`. Stop after one more than `most`."""
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    for month in range(begin, min(end, begin + most) + 1):
        yield f"{month // 12:04d}-{month % 12 + 1:02d}"


def find(
    connection: Connection,
    name: str,
    representation: int,
    sought: Sought,
    *,
    newest: int,
    limit: int,
    before: str | None = None,
    relation: str | None = None,
    facets: Mapping[str, str] | None = None,
    status: StatusFilter | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[Document]:
    """Return the hits with a word of each group, by key, the last key first.

    `newest` is the last position of the record, and `before` the key of the last hit of the page before. `first` and
    `last` are the days within which the event can have happened.
    """
    groups = [*sought, *([(_filter(*value), False)] for value in (facets or {}).items())]
    if relation is not None:
        groups.append([(_filter("relation", relation), False)])
    conditions: list[str] = []
    values: dict[str, Any] = {"name": name, "representation": representation, "limit": limit}
    if first is not None and last is not None:
        months = list(_months(first, last, _MOST_MONTHS))
        if len(months) <= _MOST_MONTHS:
            groups.append([(_filter("month", month), False) for month in (*months, _ANY_MONTH)])
    if first is not None:
        conditions.append(_FIRST)
        values["first"] = first.isoformat()
    if last is not None:
        conditions.append(_LAST)
        values["last"] = last.isoformat()
    if status is not None:
        irritants = _irritants_with(connection, status)
        if not irritants:
            return []
        if len(irritants) <= _MOST_IN_INDEX:
            groups.append([(_filter("irritant", irritant), False) for irritant in irritants])
        else:
            groups.append([(_filter("irritant", ""), True)])  # a hit on any irritant
            if len(irritants) <= _MOST_IRRITANTS:
                conditions.append(_OF_IRRITANTS)
                values["irritants"] = irritants
            else:
                conditions.append(_STATUS)
                values |= {"irritant": status.name, "of_irritant": status.representation, "status": status.status}
    of_names, of_statements = _block(newest, is_name=True), _block(newest, is_name=False)
    if before is not None:
        conditions.append(_BEFORE)
        values["before"], position = before, int(before[1:])
        if before.startswith("1"):
            of_names = _block(position, is_name=True)
        else:
            of_names, of_statements = -1, _block(position, is_name=False)  # all names come before all statements
    values |= {"of_names": of_names, "of_statements": of_statements}
    values["sought"] = _as_tsquery(groups)
    query = text(_FIND.format(**_PARTS, conditions=" ".join(conditions)))
    return [Document(*row) for row in connection.execute(query, values)]


def _irritants_with(connection: Connection, status: StatusFilter) -> list[str]:
    """Return the ids of irritants with a status, at most one more than `_MOST_IRRITANTS`."""
    query = select(read_models.c.key).where(
        read_models.c.name == status.name,
        read_models.c.representation == status.representation,
        read_models.c.facets["status"].astext == status.status,
    )
    return list(connection.execute(query.limit(_MOST_IRRITANTS + 1)).scalars())


def words_of(
    connection: Connection,
    name: str,
    representation: int,
    *,
    relation: str | None = None,
    changed_after: int | None = None,
    limit: int,
) -> list[HitWords]:
    """Return the words of at most `limit` hits, the last key first: first of names, then of the newest statements.

    With `changed_after`, return those that changed after this position, also hits that have no words any more.
    """
    column = read_models.c.facets["words"].astext
    query = select(read_models.c.key, column).where(
        read_models.c.name == name, read_models.c.representation == representation
    )
    query = query.where(column.is_not(None) if changed_after is None else read_models.c.position > changed_after)
    if relation is not None:
        query = query.where(read_models.c.relation == relation)
    # Changes are few, and have an index by position. Without an order by key, the planner uses it.
    last_first = read_models.c.key.desc() if changed_after is None else read_models.c.position
    rows = connection.execute(query.order_by(last_first).limit(limit))
    return [HitWords(key, _words_in(indexed) if indexed else []) for key, indexed in rows]


def _words_in(indexed: str) -> list[str]:
    """Return the words in the facet `words` of a hit: without their block, and without the values of filters."""
    begin = _BEGIN.match(indexed)
    assert begin is not None, indexed
    words = f" {indexed}".partition(f" {begin[0]}#")[0]
    return words.split(f" {begin[0]}")[1:]


def _as_tsquery(groups: Sought) -> str:
    """Return a query in the syntax of tsquery, with a placeholder for block and mark at the beginning of each lexeme.

    No word and no value of a filter has a quotation mark.
    """
    return " & ".join(f"({' | '.join(map(_lexeme, group))})" for group in groups)


def _lexeme(word: tuple[str, bool]) -> str:
    lexeme, is_prefix = word
    return f"'{_PLACEHOLDER}{lexeme}'{':*' if is_prefix else ''}"
