"""Lists of documents in pages, at any point in time: `{items, next, position}`, in the order of the ids."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from service.api.parameters import Cursor, Limit, Query, malformed
from service.api.resources import SHAPES, FoundDocument, Snapshot
from service.domain.catalogue import Kind
from service.domain.history import History
from service.follower.as_of import Point, histories, with_dates_of_undated
from service.projections.document import Document, rendered
from service.projections.stored import STORED
from service.store import events, read_models
from service.store.codec import canonical

DEFAULT_LIMIT: Final = 100
INVALID_CURSOR: Final = "is invalid; send `next` of the page before, or omit it"
_MAX_COMPUTED: Final = 1_000
"""The most documents that a page of an earlier state computes. With a filter it may return fewer than `limit`."""
_BATCH: Final = 50
Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)


class Listing(Document, Generic[Item]):
    """One page of a list. `next` is the cursor of the next page, null on the last.

    `position`: the last event that any item of the whole list is computed from.
    """

    items: tuple[Item, ...]
    next: str | None
    position: int


@dataclass(frozen=True)
class Items(Generic[Model]):
    """One page of a list, with items in JSON. `next` and `position` are as in `Listing`."""

    bodies: Sequence[bytes]
    next: str | None
    position: int
    shape: type[Model]

    @property
    def json(self) -> bytes:
        next = canonical(self.next).encode()
        return b'{"items":[%b],"next":%b,"position":%d}' % (b",".join(self.bodies), next, self.position)

    @property
    def documents(self) -> list[Model]:
        return [self.shape.model_validate_json(body) for body in self.bodies]


class Paged(Query):
    """The page of a list."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None

    @property
    def after(self) -> str | None:
        """The last id of the page before, None on the first page. Raises Problem if the cursor is invalid."""
        if self.cursor is None:
            return None
        try:
            return urlsafe_b64decode(self.cursor.encode("ascii")).decode()
        except ValueError:
            raise malformed("cursor", INVALID_CURSOR) from None


def cursor(key: str) -> str:
    """Return the cursor of the page after an item with this id or key."""
    return urlsafe_b64encode(key.encode()).decode()


def paged(found: Sequence[tuple[str, bytes]], limit: int, position: int, shape: type[Model]) -> Items[Model]:
    """Return one page. `found` has up to `limit + 1` pairs of id and JSON. The last one shows that a page follows."""
    next = cursor(found[limit - 1][0]) if len(found) > limit else None
    return Items([body for _, body in found[:limit]], next, position, shape)


def list_documents(
    snapshot: Snapshot,
    query: Any,
    kind: Kind,
    *,
    relation: str | None = None,
    facets: Mapping[str, str] | None = None,
    changed_after: int = 0,
) -> FoundDocument[Items[Any]]:
    """Return a page of the documents of one kind of stream, filtered. Raises Problem.

    `facets` are the values of fields, for example `{"status": "raised"}`. `changed_after` is a position.
    """
    c, projection, shape, facets = snapshot.c, STORED[kind], SHAPES[kind], facets or {}
    snapshot.on_record(changed_after, "changed_after")
    point = snapshot.point(query)
    position = events.last_position(c, relation=relation, upto=None if point is None else point.position)
    if point is None:
        stored = read_models.page(
            c,
            projection.name,
            projection.representation,
            after=query.after,
            limit=query.limit + 1,
            relation=relation,
            facets=facets,
            changed_after=changed_after,
        )
        items = paged(
            [(document.key, snapshot.with_present_names(projection, document)) for document in stored],
            query.limit,
            position,
            shape,
        )
    else:

        def matches(document: Any) -> bool:
            own = projection.facets(document)
            return document.position > changed_after and facets.items() <= own.items()

        found, last = _first_matching(
            _documents_at(snapshot, query.after or "", relation, kind, point), matches, query.limit
        )
        items = Items(list(map(rendered, found)), cursor(last) if last else None, position, shape)
    return FoundDocument(items, position, projection.representation)


def _first_matching(
    documents: Iterable[tuple[str, Any]], matches: Callable[[Any], bool], limit: int
) -> tuple[list[Any], str | None]:
    """Return up to `limit` documents that match, and the id to continue after. None: the list ends here."""
    found: list[Any] = []
    last = None
    for computed, (id, document) in enumerate(documents):
        if computed == _MAX_COMPUTED:
            return found, last
        if matches(document):
            if len(found) == limit:
                return found, last
            found.append(document)
        last = id
    return found, None


def _documents_at(
    snapshot: Snapshot, after: str, relation: str | None, kind: Kind, point: Point
) -> Iterator[tuple[str, Any]]:
    """Yield the id and the document of each stream of a kind at a point, in the order of ids, after an id.

    Each document is computed when it is needed.
    """
    if relation is None:
        found = _histories(snapshot.c, kind, after, point.position)
    else:
        histories_of_relation = snapshot.histories.of_relation(snapshot.c, relation, point.position)
        found = ((stream, history) for stream, history in histories_of_relation.items() if stream > f"{kind}/{after}")
    for stream, history in found:
        if stream.startswith(f"{kind}/"):
            reading = with_dates_of_undated(snapshot.c, point, [history]).reading(history)
            yield stream.partition("/")[2], STORED[kind].view(reading)


def _histories(c: Connection, kind: Kind, after: str, upto: int) -> Iterator[tuple[str, History[Any]]]:
    """Yield the histories of all streams of a kind, by name, read in batches."""
    while names := events.streams_of_kind(c, kind, after=after, upto=upto, limit=_BATCH):
        yield from histories(c, names, upto).items()
        after = names[-1].partition("/")[2]
