"""One actor that has a name on record (`ActorRegistered`). No API path returns this document.

Its stored row informs every process that the name of an actor has changed.
"""

from typing import Final, Literal, cast

from service.domain.actor.state import Actor
from service.domain.history import StreamAtPoint
from service.projections.document import Document
from service.projections.words.names import in_a_sentence

NAME: Final = "actor"
REPRESENTATION: Final = 1


class ActorDocument(Document):
    """An actor with its names on record. `name` is the first of them, within a sentence: `the African Union`."""

    id: str
    kind: Literal["organisation", "former_state", "state"]
    name: str
    names: tuple[str, ...]
    position: int


def view(reading: StreamAtPoint[Actor]) -> ActorDocument:
    """Return the document of a reading of an actor. Total."""
    state = reading.state
    return ActorDocument.model_construct(
        id=state.actor,
        kind=cast(Literal["organisation", "former_state", "state"], state.kind),
        name=in_a_sentence(state.names[0]) if state.names else "",
        names=state.names,
        position=reading.position,
    )


def facets(_document: ActorDocument) -> dict[str, object]:
    """Return no facets. There is no list of actors to filter."""
    return {}
