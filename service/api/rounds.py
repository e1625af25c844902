"""Rounds: the list, and each one."""

from typing import Final

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, list_documents
from service.api.parameters import At, RelationId
from service.api.reading import Read, Resource
from service.api.routes import routes
from service.api.states import of_stream, one_of, relation_or_record
from service.projections.round import RoundDocument


class RoundsQuery(At, Paged):
    """Which rounds."""

    relation: RelationId | None = None


def _list(c: Connection, read: Read[RoundsQuery]) -> Page:
    """Rounds, by id."""
    return list_documents(c, read, "round", relation=read.query.relation)


def _one(c: Connection, read: Read[At]) -> Page:
    """One round: how far it has come and who says so, where, when, led by whom, in whose words."""
    return one_of(c, read, "round")


RESOURCES: Final = (
    Resource(
        "/v1/rounds",
        RoundsQuery,
        _list,
        lambda _, query: relation_or_record(query.relation),
        shape=Listing[RoundDocument],
        is_snapshot=True,
    ),
    Resource("/v1/rounds/{relation}/{slug}", At, _one, of_stream("round"), shape=RoundDocument),
)
router = routes(RESOURCES, "rounds")
