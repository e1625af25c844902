"""Help pages of the whole record to serve a visitor whose key is limited to some relations.

The snapshot refuses to read other relations. So these pages read only the relations of the key.
"""

from collections.abc import Sequence
from typing import Any

from service.api.limits import refuse_unreadable
from service.api.parameters import AsOfQuery
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import LIST, ONE, RelationsQuery
from service.projections.relation import RelationDocument
from service.web.pages import PageRequest, Redirect, address


def readable_relations(visit: PageRequest[Any], snapshot: Snapshot) -> Sequence[RelationDocument]:
    """Return the relations on record, or their first page. A limited visitor gets those of the key."""
    if visit.visitor.reads is None:
        return snapshot.read(LIST, visit.at_point(RelationsQuery)).documents
    relations = []
    for relation in visit.visitor.reads:
        try:
            relations.append(snapshot.read(ONE, visit.at_point(AsOfQuery), relation=relation).document)
        except Problem as problem:
            if problem.name != "not-found":
                raise
    return relations


def redirect_to_own_relation(visit: PageRequest[Any]) -> None:
    """Raise Redirect to the first relation of the key if a limited visitor chose none.

    Raises Problem (403) if the key has none.
    """
    reads = visit.visitor.reads
    if reads is None or visit.query.relation is not None:
        return
    if not reads:
        refuse_unreadable(visit.visitor, None)
    parameters = visit.query.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raise Redirect(address(visit.path, **{"relation": reads[0], **parameters}))
