"""Every resource that is read, by its tag in the contract. Routes, limits and the contract follow from these rows."""

from collections.abc import Mapping, Sequence
from typing import Final

from service.api import difference, feeds, irritants, live, relations, reports, rounds, sources
from service.api.responder import Row

TABLE: Final[Mapping[str, Sequence[Row]]] = {
    "irritants": (*irritants.RESOURCES, *difference.RESOURCES),
    "rounds": rounds.RESOURCES,
    "relations": relations.RESOURCES,
    "sources": sources.RESOURCES,
    "reports": reports.RESOURCES,
    # `live` is no id of an event, so its route comes first.
    "feeds": (live.ROW, *feeds.RESOURCES),
}
RESOURCES: Final[Sequence[Row]] = [row for rows in TABLE.values() for row in rows]
