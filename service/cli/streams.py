"""Streams over HTTP: what an id means, and the history of a stream, folded by the code of the domain.

Commands use it for what no document shows: who retracted what, and which event a name means.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from service.cli.client import NONE, Query, Service, ServiceProblem
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded
from service.domain.catalogue import SCHEMA_VERSIONS, load_json
from service.domain.history import History
from service.domain.streams import history_of, is_relation, parse_stream

_TYPE: Final = re.compile(r"irritants\.(?P<type>\w+)\.v(?P<version>\d+)")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATHS: Final = {
    "irritant": "/v1/irritants",
    "round": "/v1/rounds",
    "relation": "/v1/relations",
    "source": "/v1/sources",
}


def candidates(id: str) -> list[str]:
    """Return the streams that an id can mean: `ru-us/visas` is an irritant or a round. Raises Failed."""
    if parse_stream(id) is not None:
        return [id]
    streams = [f"relation/{id}"] if is_relation(id) else [f"irritant/{id}", f"round/{id}"]
    if any(parse_stream(stream) is None for stream in streams):
        raise Failed(f'invalid id "{id}"; use an id such as ru-us/visas, ru-us or source/…', Exit.USAGE)
    return streams


def address(stream: str) -> str:
    """Return the path of the document of a stream."""
    kind, _, member = stream.partition("/")
    return f"{_PATHS[kind]}/{member}"


def find(service: Service, id: str, past: Query, of_it: str = "") -> tuple[str, dict[str, Any]]:
    """Return the stream of an id, and its document, or the document `of_it` below its address.

    Raises ServiceProblem if nothing of that name is on record.
    """
    *others, last = candidates(id)
    for stream in others:
        try:
            return stream, service.read(f"{address(stream)}{of_it}", past)
        except ServiceProblem as refused:
            if refused.status != 404:
                raise
    return last, service.read(f"{address(last)}{of_it}", past)


def only_relation(service: Service, otherwise: str) -> str:
    """Return the only relation on record. If there are several, raise Failed with the instruction `otherwise`."""
    known = [str(relation["id"]) for relation in service.items("/v1/relations")]
    if len(known) != 1:
        raise Failed(f"{otherwise}; on record: {', '.join(known) or 'none'}", Exit.USAGE)
    return known[0]


def recorded(event: Mapping[str, Any]) -> Recorded:
    """Return the event of a CloudEvent. Raises Failed if a later release wrote it."""
    kind = _TYPE.fullmatch(event["type"])
    type, version = (kind["type"], int(kind["version"])) if kind else ("", 0)
    try:
        payload = load_json(type, json.dumps(event["data"])) if SCHEMA_VERSIONS.get(type) == version else None
    except ValidationError:
        payload = None
    if payload is None:
        raise Failed(
            f"cannot read the event at position {event['position']}: it is of a later release; update irritants"
        )
    return Recorded(
        position=event["position"],
        stream=event["subject"],
        version=event["streamversion"],
        id=event["id"],
        type=type,
        data=payload,
        actor=event["actor"],
        report=event["report"],
        correlation="",
        causation=None,
        recorded_at=datetime.fromisoformat(event["time"]),
    )


def events(service: Service, query: Query) -> Iterator[Recorded]:
    """Yield events of the record in order."""
    return map(recorded, service.feed("/v1/events", query))


def read_history(service: Service, stream: str, past: Query = NONE) -> History[Any]:
    """Return a stream as it was on record at a point."""
    return history_of(stream, (e for e in events(service, {"stream": stream}) if _was_known(e, past)))


def find_event(service: Service, name: str) -> Recorded:
    """Return the event of an id or of a name such as `ru-us/visas@7`. Raises Failed."""
    if _ID.fullmatch(name.lower()):
        return recorded(service.read(f"/v1/events/{name.lower()}"))
    stream, at, version = name.rpartition("@")
    if not at or not version.isdecimal():
        raise Failed(f'invalid event "{name}"; use its id, or an id with a version such as ru-us/visas@7', Exit.USAGE)
    for candidate in candidates(stream):
        for event in events(service, {"stream": candidate}):
            if event.version == int(version):
                return event
    raise Failed(f"there is no event {name} on record", Exit.NOT_FOUND)


def reference(event: Recorded) -> str:
    """Return the short name of an event, such as `ru-us/visas@7`."""
    kind, _, member = event.stream.partition("/")
    return f"{event.stream if kind == 'source' else member}@{event.version}"


def _was_known(event: Recorded, past: Query) -> bool:
    if (position := past.get("as_of_position")) is not None:
        return event.position <= int(str(position))
    if (known_at := past.get("known_at")) is not None:
        return event.recorded_at <= datetime.fromisoformat(str(known_at))
    return True
