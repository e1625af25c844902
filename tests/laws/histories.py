"""Random histories of one irritant: late, corrected, retracted, contested and repeated assertions, in any order.

Two kinds. `records` are events as a store could hold them, also such as no filing lets through (names of what is not on
record, corrections that no longer fit): whatever reads a history must read these. `drafts` are what a desk would try to
file; `filed` files them one by one and leaves out what is refused.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from service.domain.assertion import Contract, Recorded
from service.domain.catalogue import EVENT_TYPES, load
from service.domain.errors import Refused
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History
from service.domain.ladder import RUNGS
from service.domain.report import Proposed, Report
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

_acting = st.sampled_from(("RU", "US", "both"))
_words = st.sampled_from((None, "understanding", "assurances", "committed"))
_line = st.sampled_from(("one", "other"))
_rung = st.sampled_from(RUNGS)


@dataclass(frozen=True)
class Draft:
    """An event that a desk would file. What it names is the number of an earlier draft."""

    type: str
    payload: dict[str, Any]
    names: dict[str, int]

    def event(self, ids: Sequence[str]) -> Contract:
        return load(self.type, {**self.payload, **{field: ids[n] for field, n in self.names.items()}})


_PAYLOADS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ConcernRaised": {},
    "ProposalTabled": {"kind": st.sampled_from(("offer", "demand")), "addressee": _acting, "terms": _line},
    "ProposalAnswered": {"answer": st.sampled_from(("accepted", "rejected", "deferred", "countered"))},
    "DiscussionReported": {"form": st.just("talks")},
    "UnderstandingReported": {"terms": _line},
    "InstrumentExchanged": {
        "kind": st.just("exchange_of_notes"),
        "with": st.sampled_from((None, None, ["TR"])),
        "valid_until": st.sampled_from((None, "2025-06-30")),
    },
    "InstrumentStated": {
        "state": st.sampled_from(("in_force", "suspended", "extended", "terminated", "expired")),
        "valid_until": st.sampled_from((None, "2026-06-30")),
    },
    "NextStepAgreed": {
        "step": st.sampled_from(STEPS),
        "owner": _acting,
        "action": _line,
        "due": st.sampled_from((None, "2025-03-01")),
    },
    "NextStepClosed": {"step": st.sampled_from(STEPS), "outcome": st.sampled_from(("done", "lapsed", "dropped"))},
    "ImplementationReported": {"act": _line, "actor": _acting},
    "ResolutionDeclared": {"extent": st.sampled_from((None, "full", "partial"))},
    "ProgressReversed": {"to": _rung, "by": _acting, "reason": _line},
    "BreachAlleged": {"by": _acting, "reason": _line},
    "HoldPlaced": {
        "kind": st.sampled_from(("stalled", "suspended")),
        "by": st.sampled_from((None, "RU", "US", "both")),
        "reason": _line,
    },
    "LinkageStated": {"with": st.just("ru-us/visas"), "kind": st.just("package")},
    "HoldLifted": {},
    "IrritantReopened": {"to": _rung, "reason": _line},
    "IrritantWithdrawn": {"reason": _line},
    "ItemAdded": {"item": st.sampled_from(ITEMS), "kind": _line, "name": _line, "place": _line},
    "ItemStatusChanged": {"item": st.sampled_from(ITEMS), "status": st.sampled_from(("outstanding", "settled"))},
    "ReversibilityStated": {"reversible": st.booleans()},
    "PositionStated": {"stance": st.sampled_from(("priority", "open", "red_line"))},
    "EvidenceAdded": {},
    "ClaimContested": {},
    "AssertionCorrected": {"reason": _line},
    "AssertionRetracted": {"reason": _line},
}
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
# Corrected and denied, retracted and reversed more often than a desk would, since there the rules meet.
KINDS = (*_PAYLOADS, *ADVANCING, *ADVANCING, *("EvidenceAdded", "ClaimContested", "ProgressReversed", *KEEPING) * 2)
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


@st.composite
def draft(draw: st.DrawFn, earlier: Sequence[Draft], kinds: Sequence[str], dates: Sequence[str | None]) -> Draft:
    """One more event, which may name any of the earlier."""
    type = draw(st.sampled_from(kinds))
    payload = {name: value for name, s in _PAYLOADS[type].items() if (value := draw(s)) is not None}
    names = {}
    if type in _NAMES:
        field, fits = _NAMES[type]
        # Mostly what a desk would name, and at times anything, be it the opening.
        fitting = [n for n, e in enumerate(earlier, 1) if e.type in fits] or [0]
        anything = draw(st.integers(0, 7)) == 7
        names[field] = draw(st.integers(0, len(earlier)) if anything else st.sampled_from(fitting))
    if type == "AssertionCorrected":
        corrected = earlier[names["target"] - 1].type if names["target"] else "IrritantOpened"
        payload["changes"] = draw(_changes(corrected))
    if type in KEEPING:
        return Draft(type, payload, names)
    payload |= draw(telling())
    if type != "EvidenceAdded":
        payload |= {"occurred": day} if (day := draw(st.sampled_from(dates))) else {}
        if earlier and draw(st.integers(0, 9)) == 0:
            names["after"] = draw(st.integers(1, len(earlier)))
    return Draft(type, payload, names)


def _changes(corrected: str) -> st.SearchStrategy[dict[str, Any]]:
    """Twice as often what an event of this type has than anything."""
    fields = EVENT_TYPES[corrected].model_fields
    fitting = st.sampled_from([changes for changes in _CHANGES if changes.keys() <= fields.keys()] or _CHANGES)
    return fitting | fitting | st.sampled_from(_CHANGES)


@st.composite
def telling(draw: st.DrawFn, voices: Sequence[str] = VOICES) -> dict[str, Any]:
    """Who says it, how, and where that is read."""
    party = draw(st.sampled_from(voices))
    channel = "outlet" if party == "MEDIA" else draw(st.sampled_from(("quote", "attributed")))
    origin = f"{party.lower()}-{draw(st.sampled_from((1, 2)))}"
    wording = draw(_words)
    return {
        "asserted_by": {"party": party, "channel": channel},
        "source": {"document": "paper", "paragraphs": [1], "origin": origin},
        "summary": "said",
        **({"wording": wording} if wording else {}),
    }


@st.composite
def drafts(
    draw: st.DrawFn, upto: int = 14, kinds: Sequence[str] = KINDS, dates: Sequence[str | None] = DATES
) -> list[Draft]:
    planned: list[Draft] = []
    for _ in range(draw(st.integers(1, upto))):
        planned.append(draw(draft(planned, kinds, dates)))
    return planned


OPENED = load("IrritantOpened", {"type": "IrritantOpened", "title": "Visas", "category": "visas"})


def record(planned: Iterable[Draft]) -> list[Recorded]:
    """The drafts as a store would hold them, unjudged, after the opening. The id of an event tells its number."""
    planned = list(planned)
    ids = [name(n) for n in range(len(planned) + 1)]
    return [recorded(1, OPENED), *(recorded(n + 2, d.event(ids)) for n, d in enumerate(planned))]


def name(number: int) -> str:
    return f"event-{number}"


def recorded(position: int, event: Contract, id: str | None = None) -> Recorded:
    return Recorded(
        position=position,
        stream=STREAM,
        version=position,
        id=id or name(position - 1),
        type=type(event).__name__,
        data=event,
        actor="desk",
        # Two events a report, so that some are judged after others of their own report.
        report=f"report-{position // 2}",
        correlation="",
        causation=None,
        recorded_at=BEGAN + timedelta(hours=position),
    )


def records(**limits: Any) -> st.SearchStrategy[list[Recorded]]:
    return drafts(**limits).map(record)


def filed(planned: Iterable[Draft]) -> dict[str, History[Any]]:
    """The record after the drafts were filed one after another, each a report of its own; without what was refused."""
    histories = dict(_BEFORE)
    ids = [name(0)]
    for number, plan in enumerate(planned, 1):
        event = plan.event(ids)
        ids.append(name(number))
        report = Report("ru-us", None, "title", events=(Proposed(0, None, STREAM, event),))
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
