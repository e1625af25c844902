"""Find streams and events by their ids over HTTP, and fold the history of a stream with the code of the domain.

Corrections need the events themselves: no document of the service has their names, such as `ru-us/visas@7`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from service.cli.client import NO_PARAMETERS, Query, Service, ServiceProblem
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded
from service.domain.catalogue import SCHEMA_VERSIONS, load_json
from service.domain.history import History
from service.domain.nearby import listed, nearest
from service.domain.streams import history_of, id_remedy, is_relation, parse_stream

_TYPE: Final = re.compile(r"irritants\.(?P<type>\w+)\.v(?P<version>\d+)")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXAMPLES: Final = "an id such as ru-us/visas, ru-us or source/…"
_PATHS: Final = {
    "irritant": "/v1/irritants",
    "round": "/v1/rounds",
    "relation": "/v1/relations",
    "source": "/v1/sources",
}


def candidates(id: str) -> list[str]:
    """Return the streams that an id can name: `ru-us/visas` can be an irritant or a round. Raises Failed."""
    if parse_stream(id) is not None:
        return [id]
    streams = [f"relation/{id}"] if is_relation(id) else [f"irritant/{id}", f"round/{id}"]
    if any(parse_stream(stream) is None for stream in streams):
        raise Failed(f'invalid id "{id}"; {id_remedy(id, f"use {_EXAMPLES}")}', Exit.USAGE)
    return streams


def address(stream: str) -> str:
    """Return the path of the document of a stream. Raises Failed for an actor, which has none."""
    kind, _, member = stream.partition("/")
    if kind not in _PATHS:
        raise Failed(f"{stream} has no document; `irritants history {stream}` lists its events", Exit.USAGE)
    return f"{_PATHS[kind]}/{member}"


def relation_of(stream: str) -> str | None:
    """Return the relation of a stream. None for sources and actors, which belong to none."""
    parts = parse_stream(stream)
    return parts.relation if parts else None


def find(service: Service, id: str, point: Query) -> tuple[str, dict[str, Any]]:
    """Return the stream of an id, and its document at a point in time. An actor has its names instead.

    Raises Failed if nothing of that name is on record.
    """
    streams = candidates(id)
    with naming_near(service, *streams):
        *others, last = streams
        for stream in others:
            try:
                return stream, service.read(address(stream), point)
            except ServiceProblem as refused:
                if refused.status != 404:
                    raise
        if last.startswith("actor/"):
            return last, _actor(service, last, point)
        return last, service.read(address(last), point)


def _actor(service: Service, stream: str, point: Query) -> dict[str, Any]:
    """Return the code, the kind and the names of an actor at a point in time. Raises Failed."""
    state = read_history(service, stream, point).state
    if not state.opened:
        when = " at this point in time" if point else ""
        listed_by = f"`{_LISTING['actor']}` lists what is on record"
        raise Failed(f"there is no {stream} on record{when}; check the name. {listed_by}", Exit.NOT_FOUND)
    title, *others = state.names
    return {"id": stream, "title": title, "actor": state.actor, "kind": state.kind, "other_names": others}


@contextmanager
def naming_near(service: Service, *streams: str) -> Iterator[None]:
    """Turn a 404 for these streams into an error that names them in words, and near names on record. Raises Failed."""
    try:
        yield
    except ServiceProblem as refused:
        if refused.status != 404:
            raise
        kinds = [stream.partition("/")[0] for stream in streams]
        member = streams[0].partition("/")[2]
        # For an earlier point, the service says that nothing "was" on record. The id may be right then.
        is_past = "was on record" in refused.sentence
        near = [] if is_past else [name for kind in kinds for name in _near(service, kind, member)]
        otherwise = "choose a later point" if is_past else "check the name"
        remedy = id_remedy(member, f"similar names: {listed(near)}" if near else otherwise)
        commands = " or ".join(f"`{_LISTING[kind]}`" for kind in kinds)
        sentence = f"there is no {' or '.join(_WORDS.get(kind, kind) for kind in kinds)} {member} on record"
        when = " at this point in time" if is_past else ""
        raise Failed(
            f"{sentence}{when}; {remedy}. {commands} lists what is on record", refused.code, refused.found
        ) from refused


_WORDS: Final[Mapping[str, str]] = {"source": "document"}
"""The word for a kind of stream, if people do not use the name of the kind."""
_LISTING: Final[Mapping[str, str]] = {
    "irritant": "irritants status",
    "round": "irritants rounds",
    "relation": "irritants get relations",
    "source": "irritants get sources",
    "actor": "irritants get events --param type=ActorRegistered",
}


def _near(service: Service, kind: str, member: str) -> list[str]:
    """Return the near ids of one kind, of the same relation. Empty if the key may not list them."""
    relation, _, slug = member.rpartition("/")
    if kind not in _PATHS:
        return []
    try:
        known = [str(item["id"]) for item in service.items(_PATHS[kind], {"relation": relation or None})]
    except ServiceProblem:
        return []
    begin = f"{relation}/" if relation else ""  # compare slugs only
    return [f"{begin}{near}" for near in nearest(slug, [id.removeprefix(begin) for id in known])]


def only_relation(service: Service, otherwise: str) -> str:
    """Return the only relation on record. Otherwise raise Failed, which begins with the text `otherwise`."""
    known = [str(relation["id"]) for relation in service.items("/v1/relations")]
    if len(known) != 1:
        raise Failed(f"{otherwise}; on record: {', '.join(known) or 'none'}", Exit.USAGE)
    return known[0]


def recorded(event: Mapping[str, Any]) -> Recorded:
    """Convert a CloudEvent to an event of the domain. Raises Failed if a later release recorded it."""
    versioned = _TYPE.fullmatch(event["type"])
    type, version = (versioned["type"], int(versioned["version"])) if versioned else ("", 0)
    try:
        payload = load_json(type, json.dumps(event["data"])) if version <= SCHEMA_VERSIONS.get(type, 0) else None
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


def read_history(service: Service, stream: str, point: Query = NO_PARAMETERS) -> History[Any]:
    """Return the history of a stream as it was on record at a point in time."""
    return history_of(stream, (event for event in events(service, {"stream": stream}) if _was_recorded(event, point)))


def find_event(service: Service, name: str) -> Recorded:
    """Return the event with this id, or with a name such as `ru-us/visas@7`. Raises Failed."""
    if _ID.fullmatch(name.lower()):
        return recorded(service.read(f"/v1/events/{name.lower()}"))
    stream, at, version = name.rpartition("@")
    if not at or not version.isdecimal():
        raise Failed(f'invalid event "{name}"; use its id, or an id with a version such as ru-us/visas@7', Exit.USAGE)
    last = 0
    for candidate in candidates(stream):
        for event in events(service, {"stream": candidate}):
            if event.version == int(version):
                return event
            last = max(last, event.version)
    if not last:
        find(service, stream, NO_PARAMETERS)
    raise Failed(
        f"there is no event {name} on record; {stream} has @1 to @{last}, which `irritants history {stream}` lists",
        Exit.NOT_FOUND,
    )


def reference(event: Recorded) -> str:
    """Return the short name of an event, such as `ru-us/visas@7`. `find_event` takes it."""
    kind, _, member = event.stream.partition("/")
    return f"{event.stream if kind in ('source', 'actor') else member}@{event.version}"


def _was_recorded(event: Recorded, point: Query) -> bool:
    if (position := point.get("as_of_position")) is not None:
        return event.position <= int(str(position))
    if (known_at := point.get("known_at")) is not None:
        return event.recorded_at <= datetime.fromisoformat(str(known_at))
    return True
