"""Read and write stored documents: the results of projections, as the JSON bytes that a response sends.

`log.append` writes them together with the events that changed them, so they are never behind the head. Every document
can be deleted and built again from the log (see `service.read_models`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Connection, Text, bindparam, cast, column, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from service.store.codec import to_json
from service.store.tables import FACETS, read_models


class Document(NamedTuple):
    """A row of the table `read_models`.

    `name` is the kind of document, such as `irritant`, and `key` its id, such as `ru-us/visas`. `position` is the last
    event that it is computed from. `facets` are the values by which lists filter. `representation` is the version of
    the fields in `body`. Documents of a new version are stored beside those of the old one.
    """

    name: str
    representation: int
    key: str
    relation: str
    position: int
    facets: Mapping[str, Any]
    body: bytes


_DOCUMENT: Final = select(*(read_models.c[name] for name in Document._fields))


def get(connection: Connection, name: str, representation: int, key: str) -> Document | None:
    """Return a document, None if it is not stored."""
    query = _DOCUMENT.where(
        read_models.c.name == name, read_models.c.representation == representation, read_models.c.key == key
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Document(*row)


def page(
    connection: Connection,
    name: str,
    representation: int,
    *,
    after: str | None = None,
    limit: int | None = None,
    relation: str | None = None,
    facets: Mapping[str, str] | None = None,
    changed_after: int | None = None,
) -> list[Document]:
    """Return a page of documents in the order of keys, after a key, that match all filters."""
    query = _DOCUMENT.where(read_models.c.name == name, read_models.c.representation == representation)
    if after is not None:
        query = query.where(read_models.c.key > after)
    if relation is not None:
        query = query.where(read_models.c.relation == relation)
    for facet, value in (facets or {}).items():
        assert facet in FACETS, facet  # other facets have no index
        query = query.where(read_models.c.facets[facet].astext == value)
    if changed_after is not None:
        query = query.where(read_models.c.position > changed_after)
    return [Document(*row) for row in connection.execute(query.order_by(read_models.c.key).limit(limit))]


def last_by_key(
    connection: Connection, name: str, representation: int, *, relation: str | None = None, limit: int
) -> list[Document]:
    """Return the documents with the last keys, the last one first. Keys are sorted as texts."""
    query = _DOCUMENT.where(read_models.c.name == name, read_models.c.representation == representation)
    if relation is not None:
        query = query.where(read_models.c.relation == relation)
    return [Document(*row) for row in connection.execute(query.order_by(read_models.c.key.desc()).limit(limit))]


def store(connection: Connection, documents: Iterable[Document]) -> None:
    """Write documents outside an append. They never replace a newer document."""
    rows = list(documents)
    if rows:
        columns = {name: [getattr(row, name) for row in rows] for name in Document._fields}
        connection.execute(_STORE, {**columns, "facets": [to_json(row.facets).decode() for row in rows]})


def _upsert() -> Insert:
    """Return the statement of `store`. It takes an array for each column, which is faster than a statement per row."""
    types = {name: Text() if name == "facets" else read_models.c[name].type for name in Document._fields}
    given = func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()))
    rows = given.table_valued(*(column(name, kind) for name, kind in types.items())).render_derived("document")
    values = [cast(rows.c.facets, JSONB) if name == "facets" else rows.c[name] for name in types]
    new = insert(read_models).from_select(list(types), select(*values))
    changed = {name: new.excluded[name] for name in ("relation", "position", "facets", "body")}
    not_newer = read_models.c.position <= new.excluded.position
    return new.on_conflict_do_update(constraint=read_models.primary_key, set_=changed, where=not_newer)


_STORE: Final = _upsert()


def remove(connection: Connection, documents: Iterable[Document]) -> None:
    """Delete these documents, except those that have another position now."""
    for document in documents:
        unchanged = (
            read_models.c[name] == getattr(document, name) for name in ("name", "representation", "key", "position")
        )
        connection.execute(delete(read_models).where(*unchanged))


def between(
    connection: Connection, name: str, representation: int, first: int, last: int, *, limit: int | None = None
) -> list[Document]:
    """Return documents with positions in this range, in order.

    Use it only for documents that never change, because a change moves a document to a later position.
    """
    query = _DOCUMENT.where(
        read_models.c.name == name,
        read_models.c.representation == representation,
        read_models.c.position.between(first, last),
    )
    return [Document(*row) for row in connection.execute(query.order_by(read_models.c.position).limit(limit))]


def at(connection: Connection, positions: Iterable[int]) -> list[Document]:
    """Return the documents of all names and representations that have one of these positions."""
    query = _DOCUMENT.where(
        read_models.c.position == func.any(bindparam("positions", list(positions), ARRAY(BigInteger)))
    )
    return [Document(*row) for row in connection.execute(query)]


def beyond(connection: Connection, position: int) -> list[Document]:
    """Return the documents of all names and representations with a later position than this one."""
    return [Document(*row) for row in connection.execute(_DOCUMENT.where(read_models.c.position > position))]
