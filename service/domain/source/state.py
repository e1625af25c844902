"""Fold the stream of a source into its state: the registered document and its origins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.domain.corrections import EffectiveEvent
from service.domain.frozen import replace
from service.domain.source.events import OriginRegistered, SourceRegistered

_REGISTERED: Final = ("publisher", "title", "sha256", "paragraphs", "published", "address", "language")


@dataclass(frozen=True)
class Source:
    """A document. `origins` are by slug. `paragraphs` is the number of paragraphs, None if it is not known."""

    opened: bool = False
    publisher: str = ""
    title: str | None = None
    sha256: str | None = None
    paragraphs: int | None = None
    published: str | None = None
    address: str | None = None
    language: str | None = None
    origins: Mapping[str, OriginRegistered] = field(default_factory=dict)


def evolve(state: Source, effect: EffectiveEvent) -> Source:
    """Return the state after an event. Never raise: other types change nothing."""
    match effect.data:
        case SourceRegistered() as registered:
            return replace(state, opened=True, **{name: getattr(registered, name) for name in _REGISTERED})
        case OriginRegistered() as origin:
            return replace(state, origins={**state.origins, origin.origin: origin})
        case _:
            return state
