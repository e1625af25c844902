"""Describe what can be read: a `Resource` has a path, a query and formats. A `Snapshot` is the record that it reads.

Each file of this package defines resources, for example the board in `relations.py`, and `table.py` lists them all. A
resource becomes a route, an operation of the OpenAPI document, and the data of a web page. Its `find` is a function of
a snapshot, the path parameters and the query parameters. `responder` adds the cache, 304 and waiting.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from service.api import etags, limits
from service.api.auth import Access
from service.api.etags import JSON
from service.api.nearby import addresses_near
from service.api.parameters import AsOfQuery, Q, Query, malformed
from service.api.problems import Problem
from service.domain.actor.names import ActorNames
from service.domain.nearby import similar
from service.domain.streams import is_relation, relation_meant
from service.follower.as_of import Point
from service.follower.vocabulary import Vocabulary
from service.history_cache import HistoryCache
from service.projections.document import Document, rendered
from service.projections.irritant import IrritantDocument
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.stored import Projection
from service.projections.words.past import reading_in_words
from service.store import events
from service.store.codec import StoredEvent
from service.store.engine import DatabaseUnavailable
from service.store.log import Head
from service.store.read_models import Document as StoredDocument

D = TypeVar("D")
Model = TypeVar("Model", bound=BaseModel)
PathParameters = Mapping[str, str]
"""The path parameters of a request: `{"relation": "ru-us", "slug": "visas"}`."""
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VALID: Final[Mapping[str, Callable[[str], object]]] = {
    "relation": is_relation,
    "slug": _SLUG.fullmatch,
    "id": _UUID.fullmatch,
}
"""A function for each path parameter. It returns something true for a value of a valid form."""


SHAPES: Final[Mapping[str, type[Document]]] = {
    "irritant": IrritantDocument,
    "round": RoundDocument,
    "relation": RelationDocument,
}
"""The class of the stored documents of each kind of stream. The document of a stream has the name of its kind."""


@dataclass(frozen=True)
class JsonDocument(Generic[Model]):
    """A document that is stored as JSON. It is parsed only when `document` is used."""

    json: bytes
    shape: type[Model]

    @cached_property
    def document(self) -> Model:
        return self.shape.model_validate_json(self.json)


READ_LATER: Final = "Read it at a later point, or leave the point out to read the present state."
"""What to do if nothing was on record at a point."""
_BEFORE_RELATIONS: Final = ("irritants", "rounds", "relations")
"""The segments of an address after which the id of a relation comes."""


@dataclass(frozen=True)
class FoundDocument(Generic[D]):
    """A document that a resource found.

    `position` is the last event that it is computed from, and `representation` the version of its JSON format.
    `is_final`: it never changes; None: the query decides (`Query.is_final`). `is_end`: it is a page of a feed that has
    no items. `link` is the value of the header Link. `relation` is the relation of the document, if the address does
    not name it.
    """

    document: D
    position: int
    representation: int
    is_final: bool | None = None
    is_end: bool = False
    link: str | None = None
    relation: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """The record up to a head, for one reader, on one connection.

    `address` is the requested path, and `prefix` the path that the service is served below. `is_past`: the request asks
    for an earlier state. `is_current`: the stored documents are those of this head, so they can be served as the
    present state. `rank`: that of the audience to which the record is shown (see `store.audience`). `used`: the
    positions of what the response depends on besides its document, such as the names of actors. The ETag has the
    highest of them.
    """

    c: Connection
    head: Head
    now: datetime
    histories: HistoryCache
    vocabulary: Vocabulary
    reader: Access
    address: str
    prefix: str = ""
    is_past: bool = False
    is_current: bool = True
    rank: int = 0
    used: list[int] = field(default_factory=list)

    def read(self, resource: "Resource[Q, D]", query: Q | None = None, /, **names: str) -> D:
        """Return the document of a resource, in its present state unless the query names an earlier one.

        `names` are the path parameters.

        Raises Problem, with 403 if the reader may not read the resource.
        """
        wanted = resource.query() if query is None else query
        resource.refuse_unreadable(self.reader, names, lambda: wanted, self.address)
        if not have_valid_form(names):
            self.raise_not_found()
        try:
            found = resource.find(self, names, wanted)
        except Problem as problem:
            raise resource.refusal_to_send(self.reader, problem) from None
        resource.refuse_found(self.reader, found.relation)
        return found.document

    def point(self, at: Query) -> Point | None:
        """Return the point that the query names. None means the present, whose documents are stored.

        Raises Problem if the point is in the future.
        """
        if not isinstance(at, AsOfQuery) or not (at.is_past or at.effective_on):
            return None if self.is_current else self.point_at(self.head.position)
        position = self.head.position
        if at.as_of_position is not None:
            position = self.on_record(at.as_of_position, "as_of_position")
        elif at.known_at is not None:
            position = self.known_at(at.known_at, "known_at")
        return self.point_at(position, at.effective_on, certain=at.certain)

    def point_in_log(self, at: Query) -> Point:
        """Return the point that the query names, also for the present. Use it for documents that are not stored.

        Raises Problem if the point is in the future.
        """
        return self.point(at) or self.point_at(self.head.position)

    def point_at(self, position: int, effective_on: date | None = None, *, certain: bool = False) -> Point:
        """Return a point with the names of actors that were known there."""
        return Point(position, effective_on, certain, names=self.names_at(position))

    def reading_in_words(self, at: Query, relation: str | None = None) -> str:
        """Return the sentence on a reading of the past, such as `As known on 6 June 2025. Not the current state.`.

        It is empty for the present, and for a point after which nothing was recorded. The day is that of the last event
        up to the point, of this relation or of all that the reader may read.
        """
        if not isinstance(at, AsOfQuery) or not (at.is_past or at.effective_on):
            return ""
        if not at.is_past:
            return reading_in_words(None, at.effective_on)
        position = self.point_in_log(at).position
        if position >= self.head.position and at.effective_on is None:
            return ""
        day = at.known_at
        if day is None and (last := self.last_event(position, relation)) is not None:
            day = last.recorded_at
        return reading_in_words(day.date() if day else None, at.effective_on)

    def last_event(self, upto: int, relation: str | None = None) -> StoredEvent | None:
        """Return the last event up to a position, of a relation or of all that the reader may read, else None."""
        relations = self.reader.reads or (None,) if relation is None else (relation,)
        last = max(events.last_position(self.c, relation=r, upto=upto) for r in relations)
        return events.read_log(self.c, after=last - 1, upto=last)[0] if last else None

    def recorded_at(self, position: int) -> datetime:
        """Return when the event at a position was recorded. Raises KeyError if the record has no such position."""
        return events.times_of(self.c, position, position)[position]

    def names_at(self, position: int) -> ActorNames:
        """Return the names of actors on record at a position. The ETag of the response then depends on them, too."""
        names = self.histories.naming(self.c, self.head.position).as_of(position)
        self.used.append(names.position)
        return names

    def with_present_names(self, projection: Projection, document: StoredDocument) -> bytes:
        """Return a stored document with the present names of actors. It was stored with the names known by then."""
        names = self.names_at(self.head.position)
        if names.position <= document.position:
            return document.body
        parsed = SHAPES[projection.name].model_validate_json(document.body)
        return rendered(projection.renamed(parsed, names))

    def on_record(self, position: int, parameter: str) -> int:
        """Return the position, or the last one. Raises Problem if the record has no such position yet."""
        if position > self.head.position and position > self.end():
            raise malformed(parameter, f"is beyond the end of the record; send a position up to {self.head.position}")
        return min(position, self.head.position)

    def end(self) -> int:
        """Return the last position of the record. For an audience it can be after the last event that it sees.

        A client can know a later position than that of the head, if the label of the last event was raised.
        """
        return self.head.position if self.rank >= self.head.highest else events.end_of_chain(self.c)

    def known_at(self, moment: datetime, parameter: str) -> int:
        """Return the last position that was on record at a moment. Raises Problem if it is in the future."""
        if moment > self.now:
            raise malformed(parameter, "is in the future; send the present or an earlier time")
        return min(self.head.position, events.position_at(self.c, moment))

    def chain_hash(self, position: int) -> bytes:
        """Return the chain hash at a position. Raises DatabaseUnavailable if a replica does not have it yet."""
        if position == self.head.position:
            return self.head.chain_hash
        chain_hash = events.chain_hash_at(self.c, position)
        if chain_hash is None:
            raise DatabaseUnavailable(
                "this copy of the record does not have the chain hash at the requested position yet"
            )
        return chain_hash

    def history_tag(self, position: int) -> str:
        """Return the part of an ETag that identifies the events up to a position. Raises DatabaseUnavailable."""
        return etags.history(self.head, position, self.chain_hash(position), self.rank)

    def raise_not_found(self) -> NoReturn:
        """Raise Problem (404) with the requested address, and with what to do.

        An address that is misspelt gets the right one or near ones, and a reading of the past a later point.
        """
        remedy = f" {READ_LATER}" if self.is_past else ""
        if meant := address_meant(self.address):
            remedy = f" {try_address(meant)}"
        elif not self.is_past and (near := addresses_near(self.c, self.reader, self.address)):
            remedy = f" {similar(near, 'addresses')}"
        raise Problem("not-found", f"Nothing {'was' if self.is_past else 'is'} on record under {self.address}.{remedy}")


def have_valid_form(names: PathParameters) -> bool:
    """Return whether these path parameters have a valid form."""
    return all(_VALID[name](value) for name, value in names.items())


def address_meant(path: str) -> str | None:
    """Return the path with the right id of the relation, if its codes are in the wrong order or case, else None."""
    parts = path.split("/")
    for place, (before, part) in enumerate(pairwise(parts), 1):
        if before in _BEFORE_RELATIONS and (meant := relation_meant(part)) is not None:
            return "/".join([*parts[:place], meant, *parts[place + 1 :]])
    return None


def try_address(meant: str) -> str:
    """Return the sentence for the result of `address_meant`. It does not say that something is on record there."""
    return f"The codes of a relation are in lower case, in alphabetical order: try {meant}."


def found_at_position(document: Any, representation: int) -> FoundDocument[Any]:
    """Return the result for a document that has a field `position`."""
    return FoundDocument(document, document.position, representation)


def as_json(document: Any, _: object) -> bytes:
    """Return the JSON of a document. Stored JSON is returned unchanged."""
    return rendered(document) if isinstance(document, BaseModel) else bytes(document.json)


Topics = Callable[[PathParameters, Q], Sequence[str]]
"""Returns the topics that a response depends on: streams, relations, or the whole record (see `service.follower`)."""
Find = Callable[[Snapshot, PathParameters, Q], FoundDocument[D]]
"""Finds the document for these path parameters and this query."""


class Presentation(NamedTuple):
    """What a renderer knows besides the document.

    `prefix` is the path that the service is served below. `reading` is the sentence on a reading of the past, or empty.
    `recorded_at` is when the last event of the document was recorded. It is known only for files with properties.
    """

    prefix: str = ""
    reading: str = ""
    recorded_at: datetime | None = None


Body = Callable[[D, Presentation], bytes]
"""Renders a document in one media type."""
_JSON: Final[Mapping[str, Body[Any]]] = {JSON: as_json}


@dataclass(frozen=True)
class Resource(Generic[Q, D]):
    """Something that can be read. The docstring of `find` is its text in the OpenAPI document.

    `topics`: an event on these changes the response. `wakes`: an event on these ends a long poll; by default those of
    `topics`. `shape`: the model of its JSON. `bodies`: a renderer for each media type. `needs_one_transaction`: `find`
    sends several queries, which must see the same state. `relation_is_in_document`: neither path nor query names the
    relation. `path_for_relation`: the path of the same resource for one relation.
    """

    path: str
    query: type[Q]
    find: Find[Q, D]
    topics: Topics[Q]
    shape: Any = None
    bodies: Mapping[str, Body[D]] = field(default_factory=lambda: _JSON)
    wakes: Topics[Q] | None = None
    needs_one_transaction: bool = False
    relation_is_in_document: bool = False
    path_for_relation: str | None = None

    @property
    def media_types(self) -> tuple[str, ...]:
        return tuple(self.bodies)

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.find)

    def refuse_unreadable(
        self, reader: Access, names: PathParameters, query: Callable[[], Query], address: str
    ) -> None:
        """Raise Problem (403) if the reader may not read this address. Call it before a 304 can be sent."""
        if not self.relation_is_in_document:
            limits.refuse_address(reader, names, query, address, self.path_for_relation)

    def refuse_found(self, reader: Access, relation: str | None) -> None:
        """Raise Problem (403) if the reader may not read a document whose relation only the document names."""
        if self.relation_is_in_document and reader.reads is not None and not (relation and reader.may_read(relation)):
            raise limits.unknown_id(reader)

    def refusal_to_send(self, reader: Access, problem: Problem) -> Problem:
        """Return the problem to send. It does not reveal whether a document exists that the reader may not read."""
        is_hidden = problem.name == "not-found" and self.relation_is_in_document and reader.reads is not None
        return limits.unknown_id(reader) if is_hidden else problem
