"""What can be read: one `Resource` for each address, and the `Read` that it is asked with.

A resource is a pure function of a connection, the parameters and a head: it knows nothing of validators, waiting or
what is kept. It is listed once; the lane and the contract both look there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, NoReturn, cast

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.etags import JSON
from service.api.parameters import At, Q, malformed
from service.api.problems import Problem
from service.follower.readings import Point
from service.follower.replicas import Replicas
from service.history_cache import HistoryCache
from service.store import events
from service.store.log import Head


@dataclass(frozen=True)
class Read(Generic[Q]):
    """One reading: of what, with which parameters, up to which head.

    `now` is what a future moment is later than; `histories` are those that are kept of relations. `prefix`: the path
    that the service is served below, for what holds addresses.
    """

    path: Mapping[str, str]
    query: Q
    media_type: str
    head: Head
    now: datetime
    address: str
    histories: HistoryCache
    prefix: str = ""

    @property
    def at_rest(self) -> bool:
        return self.query.is_at_rest(self.head)

    def point(self, c: Connection) -> Point | None:
        """Where a state is read; None for the present. Raises Problem where that is not on record yet."""
        query = cast(At, self.query)
        position = self.head.position
        if query.as_of_position is not None:
            position = self.on_record(query.as_of_position, "as_of_position")
        elif query.known_at is not None:
            position = self.known_at(c, query.known_at, "known_at")
        elif query.effective_on is None:
            return None
        return Point(position, query.effective_on, query.certain)

    def on_record(self, position: int, parameter: str) -> int:
        """A position, where there is one. Raises Problem."""
        if position > self.head.position:
            raise malformed(parameter, f"is beyond the head: the record ends at {self.head.position}")
        return position

    def known_at(self, c: Connection, moment: datetime, parameter: str) -> int:
        """The last position that was on record at a moment. Raises Problem where nobody can know that yet."""
        if moment > self.now:
            raise malformed(parameter, "is in the future: nobody knows what will be known then")
        return min(self.head.position, events.position_at(c, moment))

    def page(self, body: bytes, position: int, representation: int, **more: Any) -> Page:
        more.setdefault("at_rest", self.at_rest)
        if self.prefix and self.media_type != JSON:
            # What is not JSON may hold addresses: below another path it is another representation.
            depends = f"{representation} {self.prefix}".encode()
            representation = int.from_bytes(blake2b(depends, digest_size=6).digest())
        return Page(body, position, representation, media_type=self.media_type, **more)

    def not_found(self) -> NoReturn:
        """Raises Problem."""
        then = isinstance(self.query, At) and self.query.is_past
        raise Problem("not-found", f"Nothing {'was' if then else 'is'} on record under {self.address}.")


Topics = Callable[[Mapping[str, str], Q], Sequence[str]]
Load = Callable[[Connection, Read[Q]], Page]
Drawing = Callable[[bytes, str], bytes]
"""From a document as JSON, and the path that the service is served below, to what a browser shows of it."""


@dataclass(frozen=True)
class Resource(Generic[Q]):
    """What can be read at one address. The docstring of `load` is its text in the contract.

    `topics`: what an answer is computed from. `wakes`: what is worth waking for, where that is less. `is_snapshot`: it
    reads what is stored of the present in more than one query, and wants them all to see the same. `drawn`: which
    of its media types the pages draw better than it does itself, where there are pages. `says_relation`: the relation
    of an answer is known only once it is made, and then its `Page.relation` says it.
    """

    path: str
    query: type[Q]
    load: Load[Q]
    topics: Topics[Q]
    shape: Any = None
    media_types: tuple[str, ...] = (JSON,)
    wakes: Topics[Q] | None = None
    is_snapshot: bool = False
    drawn: str | None = None
    says_relation: bool = False

    @property
    def told_by(self) -> Callable[..., Any]:
        """Whose docstring is the text in the contract."""
        return self.load

    def read(self, copies: Replicas, read: Read[Q]) -> Page:
        is_snapshot, is_past = self.is_snapshot, read.at_rest
        return copies.read(read.head, lambda c: self.load(c, read), is_snapshot=is_snapshot, is_past=is_past)

    def draw(self, copies: Replicas, read: Read[Q], drawing: Drawing) -> Page:
        page = self.read(copies, replace(read, media_type=JSON))
        return read.page(drawing(page.body, read.prefix), page.position, page.representation)
