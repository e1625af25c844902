"""Read a filed report: events for several streams, which are recorded together or not at all.

A report in JSON is `{"relation": "ru-us", "round": …, "title": …, "events": [{"type": …, "stream": …, …}, …]}`. `read`
reads each event on its own, so that an invalid event does not hide mistakes in the others. `filing.decide` then checks
the report against the record.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, create_model

from service.domain.actors import CODES
from service.domain.assertion import ACTOR_FIELDS, EventModel, HandlingChanged, Line, Slug
from service.domain.catalogue import EVENT_TYPES, KINDS, Kind, nearest_type
from service.domain.errors import Malformed, NotAStream, NotValid, Refusal
from service.domain.mistakes import alternatives, kind_of_json
from service.domain.mistakes import mistakes as mistakes_in
from service.domain.nearby import ID_OF_A_RELATION
from service.domain.streams import is_relation, parse_stream, relation_meant, stream_meant

MAX_EVENTS: Final = 10_000

_NO_OBJECT: Final = "The body is {}. Send one object with the fields `relation`, `title` and `events`"

Ref = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]


class FiledFields(EventModel):
    """The fields that an event has only in a report. `ref`: a name by which other events of the report refer to it.

    `handling`: its handling label, such as `restricted`. Without one it has that of the report, or a more restricted
    one if it depends on an event with that.
    """

    ref: Ref | None = None
    stream: str
    handling: Slug | None = None


@cache
def filed_model(type: str) -> type[EventModel]:
    """Return the model of an event in a report: the fields of its type, with `ref` and `stream`."""
    event = EVENT_TYPES[type]
    return create_model(f"{type}Filed", __base__=(event, FiledFields), __doc__=event.__doc__)


class ReportHead(BaseModel):
    """A report without its events.

    `round`: the round that it reports on. `expect`: for each stream the version that the client last saw. If one has
    changed, the report is refused. `handling`: the handling label of events without their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    relation: str
    round: Slug | None = None
    title: Line
    expect: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    handling: Slug | None = None


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """A valid event of a report. `index`: its place in the report, from 0. `handling`: its label, None without one."""

    index: int
    ref: str | None
    stream: str
    data: EventModel
    handling: str | None = None

    @property
    def type(self) -> str:
        return type(self.data).__name__


class CitedParagraph(NamedTuple):
    """The number of a paragraph, from 1, with its place in the list of cited paragraphs, from 0."""

    place: int
    number: int


class ActorInField(NamedTuple):
    """The code of a state, and the field that has it, such as `addressee`."""

    field: str
    actor: str


@dataclass(frozen=True, slots=True)
class InvalidEvent:
    """The readable parts of an invalid event, so that references in it are checked as well.

    `index`: its place in the report, from 0. `registers`: the names that other events of the report may refer to, as in
    `names_registered`.
    """

    index: int
    type: str | None
    stream: str
    document: str | None
    paragraphs: tuple[CitedParagraph, ...]
    origin: str | None
    asserter: str | None
    actors: tuple[ActorInField, ...]
    registers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """A report as read.

    `relation` and `title` are empty if they cannot be read. `expect`: as in `ReportHead`. `events`: the valid events.
    `mistakes`: all mistakes in the others. `broken_refs`: the refs of invalid events.
    """

    relation: str
    round: str | None
    title: str
    expect: Mapping[str, int] = field(default_factory=dict)
    events: tuple[ReportEvent, ...] = ()
    mistakes: tuple[Refusal, ...] = ()
    broken_refs: frozenset[str] = frozenset()
    invalid_events: tuple[InvalidEvent, ...] = ()
    handling: str | None = None


def read(body: object) -> Report:
    """Read the body of a report (JSON types). Never raise: the report has all mistakes, each with its JSON Pointer."""
    if not isinstance(body, Mapping):
        mistake = Malformed("", why=_NO_OBJECT.format(kind_of_json(body)))
        return Report(relation="", round=None, title="", mistakes=(mistake,))
    mistakes: list[Refusal] = []
    head = _head({k: v for k, v in body.items() if k != "events"}, mistakes)
    valid, broken_refs, invalid = _events(body.get("events"), mistakes)
    relation = ""
    if head is not None:
        # Use the relation that is meant, so that its events are not refused as of another relation as well.
        relation = head.relation if is_relation(head.relation) else relation_meant(head.relation) or ""
    return Report(
        relation=relation,
        round=head.round if head else None,
        title=head.title if head else "",
        expect=head.expect if head else {},
        events=valid,
        mistakes=tuple(_without_consequences(mistakes, body.get("events"), invalid)),
        broken_refs=broken_refs,
        invalid_events=invalid,
        handling=head.handling if head else None,
    )


def _head(body: dict[str, object], mistakes: list[Refusal]) -> ReportHead | None:
    """Read a report without its events. If it is invalid, return None. Add all mistakes to `mistakes`."""
    relation, round = body.get("relation"), body.get("round")
    if isinstance(relation, str) and isinstance(round, str):
        # A round can be named by its id or by its slug.
        meant = relation_meant(relation) or relation
        body = {**body, "round": round.removeprefix(f"{relation}/").removeprefix(f"{meant}/")}
    try:
        head = ReportHead.model_validate(body)
    except ValidationError as error:
        mistakes += malformed(error, "", ReportHead, also=("events",))
        return None
    if not is_relation(head.relation):
        right = relation_meant(head.relation)
        remedy = f". Use {right}" if right else ", such as ru-us"
        mistakes.append(Malformed("/relation", why=f"`relation` must be {ID_OF_A_RELATION}{remedy}"))
    for stream in head.expect:
        if parse_stream(stream) is None:
            mistakes.append(NotAStream(f"/expect/{escaped(stream)}", stream=stream, meant=stream_meant(stream)))
    return head


def _events(
    events: object, mistakes: list[Refusal]
) -> tuple[tuple[ReportEvent, ...], frozenset[str], tuple[InvalidEvent, ...]]:
    """Return the valid events of a report, the refs of invalid events, and the readable parts of invalid events.

    Add all mistakes to `mistakes`.
    """
    if not isinstance(events, list | tuple) or not events:
        mistakes.append(
            Malformed(
                "/events",
                why="`events` is missing or empty. Give at least one event, with `stream` and `type`",
            )
        )
        return (), frozenset(), ()
    if len(events) > MAX_EVENTS:
        mistakes.append(Malformed("/events", why=f"`events` has more than {MAX_EVENTS} events. Divide the report"))
        return (), frozenset(), ()
    valid: list[ReportEvent] = []
    refs: set[str] = set()
    broken_refs: set[str] = set()
    invalid: list[InvalidEvent] = []
    for index, body in enumerate(events):
        event = read_event(index, body, mistakes)
        ref = body.get("ref") if isinstance(body, Mapping) else None
        if isinstance(ref, str) and ref in refs:
            mistakes.append(
                Malformed(f"/events/{index}/ref", why=f"`ref` {ref} is used twice. Give each event another `ref`")
            )
        elif isinstance(ref, str):
            refs.add(ref)
        if event is not None:
            valid.append(event)
            continue
        if isinstance(ref, str):
            broken_refs.add(ref)
        if isinstance(body, Mapping):
            invalid.append(_readable_parts(index, body))
    return tuple(valid), frozenset(broken_refs), tuple(invalid)


def _readable_parts(index: int, body: Mapping[str, object]) -> InvalidEvent:
    """Return the readable parts of an invalid event."""
    source, by = body.get("source"), body.get("asserted_by")
    cited: Mapping[str, object] = source if isinstance(source, Mapping) else {}
    asserted_by: Mapping[str, object] = by if isinstance(by, Mapping) else {}
    numbers = cited.get("paragraphs")
    paragraphs = map(CitedParagraph._make, enumerate(numbers if isinstance(numbers, list) else ()))
    actors = ((field, _text(body.get(field))) for field in ACTOR_FIELDS)
    stream = _text(body.get("stream")) or ""
    return InvalidEvent(
        index=index,
        type=_text(body.get("type")),
        stream=stream,
        document=_text(cited.get("document")),
        # `True` is an `int` for `isinstance`.
        paragraphs=tuple(paragraph for paragraph in paragraphs if type(paragraph.number) is int),
        origin=_text(cited.get("origin")),
        asserter=_text(asserted_by.get("party")),
        actors=tuple(ActorInField(field, actor) for field, actor in actors if actor and actor in CODES),
        registers=frozenset(names_registered(_text(body.get("type")), stream, body)),
    )


OPENED_KINDS: Final[Mapping[str, Kind]] = {
    "IrritantOpened": "irritant",
    "RelationOpened": "relation",
    "RoundAnnounced": "round",
    "RoundScheduled": "round",
    "RoundConvened": "round",
    "SourceRegistered": "source",
    "ActorRegistered": "actor",
}
"""The types that can open a stream, each with the kind of the stream."""
_SLUG_FIELDS: Final = {"OriginRegistered": "origin", "NextStepAgreed": "step", "ItemAdded": "item"}
"""The types that register a slug, each with the field that has the slug."""
_BEGINNINGS: Final = frozenset((*(f"{kind}/" for kind in OPENED_KINDS.values()), "origin ", "step ", "item "))
"""How the names begin that events register."""


def names_registered(type: str | None, stream: str, fields: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that an event registers. Other events can refer to them.

    A name is a stream, or a field with its slug, such as `origin ria-12`, `step flights` or `item a4`. If the event has
    no valid stream or slug, yield only the beginning, such as `source/` or `origin `: it may register any such name.
    """
    if type is not None and type in OPENED_KINDS:
        beginning = f"{OPENED_KINDS[type]}/"
        yield stream if stream.startswith(beginning) else beginning
    elif type is not None and type in _SLUG_FIELDS:
        field = _SLUG_FIELDS[type]
        yield f"{field} {_text(fields.get(field)) or ''}"
    elif type not in EVENT_TYPES:
        # The type may be a misspelling of any of these.
        if parse_stream(stream) is not None:
            yield stream
        yield from (f"{field} {slug}" for field in _SLUG_FIELDS.values() if (slug := _text(fields.get(field))))


def may_be_registered(name: str, registered: Collection[str]) -> bool:
    """Return whether `name` is in `registered`, or begins like a name there that could not be read in full."""
    return name in registered or any(name.startswith(part) for part in _BEGINNINGS if part in registered)


def _without_consequences(
    mistakes: Iterable[Refusal], events: object, invalid: Iterable[InvalidEvent]
) -> Iterator[Refusal]:
    """Yield the mistakes, without those in references to a name that an invalid event of the report registers.

    For example, if the slug of a document is invalid, each citation of it would be a further mistake.
    """
    names_of_invalid = frozenset[str]().union(*(event.registers for event in invalid))
    for mistake in mistakes:
        place = _REFERENCE.fullmatch(mistake.pointer)
        name = ""
        if place is not None and isinstance(events, list | tuple):
            name = _name_referred_to(events[int(place["index"])], place["field"])
        if name not in names_of_invalid:
            yield mistake


def _name_referred_to(event: Mapping[str, Any], field: str) -> str:
    """Return the name that an event refers to in a field, as in `names_registered`. Empty if it registers the name."""
    if field == "stream":
        return "" if _text(event.get("type")) in OPENED_KINDS else _text(event.get("stream")) or ""
    slug = _text(event["source"].get(field.removeprefix("source/")))
    return "" if slug is None else f"{_BEGINNING_OF[field]}{slug}"


_BEGINNING_OF: Final = {"source/document": "source/", "source/origin": "origin "}
_REFERENCE: Final = re.compile(r"/events/(?P<index>[0-9]+)/(?P<field>stream|source/document|source/origin)")
"""The JSON Pointer to a field that refers to a name."""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def read_event(index: int, body: object, mistakes: list[Refusal]) -> ReportEvent | None:
    """Return an event of a report. If it is invalid, return None and add the reasons to `mistakes`."""
    place = f"/events/{index}"
    if not isinstance(body, Mapping):
        why = f"The event is {kind_of_json(body)}. Give an object with `stream`, `type` and the fields of that type"
        mistakes.append(Malformed(place, why=why))
        return None
    type = body.get("type")
    if not isinstance(type, str) or type not in EVENT_TYPES:
        mistakes.append(
            Malformed(
                f"{place}/type", why=_why_no_type(type, body.get("stream"), suggest=len(mistakes) < _MOST_SUGGESTIONS)
            )
        )
        mistakes += _stream_mistakes(place, body.get("stream"))
        return None
    try:
        filed: Any = _filed_adapter(type).validate_python(body)
    except ValidationError as error:
        mistakes += malformed(error, place, filed_model(type))
        mistakes += _stream_mistakes(place, body.get("stream"))
        return None
    if stream_mistakes := list(_stream_mistakes(place, filed.stream)):
        mistakes += stream_mistakes
        return None
    # `filed` is valid already, so its fields are copied without a second validation.
    data = EVENT_TYPES[type].model_construct(**{key: getattr(filed, name) for key, name in _fields_of(type)})
    return ReportEvent(index, filed.ref, filed.stream, data, filed.handling)


@cache
def _fields_of(type: str) -> tuple[tuple[str, str], ...]:
    """Return the fields of an event type: the key in JSON and the name in Python of each."""
    return tuple((info.alias or name, name) for name, info in EVENT_TYPES[type].model_fields.items())


def _stream_mistakes(place: str, stream: object) -> Iterator[Refusal]:
    """Yield the mistake in the name of a stream, if it has one. `place`: the JSON Pointer to the event."""
    if isinstance(stream, str) and parse_stream(stream) is None:
        shown = stream[:_LONGEST_ID]
        yield NotAStream(f"{place}/stream", stream=shown, meant=stream_meant(shown))


def _why_no_type(type: object, stream: object, *, suggest: bool) -> str:
    """Return why this is no type of event.

    With `suggest`, add the type that is meant, or else all types that the stream takes.
    """
    shown = f"{type[:_LONGEST_TYPE]} is not a type of event" if isinstance(type, str) else "`type` must be a name"
    wrong = "`type` is missing" if type is None else shown
    if isinstance(type, str) and suggest and (nearest := _nearest_type(type[:_LONGEST_TYPE])) is not None:
        return f"{wrong}. Use `{nearest}`"
    name = parse_stream(stream) if isinstance(stream, str) else None
    if name is None or not suggest:
        return f"{wrong}. Give one such as `ConcernRaised`. The page /help lists all types"
    speech = (
        ""
        if name.relation
        else ". What a side says of a problem is filed on its irritant, for example as `ConcernRaised`"
    )
    allowed = f"Allowed on {name.kind}/{name.member}: {alternatives(types_on(name.kind))}"
    return f"{wrong}. {allowed}. The page /help says what each means{speech}"


def types_on(kind: Kind) -> list[str]:
    """Return all types of events that streams of a kind take, except those that only administrators file."""
    return [type for type in EVENT_TYPES if type in KINDS[kind] and type != HandlingChanged.__name__]


_LONGEST_ID: Final = 120
_LONGEST_TYPE: Final = 80
_MOST_SUGGESTIONS: Final = 200
"""The limit on suggestions, because each takes a millisecond and a report can have 10,000 events of unknown types."""
_nearest_type: Final = lru_cache(maxsize=256)(nearest_type)


@cache
def _filed_adapter(type: str) -> TypeAdapter[Any]:
    return TypeAdapter(filed_model(type))


def malformed(error: ValidationError, place: str, model: type[BaseModel], also: Sequence[str] = ()) -> list[NotValid]:
    """Return all mistakes in a value of a model that pydantic found, with JSON Pointers below `place`.

    `also`: further fields that the client can send there.
    """
    return [
        Malformed(place + "".join(f"/{escaped(part)}" for part in path), why=why)
        for path, why in mistakes_in(error, model, also)
    ]


def escaped(part: str) -> str:
    """Return a part of a JSON Pointer with `~` and `/` escaped (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
