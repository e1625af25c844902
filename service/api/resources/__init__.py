"""A `Resource` is one row of the table of what can be read. A `Snapshot` is what its query reads from.

A row gives the route, the operation in the contract, the conditional response and the documents of the pages. A query
is a function of a snapshot, the path parameters and the query parameters. `responder` does the rest: validators,
waiting and the cache.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, NoReturn, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from service.api import etags, limits
from service.api.auth import Access
from service.api.etags import JSON
from service.api.parameters import At, Q, Query, malformed
from service.api.problems import Problem
from service.domain.streams import is_relation
from service.follower.as_of import Point
from service.history_cache import HistoryCache
from service.projections.document import rendered
from service.store import events
from service.store.engine import DatabaseUnavailable
from service.store.log import Head

D = TypeVar("D")
Model = TypeVar("Model", bound=BaseModel)
Names = Mapping[str, str]
"""The path parameters of a request: `{"relation": "ru-us", "slug": "visas"}`."""
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMES: Final[Mapping[str, Callable[[str], object]]] = {
    "relation": is_relation,
    "slug": _SLUG.fullmatch,
    "id": _UUID.fullmatch,
}


@dataclass(frozen=True)
class Stored(Generic[Model]):
    """A document whose JSON is stored. It is parsed only when `document` is used."""

    json: bytes
    shape: type[Model]

    @cached_property
    def document(self) -> Model:
        return self.shape.model_validate_json(self.json)


@dataclass(frozen=True)
class Found(Generic[D]):
    """The result of a query.

    `position` is the last event that the document is computed from, and `representation` the version of its shape.
    `is_final`: it never changes. None leaves that to the parameters. `is_end`: the page of a feed has no items.
    `link` is the value of the header Link. `relation` is set if the address does not name the relation.
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
    """The record as one reader sees it, up to a head, on one connection.

    `address` is the requested path, and `prefix` the path that the service is served below. `is_past`: the request is
    for an earlier point. `is_current`: the stored documents belong to this head.
    """

    c: Connection
    head: Head
    now: datetime
    histories: HistoryCache
    reader: Access
    address: str
    prefix: str = ""
    is_past: bool = False
    is_current: bool = True

    def read(self, resource: "Resource[Q, D]", query: Q | None = None, /, **names: str) -> D:
        """Return the document of a resource, at the present point unless the query names another.

        Raises Problem, with 403 if the resource is beyond the limit of the reader.
        """
        asked = resource.query() if query is None else query
        resource.refuse_beyond(self.reader, names, lambda: asked, self.address)
        if not are_names(names):
            self.not_found()
        try:
            found = resource.find(self, names, asked)
        except Problem as problem:
            raise resource.hidden(self.reader, problem) from None
        resource.refuse_found(self.reader, found.relation)
        return found.document

    def point(self, at: Query) -> Point | None:
        """Return the point at which to read a state. None is the present, whose documents are stored.

        Raises Problem if the point is in the future.
        """
        if not isinstance(at, At) or not (at.is_past or at.effective_on):
            return None if self.is_current else Point(self.head.position)
        position = self.head.position
        if at.as_of_position is not None:
            position = self.on_record(at.as_of_position, "as_of_position")
        elif at.known_at is not None:
            position = self.known_at(at.known_at, "known_at")
        return Point(position, at.effective_on, at.certain)

    def point_in_log(self, at: Query) -> Point:
        """Return the point at which to read a document that is not stored. Raises Problem."""
        return self.point(at) or Point(self.head.position)

    def on_record(self, position: int, parameter: str) -> int:
        """Return the position. Raises Problem if it is beyond the head."""
        if position > self.head.position:
            raise malformed(parameter, f"is beyond the end of the record; use a position up to {self.head.position}")
        return position

    def known_at(self, moment: datetime, parameter: str) -> int:
        """Return the last position that was on record at a moment. Raises Problem if it is in the future."""
        if moment > self.now:
            raise malformed(parameter, "is in the future; use the present or an earlier moment")
        return min(self.head.position, events.position_at(self.c, moment))

    def chain_hash(self, position: int) -> bytes:
        """Return the chain hash at a position. Raises DatabaseUnavailable if this copy of the record lacks it."""
        if position == self.head.position:
            return self.head.chain_hash
        chain_hash = events.chain_hash_at(self.c, position)
        if chain_hash is None:
            raise DatabaseUnavailable(
                "this copy of the record does not have the chain hash at the requested position yet"
            )
        return chain_hash

    def history(self, position: int) -> str:
        """Return the part of an entity tag that identifies the history up to a position. Raises DatabaseUnavailable."""
        return etags.history(self.head.record, position, self.chain_hash(position))

    def not_found(self) -> NoReturn:
        """Raise Problem (404) with the requested address."""
        raise Problem("not-found", f"Nothing {'was' if self.is_past else 'is'} on record under {self.address}.")


def are_names(names: Names) -> bool:
    """Return whether these path parameters have a valid form."""
    return all(_NAMES[name](value) for name, value in names.items())


def found(document: Any, representation: int) -> Found[Any]:
    """Return the result for a document that has a field `position`."""
    return Found(document, document.position, representation)


def as_json(document: Any, _prefix: str) -> bytes:
    """Return the JSON of a document. Stored JSON is returned as it is."""
    return rendered(document) if isinstance(document, BaseModel) else bytes(document.json)


Topics = Callable[[Names, Q], Sequence[str]]
Find = Callable[[Snapshot, Names, Q], Found[D]]
Body = Callable[[D, str], bytes]
"""Renders a document in one media type. The second argument is the path that the service is served below."""
_JSON: Final[Mapping[str, Body[Any]]] = {JSON: as_json}


@dataclass(frozen=True)
class Resource(Generic[Q, D]):
    """One resource. The docstring of `find` is its text in the contract.

    `topics`: the streams or relations whose events change the response. `wakes`: those that end a long poll, if they
    are fewer. `shape`: the model of its JSON. `bodies`: its media types, each with its renderer. `is_snapshot`: its
    queries read stored documents and must run in one transaction. `says_relation`: the relation is known only after the
    document was found. `of_one`: the path of the same resource for one relation.
    """

    path: str
    query: type[Q]
    find: Find[Q, D]
    topics: Topics[Q]
    shape: Any = None
    bodies: Mapping[str, Body[D]] = field(default_factory=lambda: _JSON)
    wakes: Topics[Q] | None = None
    is_snapshot: bool = False
    says_relation: bool = False
    of_one: str | None = None

    @property
    def media_types(self) -> tuple[str, ...]:
        return tuple(self.bodies)

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.find)

    def refuse_beyond(self, reader: Access, names: Names, query: Callable[[], Query], address: str) -> None:
        """Raise Problem (403) if this is beyond the limit of a reader. Call it before a validator is compared."""
        if not self.says_relation:
            limits.refuse_address(reader, names, query, address, self.of_one)

    def refuse_found(self, reader: Access, relation: str | None) -> None:
        """Raise Problem (403) as `refuse_beyond`, for a document whose relation is known only after it was found."""
        if self.says_relation and reader.reads is not None and not (relation and reader.may_read(relation)):
            raise limits.not_within(reader)

    def hidden(self, reader: Access, problem: Problem) -> Problem:
        """Return the refusal to send. It must not reveal whether a document exists beyond the limit of the reader."""
        is_hidden = problem.name == "not-found" and self.says_relation and reader.reads is not None
        return limits.not_within(reader) if is_hidden else problem
