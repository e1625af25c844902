"""What the search finds: one hit for each event that says something or names something, with its words for the index.

A hit shows its event as it reads after corrections. It has no words, and so is not found, if the event was retracted.
`builder` stores a hit with the append of its event, and again with each correction or retraction of it, or of an event
that it names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from service.domain.actor.names import ActorNames
from service.domain.assertion import (
    AssertedBy,
    AssertionCorrected,
    AssertionRetracted,
    Citation,
    EventModel,
    HandlingChanged,
    Recorded,
    Statement,
    when,
)
from service.domain.catalogue import Kind, dump
from service.domain.corrections import WITHOUT_EFFECT, names_events
from service.domain.history import History
from service.domain.naming import Naming
from service.domain.source.events import SourceRegistered
from service.domain.streams import parse_stream
from service.projections.document import Document
from service.projections.words.documents import document_name
from service.projections.words.names import at_the_beginning, name_of
from service.projections.words.tokens import words_in

NAME: Final = "hit"
REPRESENTATION: Final = 4

NAMING: Final = frozenset(
    {
        "ActorRegistered",
        "IrritantOpened",
        "OriginRegistered",
        "PersonNamed",
        "RelationOpened",
        "RoundTitled",
        "SourceRegistered",
    }
)
"""The types of events that name something. Their hits come first, and words near to theirs are suggested."""

TEXTS: Final = frozenset(
    {
        *("about", "act", "action", "category", "format", "instrument", "item", "kind", "name", "names", "obstacle"),
        *("organ", "organs", "person", "place", "post", "publisher", "reason", "reference", "role", "speaker", "step"),
        *("subject", "summary", "terms", "title", "unit", "venue", "wording"),
    }
)
"""The fields whose words are found. A test compares them with the fields of all types of events."""
ACTORS: Final = frozenset({"actor", "addressee", "by", "host", "owner", "parties", "party", "with"})
"""The fields whose words are the names of actors."""
_TITLES: Final = ("title", "name", "names", "speaker")


class HitDocument(Document):
    """An event that was found. `about` is the id of the irritant, round, relation, source or actor that it belongs to.

    `text`: what it says or names, in the words of the operator. `sentence`: who says it, with the date. `names`: it
    names something. The other fields are as in the event after corrections, null where it has none.
    """

    event: str
    position: int
    kind: Kind
    about: str
    type: str
    names: bool
    text: str
    sentence: str
    asserted_by: AssertedBy | None
    occurred: str | None
    earliest: date | None
    latest: date | None
    wording: str | None
    source: Citation | None


class Hit(NamedTuple):
    """A hit to store. `changed` is the position of the last event that changed it. `document` is None if retracted."""

    event: Recorded
    changed: int
    document: HitDocument | None
    words: Collection[str]


def facets(document: HitDocument) -> Mapping[str, str]:
    """Return the values by which hits are filtered, without those that it does not have."""
    party = document.asserted_by.party if document.asserted_by else None
    days = {"earliest": document.earliest, "latest": document.latest}
    dates = {name: day.isoformat() for name, day in days.items() if day}
    irritant = {"irritant": document.about} if document.kind == "irritant" else {}
    return {"type": document.type, **({"party": party} if party else {}), **irritant, **dates}


def hits(history: History[Any], filed: Iterable[Recorded], naming: Naming) -> Iterator[Hit]:
    """Yield the hits of one stream that the events `filed` make or change. `history` ends with the last of them."""
    # The position of the last change of each event, by id.
    changed: dict[str, int] = {}
    for event in filed:
        if isinstance(event.data, HandlingChanged):
            continue
        if isinstance(event.data, AssertionCorrected | AssertionRetracted):
            changed |= dict.fromkeys(_amended(history, event), event.position)
        else:
            changed[event.id] = event.position
    # In the order of their last change, so that a replay of a part of the log yields them in the same order.
    pairs = ((position, history.recorded(id)) for id, position in changed.items())
    recorded = [(position, event) for position, event in pairs if event is not None]
    for position, event in sorted(recorded, key=lambda pair: (pair[0], pair[1].position)):
        yield _hit(history, event, position, naming.as_of(position))


def _amended(history: History[Any], amendment: Recorded) -> Iterator[str]:
    """Yield the ids of the event that an amendment changes, and of all events up to then that name it.

    An answer has no effect without its proposal, and an event without a date is not before the one that it follows.
    """
    root, seen = amendment, set[str]()
    while isinstance(root.data, AssertionCorrected | AssertionRetracted) and root.id not in seen:
        seen.add(root.id)
        target = history.recorded(root.data.target)
        if target is None:
            return
        root = target
    yield root.id
    changed = {root.id}
    for event in history.events:
        if event.position > amendment.position:
            return
        if not isinstance(event.data, WITHOUT_EFFECT) and not changed.isdisjoint(names_events(event.data)):
            changed.add(event.id)
            yield event.id


def _hit(history: History[Any], event: Recorded, changed: int, names: ActorNames) -> Hit:
    """Return the hit of an event. `changed`: the position of its last change. `names`: the names of actors then."""
    effect = history.effect(event.id)
    if effect is None:
        return Hit(event, changed, None, ())
    data = history.amendments.content_of(event)
    fields = dump(data)
    stream = parse_stream(event.stream)
    assert stream is not None
    # Evidence has the date of what it supports.
    occurred = getattr(effect.data, "occurred", None)
    span = when(occurred) if effect.earliest is None and effect.latest is None else effect
    said = data if isinstance(data, Statement) else None
    text = _text(fields, data, event.stream)
    document = HitDocument(
        event=event.id,
        position=event.position,
        kind=stream.kind,
        about=stream.member,
        type=event.type,
        names=event.type in NAMING,
        text=text,
        sentence=_sentence(text, said, names),
        asserted_by=said.asserted_by if said else None,
        occurred=occurred,
        earliest=span.earliest,
        latest=span.latest,
        wording=getattr(data, "wording", None),
        source=said.source if said else None,
    )
    texts = [stream.member.rpartition("/")[2]] if event.type in NAMING else []
    _collect(fields, names, "", texts)
    return Hit(event, changed, document, words_in(texts))


def _text(fields: Mapping[str, Any], data: EventModel, stream: str) -> str:
    """Return what an event says, or the names that it gives."""
    if isinstance(data, SourceRegistered):
        return document_name(data)
    if "summary" in fields:
        return str(fields["summary"])
    named = [fields[name] for name in _TITLES if fields.get(name)]
    if not named:
        return stream.rpartition("/")[2]
    return ", ".join(named[0]) if isinstance(named[0], list | tuple) else str(named[0])


def _sentence(text: str, said: Statement | None, names: ActorNames) -> str:
    if said is None:
        return text
    return f"{at_the_beginning(name_of(said.asserted_by.party, names))}: {text}"


def _collect(value: object, names: ActorNames, field: str, texts: list[str]) -> None:
    """Append to `texts` all texts for the index in a value of an event, and the names of the actors that it names.

    `field`: the field that has the value, empty for the event itself.
    """
    if isinstance(value, str):
        if field in TEXTS:
            texts.append(value)
        elif field in ACTORS:
            texts.append(name_of(value, names))
    elif isinstance(value, dict):
        for name, inner in value.items():
            _collect(inner, names, name, texts)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, names, field, texts)
