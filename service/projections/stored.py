"""The documents that are stored in the database, by kind of stream. `service/read_models` writes them.

To add one, write a module with its document and add a line here. It needs no migration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.domain.actor.names import ActorNames
from service.domain.catalogue import Kind
from service.domain.history import StreamAtPoint
from service.projections import actor, irritant, relation
from service.projections import round as round_
from service.projections.words.speakers import renamed


@dataclass(frozen=True)
class Projection:
    """A stored document and how to make it.

    `name`, `representation`: the name of the document, and the number of the shape of its JSON. `view` makes the
    document and is total. `facets` returns the fields by which lists filter. `renamed` returns a stored document with
    the names that actors have at a later position.
    """

    name: str
    representation: int
    view: Callable[[StreamAtPoint[Any]], Any]
    facets: Callable[[Any], Mapping[str, object]]
    renamed: Callable[[Any, ActorNames], Any]


STORED: Final[Mapping[Kind, Projection]] = {
    "irritant": Projection(irritant.NAME, irritant.REPRESENTATION, irritant.view, irritant.facets, irritant.renamed),
    "round": Projection(round_.NAME, round_.REPRESENTATION, round_.view, round_.facets, renamed),
    "relation": Projection(relation.NAME, relation.REPRESENTATION, relation.view, relation.facets, renamed),
    # The document of an actor has only its own name, so a new name is an event of its own stream.
    "actor": Projection(actor.NAME, actor.REPRESENTATION, actor.view, actor.facets, lambda document, _names: document),
}
