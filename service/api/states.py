"""States: what is stored of the present as it is, the past and what is computed from the log."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.parameters import At
from service.api.resource import Read, Topics
from service.domain.catalogue import Kind
from service.domain.history import Reading
from service.follower import RECORD
from service.follower.readings import Point, Readings, histories, readings_of
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store import read_models

_NONE: Final[Mapping[str, Callable[[Any], str]]] = {}


def member_of(path: Mapping[str, str]) -> str:
    """The id of what an address is of: `ru-us/visas`, `ru-us`."""
    return "/".join(path[part] for part in ("relation", "slug") if part in path)


def of_stream(kind: Kind) -> Topics[Any]:
    """The topic of the one stream that an address is of."""
    return lambda path, _: (f"{kind}/{member_of(path)}",)


def of_relation(path: Mapping[str, str], _query: Any) -> Sequence[str]:
    """The topic of all streams of the relation that an address is of."""
    return (path["relation"],)


def relation_or_record(relation: str | None) -> Sequence[str]:
    """The topic of a list that may be of one relation."""
    return (RECORD if relation is None else relation,)


def one_of(c: Connection, read: Read[At], kind: Kind) -> Page:
    """The document of one stream."""
    projection, member = STORED[kind], member_of(read.path)
    if (point := read.point(c)) is None:
        stored = read_models.get(c, projection.name, projection.representation, member)
        if stored is None:
            read.not_found()
        return read.page(stored.body, stored.position, projection.representation)
    return shown(read, projection.view(reading_of(c, read, kind, point)), projection.representation)


def point_of(c: Connection, read: Read[Any]) -> Point:
    """Where to read what is always computed; the present is at the head. Raises Problem."""
    return read.point(c) or Point(read.head.position)


def reading_of(c: Connection, read: Read[Any], kind: Kind, point: Point) -> Reading[Any]:
    """The stream that an address is of. Raises Problem where it was not on record."""
    stream = f"{kind}/{member_of(read.path)}"
    found = histories(c, [stream], point.position)
    if stream not in found:
        read.not_found()
    return point.reading(found[stream])


def readings(c: Connection, read: Read[Any], point: Point) -> Readings:
    """Every stream of the relation that an address is of. Raises Problem where there was none on record."""
    relation = read.path["relation"]
    found = readings_of(read.histories.of_relation(c, relation, point.position), relation, point)
    if found is None:
        read.not_found()
    return found


def shown(
    read: Read[Any], document: Any, representation: int, texts: Mapping[str, Callable[[Any], str]] = _NONE
) -> Page:
    """A document as JSON, or as one of the texts that are made of it, by their media types. It says its position."""
    text = texts.get(read.media_type)
    body = rendered(document) if text is None else text(document).encode()
    return read.page(body, document.position, representation)
