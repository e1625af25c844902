"""Random histories beyond what a desk would file: events of a kind in any order, with any references, dates and voices.

Each event is valid by itself. The history is not judged, because a later correction can make any history odd.
"""

from functools import cache, partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from service.domain.assertion import EventModel
from service.domain.catalogue import EVENT_TYPES, KINDS, Kind, load
from service.domain.ladder import RUNGS
from tests.build import STREAMS, Filed

DATES = st.sampled_from(
    ["2025-02-27", "2025-04-10", "2025-04-10~", "2025-05", "[2025-04-10..]", "[..2025-04-10]", "2025-02-27/2025-04-10"]
)
VOICES = st.sampled_from(["RU", "US", "JOINT", "MEDIA", "TR"])
STATES = st.sampled_from(["RU", "US", "TR"])
SIDES = st.sampled_from(["RU", "US", "both"])
WORDS = st.sampled_from(["ease", "banking", "ukraine"])
EVENTS = st.integers(1, 6).map("e{}".format)

NAMES = ("target", "proposal", "undoes", "after", "instrument")
NUMBERS = st.one_of(st.integers(0, 99), st.just("1.5"))

# By field name, where the type of a field is not enough.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "occurred": DATES,
    "due": DATES,
    "valid_until": DATES,
    "in_force_from": DATES,
    "quantity": st.fixed_dictionaries({"value": NUMBERS, "unit": WORDS}),
    "report": st.just("r1"),
    "title": WORDS,
    "published": DATES,
    "date": DATES,
    "party": STATES,
    "host": STATES,
    "owner": SIDES,
    "addressee": SIDES,
    "actor": SIDES,
    "by": SIDES,
    "to": st.sampled_from(RUNGS),
    **dict.fromkeys(NAMES, EVENTS),
    "parties": st.just(("RU", "US")),
    "organs": st.just(("White House",)),
    "names": st.sampled_from([("Alexander",), ("Aleksandr", "Alexander")]),
    "hours": st.integers(0, 9),
    "paragraphs": st.integers(1, 20),
    "round": st.just("ru-us/istanbul-april"),
    "merged_into": st.just("ru-us/visas"),
    "sha256": st.just("0" * 64),
    "address": st.just("https://example.org/"),
    "language": st.just("en"),
    "asserted_by": VOICES.map(lambda voice: {"party": voice, "channel": "outlet" if voice == "MEDIA" else "quote"}),
    "source": WORDS.map(lambda origin: {"document": "a0", "paragraphs": [1], "origin": origin}),
    "occurred_basis": st.just("stated"),
    "inference": st.none(),
    "changes": st.one_of(
        st.fixed_dictionaries({"occurred": DATES}),
        st.fixed_dictionaries({"asserted_by": st.fixed_dictionaries({"party": STATES, "channel": st.just("quote")})}),
        st.fixed_dictionaries({"place": st.just("Ankara")}),
    ),
}


# By event type, where fields of the same name differ.
SPECIAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ImplementationReported": {"extent": st.fixed_dictionaries({"done": NUMBERS, "of": NUMBERS, "unit": WORDS})},
    "ResolutionDeclared": {"extent": st.sampled_from(["full", "partial"])},
    "InstrumentExchanged": {"with": st.just(["TR"])},
    "LinkageStated": {"with": st.just("ru-us/visas")},
}


def payloads(type: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a payload of this event type, with or without its optional fields."""
    named = ((field.alias or name, field) for name, field in EVENT_TYPES[type].model_fields.items())
    fields = {name: field for name, field in named if name != "type"}
    special = {**FIELDS, **SPECIAL.get(type, {})}
    drawn = {name: special[name] if name in special else _by_type(field.annotation) for name, field in fields.items()}
    required = {name: drawn[name] for name, field in fields.items() if field.is_required()}
    return st.fixed_dictionaries(required, optional={name: s for name, s in drawn.items() if name not in required})


def _by_type(annotation: Any) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if annotation is bool:
        return st.booleans()
    if NoneType in get_args(annotation):
        return st.none() | WORDS
    return WORDS


def events(kind: Kind) -> st.SearchStrategy[EventModel]:
    """Draw any event that this kind of stream takes."""
    types = st.sampled_from(sorted(KINDS[kind]))
    return types.flatmap(_of_type)


@cache
def _of_type(type: str) -> st.SearchStrategy[EventModel]:
    return payloads(type).map(partial(load, type))


def records(kind: Kind) -> st.SearchStrategy[Filed]:
    """Draw a record of one stream, in reports of one to three events."""
    reports = st.lists(st.lists(events(kind), min_size=1, max_size=3), min_size=1, max_size=6)
    return reports.map(lambda filed: _filed(STREAMS[kind], filed))


def _filed(stream: str, reports: list[list[EventModel]]) -> Filed:
    filed = Filed()
    for report in reports:
        filed.file(stream)
        for event in report:
            filed.events.append(filed.next(stream, _looking_back(event, len(filed.events))))
    return filed


def _looking_back(event: EventModel, on_record: int) -> EventModel:
    """Replace references to later events by unknown ids, because no event can refer to a later one."""
    names = {name: id for name in NAMES if (id := getattr(event, name, None)) is not None}
    return event.model_copy(update={name: "nothing" for name, id in names.items() if int(id[1:]) > on_record})
