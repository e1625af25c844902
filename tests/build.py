"""Events, histories and records for tests, in short form: `given(opened(), understood("RU")).when(...).refused(...)`.

Fields that a test does not set have valid, neutral values. Events have the ids `e1`, `e2`, … by position, so one can
name another. Each call of `Filed.file` is one report, an hour after the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self, TypeVar

from service.domain.assertion import (
    AssertionCorrected,
    AssertionRetracted,
    ClaimContested,
    EventModel,
    EvidenceAdded,
    Recorded,
)
from service.domain.catalogue import KINDS, Kind, load
from service.domain.errors import Refusal
from service.domain.filing import JUDGES
from service.domain.history import History, StreamAtPoint
from service.domain.irritant import events as irritant
from service.domain.relation import events as relation
from service.domain.round import events as round_
from service.domain.source import events as source
from service.domain.streams import history_of, parse_stream

STREAMS: dict[Kind, str] = {
    "irritant": "irritant/ru-us/banking-access",
    "round": "round/ru-us/istanbul-april",
    "relation": "relation/ru-us",
    "source": "source/a0",
}
FIRST_REPORT = datetime(2025, 5, 1, 12, tzinfo=UTC)

E = TypeVar("E", bound=EventModel)


def said(
    type: type[E],
    asserter: str,
    /,
    *,
    on: str | None = None,
    inferred: str | None = None,
    channel: str | None = None,
    organ: str | None = None,
    speaker: str | None = None,
    document: str = "a0",
    paragraphs: tuple[int, ...] = (1,),
    origin: str | None = None,
    **fields: Any,
) -> E:
    """Return an assertion or evidence. `on` is `occurred`, `inferred` is `inference`, `fields` are the event's own."""
    own_voice = "outlet" if asserter == "MEDIA" else "quote"
    payload = {
        "summary": f"{type.__name__} by {asserter}.",
        **fields,
        "asserted_by": {"party": asserter, "organ": organ, "person": speaker, "channel": channel or own_voice},
        "source": {"document": document, "paragraphs": paragraphs, "origin": origin or f"{asserter.lower()}-statement"},
    }
    if on is not None:
        payload["occurred"] = on
    if inferred is not None:
        payload |= {"occurred_basis": "inferred", "inference": inferred}
    event = load(type.__name__, payload)
    assert isinstance(event, type)
    return event


# On any stream.


def evidence(target: str, party: str, **fields: Any) -> EvidenceAdded:
    return said(EvidenceAdded, party, target=target, **fields)


def contested(target: str, party: str, **fields: Any) -> ClaimContested:
    return said(ClaimContested, party, target=target, **fields)


def corrected(target: str, **changes: object) -> AssertionCorrected:
    return AssertionCorrected(target=target, changes=changes, reason="Misread.")


def retracted(target: str) -> AssertionRetracted:
    return AssertionRetracted(target=target, reason="Filed by mistake.")


# Irritants.


def opened(title: str = "Banking access", category: str = "banking") -> irritant.IrritantOpened:
    return irritant.IrritantOpened(title=title, category=category)


def raised(party: str, **fields: Any) -> irritant.ConcernRaised:
    return said(irritant.ConcernRaised, party, **fields)


def tabled(party: str, addressee: str = "US", **fields: Any) -> irritant.ProposalTabled:
    return said(irritant.ProposalTabled, party, **{"kind": "offer", "terms": "Terms.", **fields}, addressee=addressee)


def answered(proposal: str, party: str, answer: str = "accepted", **fields: Any) -> irritant.ProposalAnswered:
    return said(irritant.ProposalAnswered, party, proposal=proposal, answer=answer, **fields)


def discussed(party: str, form: str = "talks", **fields: Any) -> irritant.DiscussionReported:
    return said(irritant.DiscussionReported, party, form=form, **fields)


def understood(party: str, terms: str = "Terms.", **fields: Any) -> irritant.UnderstandingReported:
    return said(irritant.UnderstandingReported, party, terms=terms, **fields)


def exchanged(party: str, kind: str = "exchange_of_notes", **fields: Any) -> irritant.InstrumentExchanged:
    return said(irritant.InstrumentExchanged, party, kind=kind, **fields)


def step_agreed(party: str, step: str = "ease", owner: str = "both", **fields: Any) -> irritant.NextStepAgreed:
    return said(irritant.NextStepAgreed, party, **{"action": "An action.", **fields}, step=step, owner=owner)


def step_closed(party: str, step: str = "ease", outcome: str = "done", **fields: Any) -> irritant.NextStepClosed:
    return said(irritant.NextStepClosed, party, step=step, outcome=outcome, **fields)


def implemented(party: str, actor: str = "both", **fields: Any) -> irritant.ImplementationReported:
    return said(irritant.ImplementationReported, party, **{"act": "An act.", **fields}, actor=actor)


def settled(party: str, **fields: Any) -> irritant.ResolutionDeclared:
    return said(irritant.ResolutionDeclared, party, **fields)


# Reversals need a date. Without one of its own, an event that lowers a rung is later than all dates in tests.
LAST = "2025-12-31"


def reversed_to(to: str, party: str = "US", **fields: Any) -> irritant.ProgressReversed:
    told = {"by": party if party in ("RU", "US") else "both", "reason": "A reason.", "on": LAST, **fields}
    return said(irritant.ProgressReversed, party, **told, to=to)


def breach_alleged(party: str, by: str, **fields: Any) -> irritant.BreachAlleged:
    return said(irritant.BreachAlleged, party, **{"reason": "A reason.", **fields}, by=by)


def instrument_stated(party: str, instrument: str, state: str, **fields: Any) -> irritant.InstrumentStated:
    return said(irritant.InstrumentStated, party, instrument=instrument, state=state, **fields)


def linked(party: str, with_: str, kind: str = "package", **fields: Any) -> irritant.LinkageStated:
    return said(irritant.LinkageStated, party, **{"with": with_, "kind": kind, **fields})


def hold_placed(party: str, kind: str = "stalled", **fields: Any) -> irritant.HoldPlaced:
    return said(
        irritant.HoldPlaced,
        party,
        **{"by": party if party in ("RU", "US") else "both", "reason": "A reason.", **fields},
        kind=kind,
    )


def hold_lifted(party: str, **fields: Any) -> irritant.HoldLifted:
    return said(irritant.HoldLifted, party, **{"on": LAST, **fields})


def reopened(party: str, to: str = "raised", **fields: Any) -> irritant.IrritantReopened:
    return said(irritant.IrritantReopened, party, **{"reason": "A reason.", "on": LAST, **fields}, to=to)


def withdrawn(party: str, **fields: Any) -> irritant.IrritantWithdrawn:
    return said(irritant.IrritantWithdrawn, party, **{"reason": "A reason.", "on": LAST, **fields})


def item_added(item: str, party: str = "MEDIA", **fields: Any) -> irritant.ItemAdded:
    return said(irritant.ItemAdded, party, **{"kind": "dacha", "name": item, "place": "A place", **fields}, item=item)


def item_changed(item: str, party: str, status: str = "settled", **fields: Any) -> irritant.ItemStatusChanged:
    return said(irritant.ItemStatusChanged, party, item=item, status=status, **fields)


def reversible(party: str, *, reversible: bool = True, **fields: Any) -> irritant.ReversibilityStated:
    return said(irritant.ReversibilityStated, party, reversible=reversible, **fields)


def position_stated(party: str, stance: str = "priority", **fields: Any) -> irritant.PositionStated:
    return said(irritant.PositionStated, party, stance=stance, **fields)


# Rounds.


def announced(party: str, *, preliminary: bool = False, **fields: Any) -> round_.RoundAnnounced:
    return said(round_.RoundAnnounced, party, preliminary=preliminary, **fields)


def scheduled(party: str, date: str, place: str = "Istanbul", **fields: Any) -> round_.RoundScheduled:
    return said(round_.RoundScheduled, party, date=date, place=place, **fields)


def postponed(party: str, **fields: Any) -> round_.RoundPostponed:
    return said(round_.RoundPostponed, party, **fields)


def relocated(party: str, place: str, **fields: Any) -> round_.RoundRelocated:
    return said(round_.RoundRelocated, party, place=place, **fields)


def cancelled(party: str, **fields: Any) -> round_.RoundCancelled:
    return said(round_.RoundCancelled, party, **fields)


def convened(party: str, place: str = "Istanbul", **fields: Any) -> round_.RoundConvened:
    return said(round_.RoundConvened, party, place=place, **fields)


def venue_named(party: str, venue: str, **fields: Any) -> round_.RoundVenueNamed:
    return said(round_.RoundVenueNamed, party, venue=venue, **fields)


def head_named(
    asserter: str, party: str, person: str = "A person", role: str = "Envoy", **fields: Any
) -> round_.DelegationHeadNamed:
    return said(round_.DelegationHeadNamed, asserter, party=party, person=person, role=role, **fields)


def characterised(party: str, **fields: Any) -> round_.RoundCharacterised:
    return said(round_.RoundCharacterised, party, **fields)


def concluded(party: str, hours: int | None = None, qualifier: str = "exact", **fields: Any) -> round_.RoundConcluded:
    return said(round_.RoundConcluded, party, hours=hours, qualifier=qualifier, **fields)


# Relations.


def relation_opened(*parties: str, title: str = "Russia and the United States") -> relation.RelationOpened:
    return relation.RelationOpened(parties=parties or ("RU", "US"), title=title)


def process_started(party: str, **fields: Any) -> relation.ProcessStarted:
    return said(relation.ProcessStarted, party, **fields)


def format_decided(
    party: str, format: str = "Capitals", *, preliminary: bool = False, reversible: bool = False, **fields: Any
) -> relation.FormatDecided:
    return said(relation.FormatDecided, party, format=format, preliminary=preliminary, reversible=reversible, **fields)


def format_reversed(party: str, **fields: Any) -> relation.FormatDecisionReversed:
    return said(relation.FormatDecisionReversed, party, **fields)


def excluded(party: str, subject: str, **fields: Any) -> relation.ScopeExcluded:
    return said(relation.ScopeExcluded, party, subject=subject, **fields)


def obstacle_noted(party: str, obstacle: str, **fields: Any) -> relation.ObstacleNoted:
    return said(relation.ObstacleNoted, party, obstacle=obstacle, **fields)


def agrement_granted(party: str, person: str, post: str = "Ambassador", **fields: Any) -> relation.AgrementGranted:
    return said(relation.AgrementGranted, party, person=person, post=post, **fields)


def took_post(party: str, person: str, post: str = "Ambassador", **fields: Any) -> relation.EnvoyTookPost:
    return said(relation.EnvoyTookPost, party, person=person, post=post, **fields)


def no_comment(party: str, organs: tuple[str, ...], about: str, **fields: Any) -> relation.NoCommentRecorded:
    return said(relation.NoCommentRecorded, party, organs=organs, about=about, **fields)


def concern_noted(party: str, subject: str, **fields: Any) -> relation.ConcernNoted:
    return said(relation.ConcernNoted, party, subject=subject, **fields)


def emphasised(party: str, **fields: Any) -> relation.EmphasisStated:
    return said(relation.EmphasisStated, party, **fields)


def person_named(person: str, *names: str, role: str = "Envoy") -> relation.PersonNamed:
    return relation.PersonNamed(person=person, names=names, role=role)


def report_attributed(report: str, round: str) -> relation.ReportAttributed:
    return relation.ReportAttributed(report=report, round=round)


# Sources.


def registered(publisher: str = "A newspaper", **fields: Any) -> source.SourceRegistered:
    return source.SourceRegistered(publisher=publisher, **fields)


def origin_registered(origin: str, party: str = "RU", **fields: Any) -> source.OriginRegistered:
    channel = "outlet" if party == "MEDIA" else "quote"
    return source.OriginRegistered(**{"speaker": party, "channel": channel, **fields}, origin=origin, party=party)


# Histories and records.


class Filed:
    """A record made of reports, without rules and store. It assigns positions, versions, ids and times."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.reports = 0

    def file(self, stream: str, *events: EventModel) -> Self:
        """Add one report of these events, all on one stream."""
        self.reports += 1
        for event in events:
            self.events.append(self.next(stream, event))
        return self

    def next(self, stream: str, event: EventModel) -> Recorded:
        """Return the event as it would be recorded now, in the last report."""
        position = len(self.events) + 1
        return Recorded(
            position=position,
            stream=stream,
            version=sum(e.stream == stream for e in self.events) + 1,
            id=f"e{position}",
            type=type(event).__name__,
            data=event,
            actor="desk",
            report=f"r{self.reports}",
            correlation=f"c{self.reports}",
            causation=None,
            recorded_at=FIRST_REPORT + timedelta(hours=self.reports - 1),
        )

    def history(self, stream: str) -> History[Any]:
        return history_of(stream, (e for e in self.events if e.stream == stream))

    def reading(self, stream: str, effective_on: date | None = None, *, certain: bool = False) -> StreamAtPoint[Any]:
        return self.history(stream).reading(effective_on, certain=certain)


@dataclass(frozen=True)
class Outcome:
    """The result of new events: the extended history, or the refusal."""

    history: History[Any]
    refusal: Refusal | None

    def refused(self, error: type[Refusal], **facts: object) -> None:
        """Assert a refusal of this type with these facts, among others."""
        assert type(self.refusal) is error, self.refusal
        assert facts.items() <= self.refusal.facts.items()

    @property
    def state(self) -> Any:
        """Return the state of the history. Assert that no event was refused."""
        assert self.refusal is None, self.refusal
        return self.history.state

    @property
    def reading(self) -> StreamAtPoint[Any]:
        assert self.refusal is None, self.refusal
        return self.history.reading()


@dataclass(frozen=True)
class Given:
    """A recorded history and its stream."""

    filed: Filed
    stream: str

    def when(self, *events: EventModel) -> Outcome:
        """Judge these events one after another, each at its place, up to the first refusal."""
        name = parse_stream(self.stream)
        assert name is not None
        self.filed.reports += 1
        for event in events:
            recorded, history = self.filed.next(self.stream, event), self.filed.history(self.stream)
            effect, state = history.placed_if_recorded(recorded)
            refusal = JUDGES[name.kind](state, effect, self.stream, name.relation or "") if effect else None
            if refusal is not None:
                return Outcome(history, refusal)
            self.filed.events.append(recorded)
        return Outcome(self.filed.history(self.stream), None)

    @property
    def state(self) -> Any:
        return self.filed.history(self.stream).state


def given(*events: EventModel, stream: str | None = None) -> Given:
    """Return a history of one stream, one report per event. Without `stream`, the first event determines it."""
    stream = stream or STREAMS[kind_of(events)]
    filed = Filed()
    for event in events:
        filed.file(stream, event)
    return Given(filed, stream)


def kind_of(events: Sequence[EventModel]) -> Kind:
    """Return the only kind of stream that takes all these events."""
    (kind,) = (kind for kind, types in KINDS.items() if {type(e).__name__ for e in events} <= types)
    return kind
