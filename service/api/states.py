"""States of one thing: what is stored of the present as it is, the past from the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.parameters import At
from service.api.reading import Read, Topics
from service.domain.catalogue import Kind
from service.follower import RECORD
from service.follower.readings import histories
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store import read_models


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
    stream = f"{kind}/{member}"
    found = histories(c, [stream], point.position)
    if stream not in found:
        read.not_found()
    document = projection.view(point.reading(found[stream]))
    return read.page(rendered(document), document.position, projection.representation)
