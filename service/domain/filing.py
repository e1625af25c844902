"""Filing a report: every reference resolved, every event judged in its place, one after another; all or nothing.

Pure: the record as far as it matters is handed in (`references.needs` says how far that is), so are the clock and the
identifiers. The same function serves filing, the preview and the seeds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from service.domain.actor.events import ActorRegistered
from service.domain.actor.state import judge as judge_actor
from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    ClaimContested,
    Contract,
    EvidenceAdded,
    Recorded,
    Statement,
    when,
)
from service.domain.catalogue import KINDS
from service.domain.corrections import Effective
from service.domain.countries import parties_of
from service.domain.errors import (
    AllowedTypes,
    AlreadyOpened,
    Changed,
    Cycle,
    Malformed,
    NotAllowed,
    NotAParty,
    NotATarget,
    NothingNew,
    NotOpened,
    OriginOfAnotherParty,
    OriginTaken,
    OtherRelation,
    ParagraphBeyondSource,
    Refusal,
    Refused,
    UnknownActor,
    UnknownMember,
    UnknownOrigin,
    UnknownSource,
    UnknownTarget,
    WrongStream,
)
from service.domain.history import History, Reason
from service.domain.irritant import rules as irritant_rules
from service.domain.irritant.events import IrritantOpened
from service.domain.references import actors_named, members_named, named_event
from service.domain.relation import rules as relation_rules
from service.domain.relation.events import PersonNamed, RelationOpened
from service.domain.report import Legible, Proposed, Report, escaped, malformed
from service.domain.round import rules as round_rules
from service.domain.source import rules as source_rules
from service.domain.source.events import OriginRegistered, SourceRegistered
from service.domain.streams import StreamName, history_of, parse_stream

_OPENERS: Final[Mapping[str, frozenset[str]]] = {
    "irritant": frozenset({"IrritantOpened"}),
    "round": frozenset({"RoundAnnounced", "RoundScheduled", "RoundConvened"}),
    "relation": frozenset({"RelationOpened"}),
    "source": frozenset({"SourceRegistered"}),
    "actor": frozenset({"ActorRegistered"}),
}
_NEVER_RETRACTED: Final = frozenset(
    {"IrritantOpened", "RelationOpened", "SourceRegistered", "OriginRegistered", "ActorRegistered"}
)
_ONCE: Final = (PersonNamed, IrritantOpened, RelationOpened, SourceRegistered, OriginRegistered, ActorRegistered)
_FUTURE: Final = (
    "{occurred} is after today, {today}; `due`, `date`, `in_force_from` and `valid_until` may be in the future"
)
_NAMING: Final = ("target", "proposal", "undoes", "after", "instrument")

JUDGES: Final[Mapping[str, Callable[[Any, Effective, str, str], Refusal | None]]] = {
    "irritant": irritant_rules.judge,
    "round": round_rules.judge,
    "relation": relation_rules.judge,
    "source": source_rules.judge,
    "actor": judge_actor,
}


@dataclass
class Record:
    """The record as far as a report needs it. `histories` are never changed here, only copied."""

    histories: Mapping[str, History[Any]]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the service, not the filer, says of each event of a report."""

    report: str
    actor: str
    correlation: str
    recorded_at: datetime
    after_position: int
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be appended, why each changes readings, and the histories that result."""

    recorded: tuple[Recorded, ...]
    reasons: tuple[Reason, ...]
    histories: Mapping[str, History[Any]]


def decide(report: Report, record: Record, envelope: Envelope) -> Decision:
    """The events to append. Raises Refused with every refusal there is, each with its JSON Pointer."""
    filing = _Filing(report, record, envelope)
    filing.expectations()
    for event in report.events:
        filing.file(event)
    for part in report.legible:
        filing.partly(part)
    filing.round_on_record()
    refusals = sorted([*report.mistakes, *filing.refusals], key=_in_the_order_of_the_file)
    if refusals:
        raise Refused(refusals, filing.standing)
    if not filing.recorded:
        raise Refused([NothingNew("/events")])
    return Decision(tuple(filing.recorded), tuple(filing.reasons), filing.histories)


def _in_the_order_of_the_file(refusal: Refusal) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else 0, part) for part in refusal.pointer.split("/")]


@dataclass
class _Filing:
    """One report on its way: histories as they grow, and what was refused so far."""

    report: Report
    record: Record
    envelope: Envelope
    histories: dict[str, History[Any]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    refs: dict[str, Recorded] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    mistaken: set[str] = field(default_factory=set)
    recorded: list[Recorded] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    standing: AllowedTypes | None = None
    registering: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.broken |= self.report.broken_refs
        self.mistaken = {mistake.pointer for mistake in self.report.mistakes}
        # An actor may be registered anywhere in the report that first has it speak: sources come before all else.
        self.registering = {e.stream for e in self.report.events if isinstance(e.data, ActorRegistered)}
        self.origins.update(self.record.origins)

    def history(self, stream: str) -> History[Any]:
        """The stream as this report leaves it so far; to be read only."""
        return self.histories.get(stream) or self.record.histories.get(stream) or history_of(stream)

    def _is_on_record(self, stream: str) -> bool:
        """Also where no stream can have that name."""
        return parse_stream(stream) is not None and bool(self.history(stream).events)

    def _own(self, stream: str) -> History[Any]:
        if stream not in self.histories:
            known = self.record.histories.get(stream)
            self.histories[stream] = known.copy() if known else history_of(stream)
        return self.histories[stream]

    def expectations(self) -> None:
        for stream, expected in self.report.expect.items():
            if parse_stream(stream) is None:
                continue
            if (version := self.history(stream).version) != expected:
                pointer = f"/expect/{escaped(stream)}"
                self.refusals.append(Changed(pointer, stream=stream, version=version, expected=expected))

    def round_on_record(self) -> None:
        of_round = self.report.round
        if of_round is not None and not self._is_on_record(f"round/{self.report.relation}/{of_round}"):
            self.refusals.append(UnknownMember("/round", member=f"{self.report.relation}/{of_round}"))

    def file(self, event: Proposed) -> None:
        """Judges one event on what those before it left; records it, or notes every reason why not."""
        try:
            known = self._filed(event)
        except Refused as refused:
            place = f"/events/{event.index}"
            for refusal in refused.refusals:
                refusal.pointer = place + refusal.pointer
            self.refusals += refused.refusals
            self.standing = self.standing or refused.standing
            if event.ref:
                self.broken.add(event.ref)
            return
        if known is not None and event.ref:
            self.refs[event.ref] = known

    def _filed(self, event: Proposed) -> Recorded | None:
        name = parse_stream(event.stream)
        assert name is not None  # `report.read` lets no other through
        _refuse(self._misplaced(event, name))
        if (known := self._already_known(event)) is not None:
            return known
        data, unresolved = self._resolved(event)
        _refuse([*unresolved, *self._unfounded(data), *self._not_yet(data)])
        if data is None:
            return None
        recorded = self._enveloped(event.stream, data)
        self._judge(recorded, name)
        history = self._own(event.stream)
        self.reasons.append(history.append(recorded))
        self.recorded.append(recorded)
        if isinstance(data, OriginRegistered):
            self.origins[data.origin] = event.stream
        return recorded

    def _misplaced(self, event: Proposed, name: StreamName) -> list[Refusal]:
        if name.relation is not None and self.report.relation and name.relation != self.report.relation:
            return [OtherRelation("/stream", stream=event.stream, relation=self.report.relation)]
        if event.type not in KINDS[name.kind]:
            return [WrongStream("/type", type=event.type, stream=event.stream)]
        if not self.history(event.stream).events:
            if event.type not in _OPENERS[name.kind]:
                opener = " or ".join(sorted(_OPENERS[name.kind]))
                return [NotOpened("/stream", stream=event.stream, opener=opener)]
            if name.kind in ("irritant", "round") and not self.history(f"relation/{name.relation}").events:
                return [NotOpened("/stream", stream=f"relation/{name.relation}", opener="RelationOpened")]
        return []

    def _already_known(self, event: Proposed) -> Recorded | None:
        """The event on record that already says just this, for what is registered once and cited often."""
        data, history = event.data, self.history(event.stream)
        if not isinstance(data, _ONCE):
            return None  # Whatever else is said may be said again, and is not looked for among all that was.
        now = {e.id: placed.data for e in history.events if e.type == event.type and (placed := history.placed(e.id))}
        same = next((id for id, reads in now.items() if reads == data), None)
        match data:
            case _ if same:
                return history.recorded(same)
            case IrritantOpened() | RelationOpened() | SourceRegistered() | ActorRegistered() if now:
                _refuse([AlreadyOpened("", stream=event.stream)])
            case OriginRegistered(origin=origin) if origin in self.origins:
                _refuse([OriginTaken("/origin", origin=origin, stream=self.origins[origin])])
        return None

    def _resolved(self, event: Proposed) -> tuple[Contract | None, list[Refusal]]:
        """The event with every name of another event made its id; None where one names a broken event."""
        names: dict[str, str] = {}
        refusals: list[Refusal] = []
        fields = vars(event.data)
        for field_name in _NAMING:
            written = fields.get(field_name)
            if written is None:
                continue
            if written in self.broken:
                return None, refusals
            target = self._named(written, event.stream)
            if target is None:
                refusals.append(UnknownTarget(f"/{field_name}", target=written, stream=event.stream))
            elif (why := self._not_a_target(event, field_name, target)) is not None:
                refusals.append(NotATarget(f"/{field_name}", target=written, what=why, type=event.type))
            else:
                names[field_name] = target.id
        return (event.data.model_copy(update=names) if names else event.data), refusals

    def _named(self, written: str, stream: str) -> Recorded | None:
        if (of_report := self.refs.get(written)) is not None:
            return of_report if of_report.stream == stream else None
        return named_event(self.history(stream), written)

    def _not_a_target(self, event: Proposed, field_name: str, target: Recorded) -> str | None:
        """Why this event on record cannot be named here; None where it can."""
        history = self.history(event.stream)
        struck = target.id in history.amendments.struck
        match event.data:
            case AssertionRetracted() if field_name == "target":
                if target.type in _NEVER_RETRACTED:
                    return f"{target.type}, which is never retracted, only corrected"
                return "already retracted" if struck else None
            case AssertionCorrected() if field_name == "target":
                return "retracted" if struck else None
            case EvidenceAdded() | ClaimContested() if field_name == "target":
                if not isinstance(target.data, Statement):
                    return "record-keeping, which asserts nothing"
                if isinstance(event.data, EvidenceAdded) and isinstance(target.data, EvidenceAdded):
                    return "itself evidence; name the assertion that it is evidence of"
        if field_name == "proposal" and target.type != "ProposalTabled":
            return "no proposal"
        if field_name == "instrument" and target.type != "InstrumentExchanged":
            return "no instrument"
        if not isinstance(target.data, Statement):
            return "record-keeping, which has no place in the order of the world"
        return "retracted" if struck or history.placed(target.id) is None else None

    def _unfounded(self, data: Contract | None) -> list[Refusal]:
        """What an event cites that is not on record."""
        if data is None:
            return []
        refusals: list[Refusal] = [
            UnknownMember(f"/{name}", member=stream.partition("/")[2])
            for stream, name in members_named(data)
            if not self._is_on_record(stream)
        ]
        refusals += [
            UnknownActor(f"/{name}", actor=stream.partition("/")[2])
            for stream, name in actors_named(data)
            if stream not in self.registering and not self._is_on_record(stream)
        ]
        if isinstance(data, Statement):
            cited = data.source
            refusals += self._uncited(cited.document, enumerate(cited.paragraphs))
            refusals += self._unsaid(cited.origin, data.asserted_by.party)
        return refusals

    def _not_yet(self, data: Contract | None) -> Iterable[Refusal]:
        """The future is not asserted as done. Time zones allow one day beyond that of the recording."""
        occurred = getattr(data, "occurred", None) if isinstance(data, Assertion) else None
        tomorrow = self.envelope.recorded_at.date() + timedelta(1)
        if (earliest := when(occurred).earliest) is not None and earliest > tomorrow:
            yield Malformed("/occurred", why=_FUTURE.format(occurred=occurred, today=self.envelope.recorded_at.date()))

    def _uncited(self, document: str, paragraphs: Iterable[tuple[int, int]]) -> Iterable[Refusal]:
        stream = f"source/{document}"
        if parse_stream(stream) is None or not (registered := self.history(stream)).events:
            yield UnknownSource("/source/document", document=document)
        elif (count := registered.state.paragraphs) is not None:
            for place, n in paragraphs:
                if n > count:
                    pointer = f"/source/paragraphs/{place}"
                    yield ParagraphBeyondSource(pointer, document=document, paragraphs=count, paragraph=n)

    def _unsaid(self, slug: str, asserter: str | None) -> Iterable[Refusal]:
        stream = self.origins.get(slug)
        origin = self.history(stream).state.origins.get(slug) if stream else None
        if origin is None:
            yield UnknownOrigin("/source/origin", origin=slug)
        elif asserter is not None and origin.party != asserter:
            yield OriginOfAnotherParty("/source/origin", origin=slug, party=origin.party, asserter=asserter)

    def partly(self, part: Legible) -> None:
        """What is wrong with the legible part of an event that could not be read whole."""
        refusals: list[Refusal] = []
        if part.document is not None:
            refusals += self._uncited(part.document, part.paragraphs)
        if part.origin is not None:
            refusals += self._unsaid(part.origin, part.asserter)
        relation = self.report.relation
        refusals += [
            NotAParty(f"/{name}", party=party, relation=relation)
            for name, party in part.acting
            if relation and name in ("addressee", "by") and party not in parties_of(relation)
        ]
        for refusal in refusals:
            refusal.pointer = f"/events/{part.index}{refusal.pointer}"
        self.refusals += [refusal for refusal in refusals if refusal.pointer not in self.mistaken]

    def _enveloped(self, stream: str, data: Contract) -> Recorded:
        envelope, fields = self.envelope, vars(data)
        return Recorded(
            position=envelope.after_position + len(self.recorded) + 1,
            stream=stream,
            version=self.history(stream).version + 1,
            id=envelope.new_id(),
            type=data.__class__.__name__,
            data=data,
            actor=envelope.actor,
            report=envelope.report,
            correlation=envelope.correlation,
            causation=next((id for f in ("target", "proposal", "undoes", "instrument") if (id := fields.get(f))), None),
            recorded_at=envelope.recorded_at,
        )

    def _judge(self, recorded: Recorded, name: StreamName) -> None:
        if isinstance(recorded.data, AssertionCorrected):
            self._judge_correction(recorded, recorded.data, name)
            return
        effect, state = self.history(recorded.stream).in_place(recorded)
        if effect is not None:
            self._refuse_by_rule(JUDGES[name.kind](state, effect, recorded.stream, name.relation or ""), name, state)

    def _refuse_by_rule(self, refusal: Refusal | None, name: StreamName, state: Any) -> None:
        if refusal is None:
            return
        standing = (
            irritant_rules.allowed(state) if name.kind == "irritant" and isinstance(refusal, NotAllowed) else None
        )
        raise Refused([refusal], standing)

    def _judge_correction(self, recorded: Recorded, correction: AssertionCorrected, name: StreamName) -> None:
        """A corrected event must be one that could have been filed so, in its place."""
        history = self.history(recorded.stream)
        target = history.recorded(history.amendments.corrects(correction.target))
        assert target is not None
        if "type" in correction.changes:
            _refuse(
                [Malformed("/changes/type", why="the type of an event is never corrected; retract it and file anew")]
            )
        if isinstance(target.data, OriginRegistered) and "origin" in correction.changes:
            _refuse([Malformed("/changes/origin", why="is what assertions cite it by, and is never corrected")])
        then = history.copy()
        then.append(recorded)
        try:
            reads = then.amendments.reads(target, strictly=True)
        except ValidationError as error:
            raise Refused(malformed(error, "/changes")) from None
        resolved, unresolved = self._resolved(Proposed(0, None, recorded.stream, reads))
        refusals = [*unresolved, *self._unfounded(resolved), *self._not_yet(resolved)]
        for refusal in refusals:
            refusal.pointer = f"/changes{refusal.pointer}"
        _refuse(refusals)
        if then.placed(target.id) is None:
            return
        if not then.follows_what_it_names(target.id):
            _refuse([Cycle("/changes", target=target.id)])
        met, now_met = history.met(target.id), then.met(target.id)
        assert now_met is not None
        judge, relation = JUDGES[name.kind], name.relation or ""
        if met is not None and judge(met[1], met[0], recorded.stream, relation) is not None:
            return  # What later filing had already made odd is not this correction's fault.
        effect, state = now_met
        if (why := judge(state, effect, recorded.stream, relation)) is not None:
            why.pointer = f"/changes{why.pointer}"
            self._refuse_by_rule(why, name, state)


def _refuse(refusals: list[Refusal]) -> None:
    if refusals:
        raise Refused(refusals)
