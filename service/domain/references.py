"""Find what a report refers to: streams, documents, origins and other events.

The recorder asks `needs` before the decision, so that it can read all streams of the report in one query.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from service.domain.actors import is_registered_name
from service.domain.assertion import ACTOR_FIELDS, AssertionCorrected, EventModel, Recorded, Statement
from service.domain.corrections import corrected
from service.domain.history import History
from service.domain.irritant.events import IrritantOpened
from service.domain.relation.events import RelationOpened, ReportAttributed
from service.domain.report import Report, ReportEvent
from service.domain.round.events import RoundAnnounced
from service.domain.source.events import OriginRegistered
from service.domain.streams import parse_stream

_OPENING: Final = (IrritantOpened, RelationOpened, RoundAnnounced)
_BY_VERSION: Final = re.compile(r"(?P<stream>.+)@(?P<version>[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Needs:
    """What the decision on a report needs from the record: streams, the streams of `origins`, and earlier reports."""

    streams: frozenset[str]
    origins: frozenset[str]
    reports: frozenset[str] = frozenset()


def needs(report: Report, known: Mapping[str, History[Any]]) -> Needs:
    """Return the parts of the record that `filing.decide` will read. `known`: the histories that were read so far.

    A correction also needs what its target cites. So call this again with more histories until nothing is added.
    """
    streams = {f"relation/{report.relation}", *report.expect}
    origins: set[str] = set()
    reports: set[str] = set()
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
            if isinstance(data, ReportAttributed):
                reports.add(data.report)
    for invalid in report.invalid_events:
        streams |= {invalid.stream, f"source/{invalid.document}"}
        origins.add(invalid.origin or "")
    valid_streams = frozenset(stream for stream in streams if parse_stream(stream) is not None)
    return Needs(valid_streams, frozenset(origins), frozenset(reports))


def _corrected(event: ReportEvent, known: Mapping[str, History[Any]]) -> Iterable[EventModel]:
    """Yield the content of the event that a correction corrects, before and after this correction."""
    history = known.get(event.stream)
    if history is None or not isinstance(event.data, AssertionCorrected):
        return
    named = named_event(history, event.data.target)
    target = history.recorded(history.amendments.corrected_root(named.id)) if named else None
    if target is not None:
        yield (content := history.amendments.content_of(target))
        with suppress(ValidationError):
            yield corrected(content, event.data.changes)


def has_corrections(report: Report) -> bool:
    """Return whether a report has a correction, so that `needs` can return more once more histories are known."""
    return any(isinstance(event.data, AssertionCorrected) for event in report.events)


def streams_opened(report: Report) -> Iterable[str]:
    """Return the streams that a report opens. They are usually empty on record."""
    return (event.stream for event in report.events if isinstance(event.data, _OPENING))


def named_event(history: History[Any], name: str) -> Recorded | None:
    """Return the event with an id or a name such as `irritant/ru-us/visas@3`, None if the stream does not have it."""
    if (by_version := _BY_VERSION.fullmatch(name)) is not None:
        if by_version["stream"] != history.stream:
            return None
        version = int(by_version["version"])
        # An audience does not see every version.
        place = bisect_left(history.events, version, key=lambda event: event.version)
        found = history.events[place] if place < len(history.events) else None
        return found if found is not None and found.version == version else None
    return history.recorded(name.lower())


def members_named(data: EventModel) -> Iterable[tuple[str, str]]:
    """Yield the streams of other irritants and rounds that an event names, each with the name of the field."""
    return members_in(vars(data))


def members_in(fields: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Yield the same as `members_named`, from the fields of an event or the changes of a correction."""
    if (of_round := fields.get("round")) is not None:
        yield f"round/{of_round}", "round"
    if (merged_into := fields.get("merged_into")) is not None:
        yield f"irritant/{merged_into}", "merged_into"
    if isinstance(linked := fields.get("with_", fields.get("with")), str):
        yield f"irritant/{linked}", "with"


def actors_named(data: EventModel) -> Iterable[tuple[str, str]]:
    """Yield the streams of the registered actors that an event names, each with the pointer to the field."""
    fields = vars(data)
    named = [(fields.get(name), name) for name in (*ACTOR_FIELDS, "host")]
    if isinstance(data, Statement):
        named.append((data.asserted_by.party, "asserted_by/party"))
    if isinstance(data, OriginRegistered):
        named.append((data.party, "party"))
    if isinstance(exchanged_with := fields.get("with_"), tuple):
        named += [(actor, f"with/{place}") for place, actor in enumerate(exchanged_with)]
    for actor, pointer in named:
        if isinstance(actor, str) and actor.islower() and is_registered_name(actor):
            yield f"actor/{actor}", pointer
