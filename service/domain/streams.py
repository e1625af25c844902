"""Streams: their names, and the fold of each kind.

A stream's name says what it is of: `irritant/ru-us/banking-access`, `round/ru-us/istanbul-april`, `relation/ru-us`,
`source/<slug>`. Nothing else in the record says so, so nothing can disagree.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from service.domain.actor.state import Actor
from service.domain.actor.state import evolve as evolve_actor
from service.domain.actors import CODES
from service.domain.assertion import Recorded
from service.domain.catalogue import Kind
from service.domain.countries import parties_of
from service.domain.history import History
from service.domain.irritant.fold import evolve as evolve_irritant
from service.domain.irritant.state import Irritant
from service.domain.relation.state import Relation
from service.domain.relation.state import evolve as evolve_relation
from service.domain.round.state import Round
from service.domain.round.state import evolve as evolve_round
from service.domain.source.state import Source
from service.domain.source.state import evolve as evolve_source

_SLUG: Final = r"(?![a-z0-9-]{81})[a-z0-9]+(?:-[a-z0-9]+)*"  # at most 80 characters, as in `assertion.Slug`
_NAME: Final = re.compile(
    rf"(?P<kind>irritant|round)/(?P<relation>[a-z]{{2}}-[a-z]{{2}})/(?P<slug>{_SLUG})"
    rf"|(?P<of>relation)/(?P<pair>[a-z]{{2}}-[a-z]{{2}})|(?P<source>source|actor)/(?P<document>{_SLUG})"
)
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream's name, taken apart. `relation` is None for sources and actors, `slug` is empty for relations."""

    kind: Kind
    relation: str | None
    slug: str

    @property
    def member(self) -> str:
        """The id of what the stream is of: `ru-us/banking-access`, `ru-us`, or a source's slug."""
        return "/".join(part for part in (self.relation, self.slug) if part)


def is_relation(id: str) -> bool:
    """Whether this is two different codes of actors, sorted, in lower case."""
    one, _, other = id.partition("-")
    return id == id.lower() and one < other and {one.upper(), other.upper()} <= CODES


def relation_meant(id: str) -> str | None:
    """The right id for a relation whose codes are in the wrong order or case; None where it is not one."""
    codes = sorted(part for part in id.strip().lower().split("-"))
    meant = "-".join(codes)
    return meant if meant != id and is_relation(meant) else None


@lru_cache(maxsize=4096)
def parse_stream(name: str) -> StreamName | None:
    """None where this is no stream's name."""
    match = _NAME.fullmatch(name) if len(name) <= _LONGEST else None
    if match is None:
        return None
    relation = match["relation"] or match["pair"]
    if relation is not None and not is_relation(relation):
        return None
    return StreamName(
        cast(Kind, match["kind"] or match["of"] or match["source"]), relation, match["slug"] or match["document"] or ""
    )


def history_of(stream: str, events: Iterable[Recorded] = ()) -> History[Any]:
    """An empty or given history with the fold of its kind. Raises ValueError where this is no stream's name."""
    name = parse_stream(stream)
    if name is None:
        raise ValueError(f"{stream!r} is no stream's name")
    match name.kind:
        case "irritant":
            return History(stream, Irritant(parties_of(cast(str, name.relation))), evolve_irritant, events)
        case "round":
            return History(stream, Round(parties_of(cast(str, name.relation))), evolve_round, events)
        case "relation":
            return History(stream, Relation(parties_of(cast(str, name.relation))), evolve_relation, events)
        case "source":
            return History(stream, Source(), evolve_source, events)
        case "actor":
            return History(stream, Actor(), evolve_actor, events)
