"""What pages of the whole record show to a visitor whose key is limited to relations.

A snapshot refuses what is beyond the limit, so a page that ignores the limit shows nothing.
"""

from collections.abc import Sequence
from typing import Any

from service.api.limits import refuse_beyond
from service.api.parameters import At
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import LIST, ONE, RelationsQuery
from service.projections.relation import RelationDocument
from service.web.pages import PageRequest, Redirect, address


def relations(visit: PageRequest[Any], snapshot: Snapshot) -> Sequence[RelationDocument]:
    """Return the first page of relations; for a limited visitor those of the key that are on record."""
    if visit.visitor.reads is None:
        return snapshot.read(LIST, visit.at_point(RelationsQuery)).documents
    found = []
    for relation in visit.visitor.reads:
        try:
            found.append(snapshot.read(ONE, visit.at_point(At), relation=relation).document)
        except Problem as problem:
            if problem.name != "not-found":
                raise
    return found


def to_one_relation(visit: PageRequest[Any]) -> None:
    """Redirect a limited visitor who chose no relation to the first. Raises Redirect and Problem (403)."""
    reads = visit.visitor.reads
    if reads is None or visit.query.relation is not None:
        return
    if not reads:
        refuse_beyond(visit.visitor, None)
    given = visit.query.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raise Redirect(address(visit.path, **{"relation": reads[0], **given}))
