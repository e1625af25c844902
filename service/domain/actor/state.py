"""An actor as its stream leaves it, and what may be recorded there."""

from dataclasses import dataclass

from service.domain.actor.events import ActorRegistered
from service.domain.actors import is_registered_name
from service.domain.corrections import Effective
from service.domain.errors import Malformed, Refusal
from service.domain.frozen import replace


@dataclass(frozen=True)
class Actor:
    """A registered actor; `names` is empty where none is registered."""

    opened: bool = False
    kind: str = ""
    names: tuple[str, ...] = ()


def evolve(state: Actor, effect: Effective) -> Actor:
    """The state after one more event. Total."""
    match effect.data:
        case ActorRegistered(kind=kind, names=names):
            return replace(state, opened=True, kind=kind, names=names)
        case _:
            return state


def judge(_state: Actor, effect: Effective, stream: str, _relation: str) -> Refusal | None:
    """Why this cannot be recorded here, or None."""
    match effect.data:
        case ActorRegistered(actor=actor) if stream != f"actor/{actor}":
            return Malformed("/actor", why=f"is not that of {stream}")
        case ActorRegistered(actor=actor) if not is_registered_name(actor):
            return Malformed(
                "/actor", why="is no name of an organisation: at least three letters, and no reserved word"
            )
        case _:
            return None
