"""Random histories of one irritant, with late, corrected, retracted, contested and repeated assertions in any order.

`records` are events as a store could hold them, including events that filing would refuse (unknown targets, corrections
that no longer fit). Every reader of a history must read them. `drafts` are events that a desk would try to file, and
`filed` files them one by one and leaves out the refused ones.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

from hypothesis import strategies as st

from service.domain.assertion import EventModel, Recorded
from service.domain.catalogue import EVENT_TYPES, load
from service.domain.errors import Refused
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History, StreamAtPoint
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS
from service.domain.report import Report, ReportEvent
from service.domain.streams import history_of

STREAM = "irritant/ru-us/visas"
BEGAN = datetime(2025, 5, 1, tzinfo=UTC)
VOICES = ("RU", "US", "JOINT", "MEDIA", "TR")
ORIGINS = tuple(f"{voice.lower()}-{n}" for voice in VOICES for n in (1, 2))
STEPS = ("talks", "list")
ITEMS = ("house", "dacha")
DATES = (
    None,
    "2025-01-01",
    "2025-01-02",
    "2025-01-03",
    "2025-01-02~",
    "[2025-01-01..2025-01-03]",
    "[2025-01-02..]",
    "[..2025-01-02]",
    "2025-01-01/2025-01-04",
    "2025-01",
)

CHANNELS = ("quote", "paraphrase", "attributed", "leaked")
"""Those of the sides and of third parties; media have a channel of their own."""

_ACTING = ("RU", "US", "both")
_OF_ANY_ACTOR = ("RU", "US", "both", "TR")
_WORDS = (None, "understanding", "assurances", "committed")
_LINE = ("one", "other")


@dataclass(frozen=True)
class Draft:
    """An event that a desk would file. It refers to an earlier draft by its number."""

    type: str
    payload: dict[str, Any]
    names: dict[str, int]

    def event(self, ids: Sequence[str]) -> EventModel:
        return load(self.type, {**self.payload, **{field: ids[n] for field, n in self.names.items()}})


_PAYLOADS: dict[str, dict[str, Sequence[Any]]] = {
    "ConcernRaised": {},
    "ProposalTabled": {
        "kind": ("offer", "request", "demand"),
        "addressee": (*_ACTING, "both"),
        "terms": _LINE,
        "due": (None, "2025-03-01"),
    },
    "ProposalAnswered": {"answer": ("accepted", "rejected", "rejected", "deferred", "countered")},
    "DiscussionReported": {"form": ("talks",)},
    "UnderstandingReported": {"terms": _LINE, "valid_until": (None, "2025-04-30")},
    "InstrumentExchanged": {
        "kind": ("exchange_of_notes",),
        "with": (None, ["TR"]),
        "valid_until": (None, "2025-06-30"),
    },
    "InstrumentStated": {
        "state": ("in_force", "suspended", "extended", "terminated", "expired"),
        "valid_until": (None, "2026-06-30"),
    },
    "NextStepAgreed": {
        "step": STEPS,
        "owner": _OF_ANY_ACTOR,
        "action": _LINE,
        "due": (None, "2025-03-01"),
        "quantity": (None, None, {"value": 48, "unit": "hours"}),
    },
    "NextStepClosed": {"step": STEPS, "outcome": ("done", "lapsed", "dropped")},
    "ImplementationReported": {
        "act": _LINE,
        "actor": _OF_ANY_ACTOR,
        "extent": (None, {"done": 3, "of": 5, "unit": "sites"}),
    },
    "ResolutionDeclared": {"extent": (None, "full", "partial")},
    "ProgressReversed": {"to": RUNGS, "by": _ACTING, "reason": _LINE},
    "BreachAlleged": {"by": _ACTING, "reason": _LINE},
    "HoldPlaced": {
        "kind": ("stalled", "suspended"),
        "by": (None, "RU", "US", "both"),
        "reason": _LINE,
    },
    "LinkageStated": {"with": ("ru-us/visas",), "kind": ("package",)},
    "HoldLifted": {},
    "IrritantReopened": {"to": RUNGS, "reason": _LINE},
    "IrritantWithdrawn": {"reason": _LINE},
    "ItemAdded": {"item": ITEMS, "kind": _LINE, "name": _LINE, "place": _LINE},
    "ItemStatusChanged": {
        "item": ITEMS,
        "status": ("outstanding", "partly", "settled"),
    },
    "ReversibilityStated": {"reversible": (False, True)},
    "PositionStated": {"stance": ("priority", "open", "no_comment", "red_line")},
    "EvidenceAdded": {},
    "ClaimContested": {},
    "AssertionCorrected": {"reason": _LINE},
    "AssertionRetracted": {"reason": _LINE},
}
_payloads = {
    type: st.sampled_from(
        [
            {name: value for name, value in zip(fields, values, strict=True) if value is not None}
            for values in product(*fields.values())
        ]
    )
    for type, fields in _PAYLOADS.items()
}
"""Each payload is one draw: drawn field by field, histories took twice as long."""
ADVANCING = (
    "ConcernRaised",
    "ProposalTabled",
    "DiscussionReported",
    "UnderstandingReported",
    "InstrumentExchanged",
    "NextStepAgreed",
    "ImplementationReported",
    "ResolutionDeclared",
)
KEEPING = ("AssertionCorrected", "AssertionRetracted")
_TELLING = tuple(type for type in _PAYLOADS if type not in (*KEEPING, "EvidenceAdded"))
_NAMES = {
    "ProposalAnswered": ("proposal", ("ProposalTabled",)),
    "InstrumentStated": ("instrument", ("InstrumentExchanged",)),
    "EvidenceAdded": ("target", _TELLING),
    "ClaimContested": ("target", (*_TELLING, "EvidenceAdded")),
    "AssertionCorrected": ("target", (*_PAYLOADS,)),
    "AssertionRetracted": ("target", (*_PAYLOADS,)),
}
_FOLLOWS = {"ProposalAnswered": "ProposalTabled", "InstrumentStated": "InstrumentExchanged"}
"""Without the one, the other would have no effect. So the one is drawn in its place."""
_MAY_NAME = {
    "UnderstandingReported": ("instrument", ("InstrumentExchanged",)),
    "InstrumentExchanged": ("instrument", ("InstrumentExchanged",)),
    "ImplementationReported": ("instrument", ("InstrumentExchanged",)),
    "ProgressReversed": ("undoes", ADVANCING),
    "BreachAlleged": ("target", ADVANCING),
}
# More corrections, denials, retractions and reversals than a desk would file, because there the rules interact.
_UNTIDY = ("EvidenceAdded", "ClaimContested", "ProgressReversed", *KEEPING)
KINDS = (*_PAYLOADS, *ADVANCING, *ADVANCING, *_UNTIDY, *_UNTIDY)
_THEMES = (
    ("ProposalTabled", "ProposalAnswered"),
    ("InstrumentExchanged", "InstrumentStated"),
    ("HoldPlaced", "HoldLifted", "PositionStated"),
    ("UnderstandingReported", "ClaimContested", "BreachAlleged"),
    ("ResolutionDeclared", "ProgressReversed", "IrritantReopened"),
)
_kinds = st.sampled_from([KINDS, *((*KINDS, *_UNTIDY * 4, *theme * (len(KINDS) // len(theme))) for theme in _THEMES)])
"""Most histories have a theme, to which many of their events belong. So rare types, too, meet in one history."""
_CHANGES: tuple[dict[str, Any], ...] = (
    {"occurred": "2025-01-02"},
    {"occurred": None},
    {"occurred": "[2025-01-01..]"},
    {"summary": "said otherwise"},
    {"to": "raised"},
    {"to": "understanding"},
    {"step": "talks"},
    {"owner": "US"},
    {"kind": "agreement"},
    {"asserted_by": {"channel": "attributed"}},
    {"wording": "understood"},
    {"reason": "other"},
    {"nothing": "fits"},
)


def _draft(draw: st.DrawFn, earlier: Sequence[Draft], kinds: Sequence[str], dates: Sequence[str | None]) -> Draft:
    """Draw one more event, which may refer to any earlier one."""
    type = draw(st.sampled_from(kinds))
    if type in _FOLLOWS and not any(e.type == _FOLLOWS[type] for e in earlier):
        type = _FOLLOWS[type]
    payload: dict[str, Any] = {**draw(_payloads[type])}
    names: dict[str, int] = {}
    if type in _NAMES:
        field, fits = _NAMES[type]
        # Mostly a target that fits, and sometimes any event, including the opening.
        fitting = [n for n, e in enumerate(earlier, 1) if e.type in fits] or [0]
        anything = draw(st.integers(0, 7)) == 7
        names[field] = draw(st.integers(0, len(earlier)) if anything else st.sampled_from(fitting))
    elif type in _MAY_NAME and draw(st.integers(0, 3)) == 0:
        field, fits = _MAY_NAME[type]
        if fitting := [n for n, e in enumerate(earlier, 1) if e.type in fits]:
            names[field] = draw(st.sampled_from(fitting))
    if type == "AssertionCorrected":
        corrected = earlier[names["target"] - 1].type if names["target"] else "IrritantOpened"
        payload["changes"] = draw(_changes(corrected))
    if type in KEEPING:
        return Draft(type, payload, names)
    payload |= draw(_tellings)
    if type != "EvidenceAdded":
        payload |= {"occurred": day} if (day := draw(st.sampled_from(dates))) else {}
        if earlier and draw(st.integers(0, 9)) == 0:
            names["after"] = draw(st.integers(1, len(earlier)))
    return Draft(type, payload, names)


def _changes(corrected: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw changes, twice as often of fields of this type as of any field."""
    fields = EVENT_TYPES[corrected].model_fields
    fitting = st.sampled_from([changes for changes in _CHANGES if changes.keys() <= fields.keys()] or _CHANGES)
    return fitting | fitting | st.sampled_from(_CHANGES)


def _telling(party: str, channel: str, number: int, wording: str | None) -> dict[str, Any]:
    """Who says it, how, and where that is read."""
    return {
        "asserted_by": {"party": party, "channel": channel},
        "source": {"document": "paper", "paragraphs": [1], "origin": f"{party.lower()}-{number}"},
        "summary": "said",
        **({"wording": wording} if wording else {}),
    }


_tellings = st.sampled_from(VOICES).flatmap(
    {
        voice: st.sampled_from(
            [_telling(voice, *how) for how in product(("outlet",) if voice == "MEDIA" else CHANNELS, (1, 2), _WORDS)]
        )
        for voice in VOICES
    }.__getitem__
)


@st.composite
def drafts(
    draw: st.DrawFn, upto: int = 14, kinds: Sequence[str] = (), dates: Sequence[str | None] = DATES
) -> list[Draft]:
    """A random list of drafts, of these kinds; of all, where none is named."""
    planned: list[Draft] = []
    kinds = kinds or draw(_kinds)
    for _ in range(draw(st.integers(1, upto))):
        planned.append(_draft(draw, planned, kinds, dates))
    return planned


OPENED = load("IrritantOpened", {"type": "IrritantOpened", "title": "Visas", "category": "visas"})


def record(planned: Iterable[Draft]) -> list[Recorded]:
    """Return the drafts as a store would hold them, unjudged and after the opening. Ids contain the draft's number."""
    planned = list(planned)
    ids = [name(n) for n in range(len(planned) + 1)]
    return [recorded(1, OPENED), *(recorded(n + 2, d.event(ids)) for n, d in enumerate(planned))]


def name(number: int) -> str:
    return f"event-{number}"


def recorded(position: int, event: EventModel, id: str | None = None) -> Recorded:
    return Recorded(
        position=position,
        stream=STREAM,
        version=position,
        id=id or name(position - 1),
        type=type(event).__name__,
        data=event,
        actor="desk",
        # Two events per report, so that some are judged after another event of their report.
        report=f"report-{position // 2}",
        correlation="",
        causation=None,
        recorded_at=BEGAN + timedelta(hours=position),
    )


def records(**limits: Any) -> st.SearchStrategy[list[Recorded]]:
    return drafts(**limits).map(record)


class Point(NamedTuple):
    """A history, and where it is read: after so many of its events, and by which day; None is the present."""

    events: list[Recorded]
    upto: int
    on: date | None

    def reading(self) -> StreamAtPoint[Irritant]:
        return history_of(STREAM, self.events[: self.upto]).reading(self.on)


@st.composite
def points(draw: st.DrawFn) -> Point:
    """A random history at the present, or at an earlier point of one clock or of both."""
    events = draw(records())
    upto = draw(st.just(len(events)) | st.integers(1, len(events)))
    return Point(events, upto, draw(st.sampled_from((None, None, date(2025, 1, 2), date(2025, 1, 3)))))


def filed(planned: Iterable[Draft]) -> dict[str, History[Any]]:
    """File the drafts one after another, each as a report, and leave out the refused ones. Return the record."""
    histories = dict(_BEFORE)
    ids = [name(0)]
    for number, plan in enumerate(planned, 1):
        event = plan.event(ids)
        ids.append(name(number))
        report = Report("ru-us", None, "title", events=(ReportEvent(0, None, STREAM, event),))
        moment = BEGAN + timedelta(hours=number)
        envelope = Envelope(f"report-{number}", "desk", "", moment, histories[STREAM].position, iter(ids[-1:]).__next__)
        with suppress(Refused):
            histories |= decide(report, Record(histories, _ORIGIN_STREAMS), envelope).histories
    return histories


def _history(stream: str, *events: tuple[str, dict[str, Any]]) -> History[Any]:
    loaded = [recorded(1 + n, load(type, {"type": type, **payload})) for n, (type, payload) in enumerate(events)]
    return history_of(stream, loaded)


_ORIGIN_STREAMS = dict.fromkeys(ORIGINS, "source/paper")
_BEFORE: dict[str, History[Any]] = {
    STREAM: history_of(STREAM, [recorded(1, OPENED)]),
    "relation/ru-us": _history("relation/ru-us", ("RelationOpened", {"parties": ["RU", "US"], "title": "Talks"})),
    "source/paper": _history(
        "source/paper",
        ("SourceRegistered", {"publisher": "Paper"}),
        *(
            ("OriginRegistered", {"origin": o, "speaker": o, "party": o.split("-")[0].upper(), "channel": "quote"})
            for o in ORIGINS
        ),
    ),
}
