"""The sentence on a reading of the past, from what the service answers. Pages and exports have the same one."""

import re
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from service.cli.client import Query, Service, ServiceProblem
from service.domain.streams import is_relation
from service.projections.words.past import reading_in_words

_OF_RELATION: Final = re.compile(r"/v1/(?:irritants|rounds|relations)/(?P<relation>[^/]+)")


def sentence(service: Service, relation: str | None, query: Query) -> str:
    """Return the sentence for a reading with this query.

    It is empty for the present, and if nothing was recorded since. `relation`: the one that the reading is about, whose
    events a limited key may read. Call this after the service returned the document, which shows that the query is
    valid. Costs one request if the query names a position or a time of recording.
    """
    effective = date.fromisoformat(str(query["effective_on"])) if query.get("effective_on") else None
    if (position := query.get("as_of_position")) is not None:
        return _at_position(service, int(str(position)), effective, relation)
    if (known_at := query.get("known_at")) is not None:
        moment = datetime.fromisoformat(str(known_at)).astimezone(UTC)
        later = {"recorded_from": (moment + timedelta(microseconds=1)).isoformat(), "limit": 1}
        if effective is None and _events(service, later, relation) == []:
            return ""
        return reading_in_words(moment.date(), effective)
    return reading_in_words(None, effective) if effective else ""


def _at_position(service: Service, position: int, effective: date | None, relation: str | None) -> str:
    """Return the sentence for a position. It has the day of the event there, or the position if the day is unknown."""
    events = _events(service, {"after": max(position - 1, 0), "limit": 2}, relation)
    if events is not None and effective is None and all(event["position"] <= position for event in events):
        return ""
    if position == 0:
        return reading_in_words(None, effective)
    # A limited key reads only the events of its relation, so the event at the position may not be among them.
    at = next((event for event in events or () if event["position"] == position), None)
    day = datetime.fromisoformat(at["time"]).astimezone(UTC).date() if at else None
    return reading_in_words(day, effective, position)


def relation_of(path: str, query: Query) -> str | None:
    """Return the relation that a document is about. None if its address names none."""
    named = _OF_RELATION.match(path)
    relation = named["relation"] if named else str(query.get("relation", ""))
    return relation if is_relation(relation) else None


def _events(service: Service, query: Query, relation: str | None) -> list[dict[str, Any]] | None:
    """Return events of the record, or of the relation if the key may read no others. None if it may read neither."""
    for limit in (None, relation):
        try:
            return list(service.read("/v1/events", {**query, "relation": limit})["items"])
        except ServiceProblem as refused:
            if refused.status != HTTPStatus.FORBIDDEN:
                raise
    return None
