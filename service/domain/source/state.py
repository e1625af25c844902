"""A document as its stream leaves it: what is registered of it, and the utterances first registered with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.domain.corrections import Effective
from service.domain.frozen import replace
from service.domain.source.events import OriginRegistered, SourceRegistered

_REGISTERED: Final = ("publisher", "title", "sha256", "paragraphs", "published", "address", "language")


@dataclass(frozen=True)
class Source:
    """A document. Origins by their slug; `paragraphs` is how many there are, None where nobody counted."""

    opened: bool = False
    publisher: str = ""
    title: str | None = None
    sha256: str | None = None
    paragraphs: int | None = None
    published: str | None = None
    address: str | None = None
    language: str | None = None
    origins: Mapping[str, OriginRegistered] = field(default_factory=dict)


def evolve(state: Source, effect: Effective) -> Source:
    """The state after one more event. Total: documents assert nothing, so nothing else is told of them."""
    match effect.data:
        case SourceRegistered() as registered:
            return replace(state, opened=True, **{name: getattr(registered, name) for name in _REGISTERED})
        case OriginRegistered() as origin:
            return replace(state, origins={**state.origins, origin.origin: origin})
        case _:
            return state
