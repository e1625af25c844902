"""Filter events by date of recording and by date of event.

The date of recording is indexed. The date of event is not: it is read from each event. So one request looks at 5,000
events at most, and may return fewer items than `limit` although more follow.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from service.api.parameters import DateMatch, Day, Moment, Query, misplaced
from service.domain.assertion import when
from service.store import events
from service.store.codec import StoredEvent

_MAX_SCANNED: Final = 5_000
_BATCH: Final = 1_000


class Dated(Query):
    """Bounds on the date of event (`effective_…`) and on the date of recording (`recorded_…`), both inclusive."""

    effective_from: Annotated[Day | None, Field(description="only events that happened on this day or later")] = None
    effective_to: Annotated[Day | None, Field(description="only events that happened on this day or earlier")] = None
    recorded_from: Annotated[
        Moment | None, Field(description="only events that were recorded at this moment or later")
    ] = None
    recorded_to: Annotated[
        Moment | None, Field(description="only events that were recorded at this moment or earlier")
    ] = None
    date_match: DateMatch | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        for name, first, last in (
            ("effective", self.effective_from, self.effective_to),
            ("recorded", self.recorded_from, self.recorded_to),
        ):
            if first is not None and last is not None and first > last:
                raise misplaced(f"{name}_to", f"is before {name}_from; use the same or a later one")
        if self.date_match is not None and not self.by_day:
            raise misplaced("date_match", "needs effective_from or effective_to; send one of them too")
        return self

    @property
    def by_day(self) -> bool:
        return self.effective_from is not None or self.effective_to is not None

    def matches(self, occurred: str | None, recorded_at: datetime) -> bool:
        """Return whether an event with this EDTF date possibly happened within the days.

        With `date_match=certain`, return whether it certainly did. If its latest day is unknown, that is the day of its
        recording.
        """
        span, first, last = when(occurred), self.effective_from or date.min, self.effective_to or date.max
        earliest, latest = span.earliest or date.min, span.latest or recorded_at.date()
        if self.date_match == "certain":
            return first <= earliest and latest <= last
        return earliest <= last and (span.latest is None or first <= span.latest)


@dataclass(frozen=True)
class Scan:
    """The events that match. `last`, `last_version`: the last event that was looked at. `ended`: no events follow."""

    events: Sequence[StoredEvent]
    last: int
    last_version: int
    ended: bool


def scan(c: Connection, query: Dated, *, limit: int, head: int, after: int = 0, **filters: Any) -> Scan:
    """Return up to `limit` events after a position that match the query. `filters` are those of `events.read_log`."""
    after, upto = _between(c, query, after, head)
    found: list[StoredEvent] = []
    scanned, last, last_version = 0, after, int(filters.get("after_version", 0))
    while scanned < _MAX_SCANNED:
        # Many events of a batch can be outside the days. Without days, all of it match.
        wanted = _BATCH if query.by_day else limit
        batch = events.read_log(c, after=last, upto=upto, limit=wanted, **filters)
        matching = _within(c, query, batch)
        for event in batch:
            last, last_version = event.position, event.version
            if event.id in matching:
                found.append(event)
                if len(found) == limit:
                    return Scan(found, last, last_version, ended=False)
        if len(batch) < wanted:
            return Scan(found, last, last_version, ended=True)
        scanned += len(batch)
    return Scan(found, last, last_version, ended=False)


def _between(c: Connection, query: Dated, after: int, head: int) -> tuple[int, int]:
    """Return the positions for the dates of recording: read after the first, up to and including the second."""
    upto = head
    if query.recorded_from is not None:
        after = max(after, events.position_before(c, query.recorded_from))
    if query.recorded_to is not None:
        upto = min(upto, events.position_at(c, query.recorded_to))
    return after, upto


def _within(c: Connection, query: Dated, batch: Sequence[StoredEvent]) -> set[str]:
    """Return the ids of the events within the days. Evidence has the date of its target. Corrections have no date."""
    if not query.by_day:
        return {event.id for event in batch}
    payloads = {event.id: json.loads(event.data) for event in batch}
    targets = _targets(c, payloads)
    within = set()
    for event in batch:
        payload = payloads[event.id]
        assertion = targets.get(payload["target"], {}) if event.type == "EvidenceAdded" else payload
        if "asserted_by" in assertion and query.matches(assertion.get("occurred"), event.recorded_at):
            within.add(event.id)
    return within


def _targets(c: Connection, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the data of the events to which evidence is added, by id."""
    named = {payload["target"] for payload in payloads.values() if payload["type"] == "EvidenceAdded"}
    return {id: json.loads(event.data) for id, event in events.by_ids(c, named).items()}
