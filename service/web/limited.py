"""What pages that are of the whole record show to a visitor whose key is limited to relations.

A snapshot is the record as its visitor sees it, so a page that forgets the limit is refused and shows nothing.
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
    """Return the first page of relations; of a limited visitor those within the limit, as far as they are on record."""
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
    """Raise Redirect to the page of one relation where a limited visitor has chosen none; Problem (403) without any."""
    reads = visit.visitor.reads
    if reads is None or visit.query.relation is not None:
        return
    if not reads:
        refuse_beyond(visit.visitor, None)
    given = visit.query.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raise Redirect(address(visit.path, **{"relation": reads[0], **given}))
