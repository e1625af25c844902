"""Lists of documents: `{items, next, position}`, by the key of the items, the same in the present and in the past."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.parameters import Cursor, Limit, Query, malformed
from service.api.resource import Read
from service.domain.catalogue import Kind
from service.follower.readings import Point, histories_of
from service.projections.document import Document, rendered
from service.projections.stored import STORED
from service.store import events, read_models
from service.store.codec import canonical

DEFAULT_LIMIT: Final = 100
Item = TypeVar("Item")


class Listing(Document, Generic[Item]):
    """One page of a list. `next` is the cursor of the page after it, null on the last.

    `position`: the last event that any item of the list, on this page or not, is computed from.
    """

    items: tuple[Item, ...]
    next: str | None
    position: int


class Paged(Query):
    """Which page of a list."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None

    @property
    def after(self) -> str | None:
        """The key that the page before ended with. Raises Problem where the cursor is not one of ours."""
        if self.cursor is None:
            return None
        try:
            return urlsafe_b64decode(self.cursor.encode("ascii")).decode()
        except ValueError:
            raise malformed("cursor", "is none that this service gave") from None


def listed(bodies: Iterable[bytes], next: str | None, position: int) -> bytes:
    """A list whose items are rendered already."""
    return b'{"items":[%b],"next":%b,"position":%d}' % (b",".join(bodies), canonical(next).encode(), position)


def cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode()


def paged(found: Sequence[tuple[str, bytes]], limit: int, position: int) -> bytes:
    """One page of what was found, by key, and looked for one further than the page is long."""
    more = len(found) > limit
    return listed((body for _, body in found[:limit]), cursor(found[limit - 1][0]) if more else None, position)


def list_documents(
    c: Connection,
    read: Read[Any],
    kind: Kind,
    *,
    relation: str | None = None,
    facets: Mapping[str, str] | None = None,
    changed_after: int = 0,
) -> Page:
    """A page of the documents of one kind that have these facets and changed after a position."""
    projection, facets = STORED[kind], facets or {}
    read.on_record(changed_after, "changed_after")
    if (point := read.point(c)) is None:
        stored = read_models.page(
            c,
            projection.name,
            projection.representation,
            after=read.query.after,
            limit=read.query.limit + 1,
            relation=relation,
            facets=facets,
            changed_after=changed_after,
        )
        found = [(document.key, document.body) for document in stored]
        position = events.last_position(c, relation=relation)
    else:
        found = [
            (id, rendered(document))
            for id, document in _documents_at(c, read, relation, kind, point).items()
            if id > (read.query.after or "")
            and document.position > changed_after
            and facets.items() <= projection.facets(document).items()
        ]
        position = events.last_position(c, relation=relation, upto=point.position)
    return read.page(paged(found, read.query.limit, position), position, projection.representation)


def _documents_at(c: Connection, read: Read[Any], relation: str | None, kind: Kind, point: Point) -> dict[str, Any]:
    """Every document of a kind as it read at a point, by its id."""
    if relation is None:
        found = histories_of(c, kind, point.position)
    else:
        found = read.histories.of_relation(c, relation, point.position)
    of_kind = ((stream, history) for stream, history in found.items() if stream.startswith(f"{kind}/"))
    return {stream.partition("/")[2]: STORED[kind].view(point.reading(history)) for stream, history in of_kind}
