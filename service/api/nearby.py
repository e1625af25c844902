"""Suggest names on record that are near to an unknown one: in the refusals of a report, and for unknown addresses.

A suggestion reveals that a name exists. So a key that is limited to some relations gets only names of these.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, cast

from sqlalchemy import Connection, Engine

from service.api.auth import Access
from service.domain.catalogue import Kind
from service.domain.errors import AlreadyOpened, OriginOfAnotherParty, OriginTaken, Refusal, UnknownOrigin
from service.domain.nearby import nearest
from service.domain.report import Report
from service.domain.source.events import OriginRegistered
from service.follower import Follower
from service.store import events
from service.store.engine import DatabaseUnavailable, connection

_MOST_REFUSALS: Final = 20
_PAGE: Final = 200
"""The names that are compared: this many after the first letters of the unknown one, and as many from the beginning."""
_KINDS: Final = {"irritants": "irritant", "rounds": "round", "relations": "relation", "sources": "source"}
_ORIGIN: Final = "origin"


async def suggest_names(follower: Follower, access: Access, report: Report, refusals: Sequence[Refusal]) -> None:
    """Add near names to the first refusals of unknown names. Without the database, leave the refusals as they are.

    For a limited key, also remove what a document contains: another relation may cite it.
    """
    for refusal in refusals:
        if access.reads is not None and _shows_sources(refusal):
            refusal.facts["known"] = ""
    unknown = [refusal for refusal in refusals if refusal.unknown_name is not None][:_MOST_REFUSALS]
    if unknown:
        with suppress(DatabaseUnavailable):
            await follower.read(_suggest, access, report, unknown)


def _shows_sources(refusal: Refusal) -> bool:
    """Return whether a refusal shows what is on record of documents, their origins or actors."""
    if isinstance(refusal, AlreadyOpened):
        return str(refusal.facts["stream"]).startswith(("source/", "actor/"))
    return isinstance(refusal, UnknownOrigin | OriginOfAnotherParty | OriginTaken)


def _suggest(engine: Engine, access: Access, report: Report, unknown: Iterable[Refusal]) -> None:
    """Add near names to each refusal. Names that the report itself registers count as on record."""
    own = [name.partition("/") for event in report.events for name in _registered(event.stream, event.data)]
    with connection(engine) as c:
        for refusal in unknown:
            name = refusal.unknown_name or ""
            kind = name.partition("/")[0]
            also = [member for own_kind, _, member in own if own_kind == kind]
            refusal.suggest(names_near(c, access, name, also))


def _registered(stream: str, data: object) -> Iterator[str]:
    """Yield the names that an event can put on record: its stream, and the origin that it registers."""
    yield stream
    if isinstance(data, OriginRegistered):
        yield f"{_ORIGIN}/{data.origin}"


def names_near(c: Connection, access: Access, name: str, also: Iterable[str] = ()) -> list[str]:
    """Return names on record near to `name`, without their kind: `ru-us/visas` for `irritant/ru-us/visa`.

    `also` has further names of the same kind to compare with.
    """
    kind, _, member = name.partition("/")
    relation, _, slug = member.rpartition("/")
    # Only names of the same relation are near.
    begin = f"{relation}/" if relation else ""
    known = {other.removeprefix(begin) for other in also if other.startswith(begin) and other != member}
    if access.reads is None or (relation and access.may_read(relation)):
        for first in (slug[:1], ""):
            known |= {
                other.removeprefix(begin) for other in _page(c, kind, f"{begin}{first}") if other.startswith(begin)
            }
    return [f"{begin}{other}" for other in nearest(slug, known)]


def _page(c: Connection, kind: str, after: str) -> Iterable[str]:
    """Return the names of a kind on record that come after a text, without their kind."""
    if kind == _ORIGIN:
        return events.origin_slugs(c, after=after, limit=_PAGE)
    streams = events.streams_of_kind(c, cast(Kind, kind), after=after, limit=_PAGE)
    return (stream.removeprefix(f"{kind}/") for stream in streams)


def addresses_near(c: Connection, access: Access, address: str) -> list[str]:
    """Return addresses on record near to an unknown one. Empty for an address that is not of a stream."""
    prefix = "/v1" if address.startswith("/v1/") else ""
    _, plural, *rest = address.removeprefix(prefix).split("/")
    kind = _KINDS.get(plural, "")
    named = rest[: 2 if kind in ("irritant", "round") else 1]
    if not kind or not all(named):
        return []
    below = "".join(f"/{part}" for part in rest[len(named) :])
    return [f"{prefix}/{plural}/{name}{below}" for name in names_near(c, access, "/".join([kind, *named]))]
