"""Parse the names of streams, and choose the fold for each kind of stream.

Names are like `irritant/ru-us/visas`, `round/ru-us/istanbul-april`, `relation/ru-us`, `source/<slug>` and
`actor/<slug>`. Events have no field for kind or relation, so nothing can contradict the name of the stream.
"""

import re
import unicodedata
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
from service.domain.nearby import FORM_OF_IDS
from service.domain.relation.state import Relation
from service.domain.relation.state import evolve as evolve_relation
from service.domain.round.state import Round
from service.domain.round.state import evolve as evolve_round
from service.domain.source.state import Source
from service.domain.source.state import evolve as evolve_source

_SLUG: Final = r"(?![a-z0-9-]{81})[a-z0-9]+(?:-[a-z0-9]+)*"  # at most 80 characters, as in `assertion.Slug`
_NAME: Final = re.compile(
    # A group name can occur only once, so the parts have other names in each of the three forms.
    rf"(?P<kind1>irritant|round)/(?P<relation1>[a-z]{{2}}-[a-z]{{2}})/(?P<slug1>{_SLUG})"
    rf"|(?P<kind2>relation)/(?P<relation2>[a-z]{{2}}-[a-z]{{2}})"
    rf"|(?P<kind3>source|actor)/(?P<slug3>{_SLUG})"
)
_LONGEST: Final = 100
_LONGEST_SLUG: Final = 80


@dataclass(frozen=True, slots=True)
class StreamName:
    """The parts of a stream's name. `relation` is None for sources and actors, `slug` is empty for relations."""

    kind: Kind
    relation: str | None
    slug: str

    @property
    def member(self) -> str:
        """The name without the kind: `ru-us/visas`, `ru-us`, or the slug of a source or an actor."""
        return "/".join(part for part in (self.relation, self.slug) if part)


def is_relation(id: str) -> bool:
    """Return whether this is the id of a relation: two different codes, sorted, in lower case, such as `ru-us`."""
    one, _, other = id.partition("-")
    return id == id.lower() and one < other and {one.upper(), other.upper()} <= CODES


def relation_meant(id: str) -> str | None:
    """Return the right id for a relation in the wrong order or case: `US-ru` gives `ru-us`. Else return None."""
    codes = sorted(part for part in id.strip().lower().split("-"))
    meant = "-".join(codes)
    return meant if meant != id and is_relation(meant) else None


def id_meant(id: str) -> str | None:
    """Return the right form of an id or a stream whose relation is in the wrong order or case.

    `us-ru/visas` gives `ru-us/visas`, and `relation/RU-US` gives `relation/ru-us`. Return None if it is right already,
    or if no right form is found.
    """
    meant = "/".join(relation_meant(part) or part.lower() for part in id.strip().split("/"))
    is_id = is_relation(meant) or any(parse_stream(name) for name in (meant, f"irritant/{meant}"))
    return meant if meant != id and is_id else None


def id_remedy(id: str, otherwise: str) -> str:
    """Return what to do about an invalid or unknown id: use the id that is meant, or if none is found, `otherwise`."""
    meant = id_meant(id)
    return f"ids are {FORM_OF_IDS}: use {meant}" if meant else otherwise


def slug_meant(text: str) -> str | None:
    """Return the slug that a text means: `A1 Hasanova` gives `a1-hasanova`. None if no slug can be made of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_SLUG].strip("-") or None


def stream_meant(name: str) -> str | None:
    """Return the right form of the name of a stream, such as `source/a1-hasanova` for `source/A1 Hasanova`.

    Return None if the name has the wrong number of parts, or is right already.
    """
    if meant := id_meant(name):
        return meant
    *outer, last = name.split("/")
    meant = "/".join([*(part.strip().lower() for part in outer), slug_meant(last) or ""])
    return meant if meant != name and parse_stream(meant) is not None else None


@lru_cache(maxsize=4096)
def parse_stream(name: str) -> StreamName | None:
    """Return the parts of a stream's name, None for any other text, such as `relation/us-ru`."""
    match = _NAME.fullmatch(name) if len(name) <= _LONGEST else None
    if match is None:
        return None
    relation = match["relation1"] or match["relation2"]
    if relation is not None and not is_relation(relation):
        return None
    kind = cast(Kind, match["kind1"] or match["kind2"] or match["kind3"])
    return StreamName(kind, relation, slug=match["slug1"] or match["slug3"] or "")


def history_of(stream: str, events: Iterable[Recorded] = ()) -> History[Any]:
    """Return a history of these events with the fold of the stream's kind. Raise ValueError for an invalid name."""
    name = parse_stream(stream)
    if name is None:
        raise ValueError(f"{stream!r} is not the name of a stream")
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
