"""What pages that are of the whole record show to a visitor whose key is limited to relations.

Every document is asked for in the visitor's name, so a page that forgets the limit is refused and shows nothing.
"""

from collections.abc import Sequence
from typing import Any

from service.api.limits import refuse_beyond
from service.api.listing import Listing
from service.api.problems import Problem
from service.projections.relation import RelationDocument
from service.web.visit import Moved, Visit, address


async def relations(visit: Visit[Any]) -> Sequence[RelationDocument]:
    """Return the first page of relations; of a limited visitor those within the limit, as far as they are on record."""
    if visit.visitor.reads is None:
        return (await visit.at_point("/v1/relations", Listing[RelationDocument])).items
    found = []
    for relation in visit.visitor.reads:
        try:
            found.append(await visit.at_point(f"/v1/relations/{relation}", RelationDocument))
        except Problem as problem:
            if problem.name != "not-found":
                raise
    return found


def to_one_relation(visit: Visit[Any]) -> None:
    """Raise Moved to the page of one relation where a limited visitor has chosen none; Problem (403) without any."""
    reads = visit.visitor.reads
    if reads is None or visit.query.relation is not None:
        return
    if not reads:
        refuse_beyond(visit.visitor, None)
    given = visit.query.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raise Moved(address(visit.path, **{"relation": reads[0], **given}))
