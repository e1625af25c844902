"""Lists of documents: `{items, next, position}`, by the key of the items, the same in the present and in the past."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.parameters import Cursor, Limit, Query, malformed
from service.api.resource import Read
from service.domain.catalogue import Kind
from service.domain.history import History
from service.follower.readings import Point, histories
from service.projections.document import Document, rendered
from service.projections.stored import STORED
from service.store import events, read_models
from service.store.codec import canonical

DEFAULT_LIMIT: Final = 100
_LOOKED_AT: Final = 1_000
"""Documents that a page in the past looks at, whose filter may let few of them through; then it ends before its end."""
_AT_ONCE: Final = 50
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
    projection, facets, limit = STORED[kind], facets or {}, read.query.limit
    read.on_record(changed_after, "changed_after")
    point = read.point(c)
    position = events.last_position(c, relation=relation, upto=None if point is None else point.position)
    if point is None:
        stored = read_models.page(
            c,
            projection.name,
            projection.representation,
            after=read.query.after,
            limit=limit + 1,
            relation=relation,
            facets=facets,
            changed_after=changed_after,
        )
        body = paged([(document.key, document.body) for document in stored], limit, position)
    else:

        def fits(document: Any) -> bool:
            known = projection.facets(document)
            return document.position > changed_after and facets.items() <= known.items()

        found, last = _found(_documents_at(c, read, relation, kind, point), fits, limit)
        body = listed(map(rendered, found), cursor(last) if last else None, position)
    return read.page(body, position, projection.representation)


def _found(
    documents: Iterable[tuple[str, Any]], fits: Callable[[Any], bool], limit: int
) -> tuple[list[Any], str | None]:
    """Those that fit, and the id to go on after; None where there are no more. Looks at a bounded number."""
    found: list[Any] = []
    last = None
    for looked_at, (id, document) in enumerate(documents):
        if looked_at == _LOOKED_AT:
            return found, last
        if fits(document):
            if len(found) == limit:
                return found, last
            found.append(document)
        last = id
    return found, None


def _documents_at(
    c: Connection, read: Read[Any], relation: str | None, kind: Kind, point: Point
) -> Iterator[tuple[str, Any]]:
    """The documents of a kind as they read at a point, by id, after the page before; each made as it is asked for."""
    after = read.query.after or ""
    if relation is None:
        found = _histories(c, kind, after, point.position)
    else:
        kept = read.histories.of_relation(c, relation, point.position)
        found = ((stream, history) for stream, history in kept.items() if stream > f"{kind}/{after}")
    for stream, history in found:
        if stream.startswith(f"{kind}/"):
            yield stream.partition("/")[2], STORED[kind].view(point.reading(history))


def _histories(c: Connection, kind: Kind, after: str, upto: int) -> Iterator[tuple[str, History[Any]]]:
    """Streams of the whole record, by name, a few at a time."""
    while names := events.named(c, kind, after=after, upto=upto, limit=_AT_ONCE):
        yield from histories(c, names, upto).items()
        after = names[-1].partition("/")[2]
