"""The documents that are stored whole, by the kind of stream that each is a view of.

A new read model is one module and one line here; it needs no migration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.domain.catalogue import Kind
from service.domain.history import Reading
from service.projections import irritant, relation
from service.projections import round as round_


@dataclass(frozen=True)
class Projection:
    """A stored read model: `view` is total; `facets` is what lists filter by; `representation` numbers its shape."""

    name: str
    representation: int
    view: Callable[[Reading[Any]], Any]
    facets: Callable[[Any], Mapping[str, object]]


STORED: Final[Mapping[Kind, Projection]] = {
    "irritant": Projection(irritant.NAME, irritant.REPRESENTATION, irritant.view, irritant.facets),
    "round": Projection(round_.NAME, round_.REPRESENTATION, round_.view, round_.facets),
    "relation": Projection(relation.NAME, relation.REPRESENTATION, relation.view, relation.facets),
}
