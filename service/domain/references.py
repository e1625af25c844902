"""What a report refers to: the streams, documents and origins that it must be judged on, and events by their names.

Told before anything is decided, so that whoever has the record can read all of it in one query.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from service.domain.actors import is_registered_name
from service.domain.assertion import ACTING, AssertionCorrected, Contract, Recorded, Statement
from service.domain.corrections import corrected
from service.domain.history import History
from service.domain.irritant.events import IrritantOpened
from service.domain.relation.events import RelationOpened
from service.domain.report import Proposed, Report
from service.domain.round.events import RoundAnnounced
from service.domain.source.events import OriginRegistered
from service.domain.streams import parse_stream

_OPENING: Final = (IrritantOpened, RelationOpened, RoundAnnounced)
_BY_VERSION: Final = re.compile(r"(?P<stream>.+)@(?P<version>[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Needs:
    """What of the record a report must be judged on: these streams, and wherever these origins are registered."""

    streams: frozenset[str]
    origins: frozenset[str]


def needs(report: Report, known: Mapping[str, History[Any]]) -> Needs:
    """The streams and origins that `decide` will look at, as far as what is `known` of the record tells.

    A correction is judged by what its target cites, so ask again when more is known, until nothing is added.
    """
    streams = {f"relation/{report.relation}", *report.expect}
    origins: set[str] = set()
    if report.round is not None:
        streams.add(f"round/{report.relation}/{report.round}")
    for event in report.events:
        streams.add(event.stream)
        for data in (event.data, *_corrected(event, known)):
            streams |= {stream for stream, _ in (*members_named(data), *actors_named(data))}
            if isinstance(data, Statement):
                streams.add(f"source/{data.source.document}")
                origins.add(data.source.origin)
            if isinstance(data, OriginRegistered):
                origins.add(data.origin)
    for part in report.legible:
        streams.add(f"source/{part.document}")
        origins.add(part.origin or "")
    return Needs(frozenset(s for s in streams if parse_stream(s) is not None), frozenset(origins))


def _corrected(event: Proposed, known: Mapping[str, History[Any]]) -> Iterable[Contract]:
    """What a correction is about, as it reads now and as it would read."""
    history = known.get(event.stream)
    if history is None or not isinstance(event.data, AssertionCorrected):
        return
    named = named_event(history, event.data.target)
    target = history.recorded(history.amendments.corrects(named.id)) if named else None
    if target is not None:
        yield (reads := history.amendments.reads(target))
        with suppress(ValidationError):
            yield corrected(reads, event.data.changes)


def corrects(report: Report) -> bool:
    """Whether anything in it is a correction, so that what it needs can grow as more is known."""
    return any(isinstance(event.data, AssertionCorrected) for event in report.events)


def begun(report: Report) -> Iterable[str]:
    """The streams that by its own word this report begins, so that hardly ever anything is on record there."""
    return (event.stream for event in report.events if isinstance(event.data, _OPENING))


def named_event(history: History[Any], name: str) -> Recorded | None:
    """The event of a stream that is named by its id or as `stream@version`."""
    if (by_version := _BY_VERSION.fullmatch(name)) is not None:
        version = int(by_version["version"])
        fits = by_version["stream"] == history.stream and version <= len(history.events)
        return history.events[version - 1] if fits else None
    return history.recorded(name.lower())


def members_named(data: Contract) -> Iterable[tuple[str, str]]:
    """Streams of other irritants and rounds that an event names, each with the field that names it."""
    return members_in(vars(data))


def members_in(fields: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """The same of an event's fields, or of those that a correction changes."""
    if (of_round := fields.get("round")) is not None:
        yield f"round/{of_round}", "round"
    if (merged_into := fields.get("merged_into")) is not None:
        yield f"irritant/{merged_into}", "merged_into"
    if isinstance(linked := fields.get("with_", fields.get("with")), str):
        yield f"irritant/{linked}", "with"


def actors_named(data: Contract) -> Iterable[tuple[str, str]]:
    """Streams of the registered actors that an event names, each with the field that names it."""
    fields = vars(data)
    named = [(fields.get(name), name) for name in (*ACTING, "host")]
    if isinstance(data, Statement):
        named.append((data.asserted_by.party, "asserted_by/party"))
    if isinstance(data, OriginRegistered):
        named.append((data.party, "party"))
    if isinstance(exchanged_with := fields.get("with_"), tuple):
        named += [(actor, f"with/{place}") for place, actor in enumerate(exchanged_with)]
    for actor, pointer in named:
        if isinstance(actor, str) and actor.islower() and is_registered_name(actor):
            yield f"actor/{actor}", pointer
