"""Fold the stream of an actor into its state, and decide which events the stream accepts."""

from dataclasses import dataclass
from typing import Final

from service.domain.actor.events import ActorRegistered
from service.domain.actors import CODES, is_registered_name
from service.domain.corrections import EffectiveEvent
from service.domain.errors import Malformed, Refusal
from service.domain.frozen import replace

_ORGANISATIONS: Final = frozenset({"EU", "UN"})


@dataclass(frozen=True)
class Actor:
    """The state of an actor's stream. `names` is empty until the actor is registered."""

    opened: bool = False
    actor: str = ""
    kind: str = ""
    names: tuple[str, ...] = ()


def evolve(state: Actor, effect: EffectiveEvent) -> Actor:
    """Return the state after an event. Never raise."""
    match effect.data:
        case ActorRegistered(actor=actor, kind=kind, names=names):
            return replace(state, opened=True, actor=actor, kind=kind, names=names)
        case _:
            return state


def judge(_state: Actor, effect: EffectiveEvent, stream: str, _relation: str) -> Refusal | None:
    """Return why the stream refuses an event, or None. The actor and the stream must have the same name."""
    match effect.data:
        case ActorRegistered(actor=actor) if stream != f"actor/{actor.lower()}":
            return Malformed("/actor", why=f"`actor` is {actor}, which does not match {stream}. Correct one of them")
        case ActorRegistered(actor=actor) if actor not in CODES and not is_registered_name(actor):
            return Malformed(
                "/actor",
                why="`actor` must be the code of a state, such as TR, or an id such as african-union: at least three"
                " letters, and not a reserved word",
            )
        case ActorRegistered(actor=actor, kind="state") if actor not in CODES:
            return Malformed(
                "/kind", why="`kind` is `state` only for a code, such as TR. Use `organisation` or `former_state`"
            )
        case ActorRegistered(actor=actor, kind=kind) if actor in CODES - _ORGANISATIONS and kind != "state":
            return Malformed("/kind", why=f"`kind` must be `state` for the code {actor}")
        case _:
            return None
