"""List every resource that can be read, by its tag in the contract. Routes and contract are made from these rows."""

from collections.abc import Mapping, Sequence
from typing import Final

from service.api.resources import difference, feeds, irritants, live, relations, reports, rounds, sources
from service.api.responder import Row

TABLE: Final[Mapping[str, Sequence[Row]]] = {
    "irritants": (*irritants.RESOURCES, *difference.RESOURCES),
    "rounds": rounds.RESOURCES,
    "relations": relations.RESOURCES,
    "sources": sources.RESOURCES,
    "reports": reports.RESOURCES,
    # Before `/v1/events/{id}`, which would match `live` too.
    "feeds": (live.ROW, *feeds.RESOURCES),
}
RESOURCES: Final[Sequence[Row]] = [row for rows in TABLE.values() for row in rows]
