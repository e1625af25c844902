"""Read and write the stored documents of audiences where they differ from those of the whole record."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from service.store.read_models import Document
from service.store.tables import events, variants, withheld


class Variant(NamedTuple):
    """A document as an audience sees it, because it differs from that of the whole record.

    `rank`: of the audience. `stream`: the stream from which it is made. `is_hidden`: the audience has no such document.
    """

    rank: int
    stream: str
    document: Document
    is_hidden: bool = False


def variants_of(connection: Connection, stream: str) -> list[Variant]:
    """Return the stored variants of all documents of a stream."""
    columns = (variants.c.rank, *(variants.c[name] for name in Document._fields))
    found = connection.execute(select(*columns).where(variants.c.stream == stream))
    return [
        Variant(rank, stream, Document._make([*fields, body or b""]), is_hidden=body is None)
        for rank, *fields, body in found
    ]


def withheld_streams(connection: Connection, rank: int) -> list[str]:
    """Return the names of the streams with an event above a rank."""
    query = select(events.c.stream).distinct().join(withheld, withheld.c.position == events.c.position)
    return sorted(connection.execute(query.where(withheld.c.rank > rank)).scalars())


def store_variants(connection: Connection, changed: Iterable[Variant]) -> None:
    """Write variants outside an append. They never replace a newer one."""
    for variant in changed:
        row = {"rank": variant.rank, "stream": variant.stream, **variant.document._asdict()}
        row["body"] = None if variant.is_hidden else variant.document.body
        new = insert(variants).values(row)
        replaced = {name: new.excluded[name] for name in ("stream", "relation", "position", "facets", "body")}
        not_newer = variants.c.position <= new.excluded.position
        connection.execute(new.on_conflict_do_update(constraint=variants.primary_key, set_=replaced, where=not_newer))


def remove_variants(connection: Connection, stray: Iterable[Variant]) -> None:
    """Delete these variants, except those that have another position now."""
    for variant in stray:
        known = {"rank": variant.rank, **variant.document._asdict()}
        same = (variants.c[name] == known[name] for name in ("rank", "name", "representation", "key", "position"))
        connection.execute(delete(variants).where(*same))


def forget_variants(connection: Connection, stream: str) -> None:
    """Delete the variants of all documents of a stream, in all representations."""
    connection.execute(delete(variants).where(variants.c.stream == stream))
