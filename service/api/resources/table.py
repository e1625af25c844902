"""List every resource that can be read, by its tag in the OpenAPI document. Routes and operations come from here."""

from collections.abc import Mapping, Sequence
from typing import Final

from service.api.resources import (
    citations,
    difference,
    feeds,
    irritants,
    live,
    relations,
    reports,
    rounds,
    search,
    sources,
)
from service.api.responder import Row

TABLE: Final[Mapping[str, Sequence[Row]]] = {
    "irritants": (*irritants.RESOURCES, *difference.RESOURCES),
    "rounds": rounds.RESOURCES,
    "relations": relations.RESOURCES,
    "sources": sources.RESOURCES,
    "reports": reports.RESOURCES,
    "search": search.RESOURCES,
    # Before `/v1/events/{id}`, which would match `live` too.
    "feeds": (live.ROW, *feeds.RESOURCES, *citations.RESOURCES),
}
RESOURCES: Final[Sequence[Row]] = [row for rows in TABLE.values() for row in rows]
