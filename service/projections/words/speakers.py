"""Collect the actors that readings mention, and return their names for the field `names` of a document."""

from collections.abc import Iterable
from typing import Any, Final

from service.domain.actor.names import ActorNames
from service.domain.actors import BOTH, JOINT, MEDIA
from service.domain.assertion import ACTOR_FIELDS, Recorded, Statement
from service.domain.countries import parties_of
from service.domain.history import StreamAtPoint
from service.projections.evidence import dispute_renamed
from service.projections.words.names import named

_FIELDS: Final = (*ACTOR_FIELDS, "host", "party")
_GROUPS: Final = frozenset({BOTH, JOINT, MEDIA, "none"})


def names_in(*readings: StreamAtPoint[Any]) -> dict[str, str]:
    """Return the name of each actor that these readings mention, by code or slug, as it stands within a sentence."""
    actors: set[str] = set()
    for reading in readings:
        actors.update(reading.state.parties)
        for effect in reading.effects:
            actors.update(_actors(effect.data))
    return named(actors - _GROUPS, readings[0].names) if readings else {}


def _actors(data: Any) -> set[str]:
    fields = vars(data)
    found = {value for name in _FIELDS if isinstance(value := fields.get(name), str)}
    if isinstance(data, Statement):
        found.add(data.asserted_by.party)
    if isinstance(exchanged_with := fields.get("with_"), tuple):
        found.update(exchanged_with)
    return found


def names_of_events(relation: str, recorded: Iterable[Recorded], names: ActorNames) -> dict[str, str]:
    """Return the name of each actor of a report. With it the operator can notice a wrong code: AU is Australia."""
    actors = set(parties_of(relation)) if relation else set()
    for event in recorded:
        actors.update(_actors(event.data))
    return named(actors - _GROUPS, names)


def renamed(document: Any, names: ActorNames) -> Any:
    """Return a document with newer names of actors, in `names` and in the sentences of its disputes."""
    update: dict[str, Any] = {"names": named(document.names, names)}
    if disputes := getattr(document, "disputes", ()):
        update["disputes"] = tuple(dispute_renamed(dispute, document.names, names) for dispute in disputes)
    return document.model_copy(update=update)
