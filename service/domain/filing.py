"""Decide a report: `decide` resolves its references, applies the rules to each event, and accepts all or none.

The function is pure. The recorder passes in the part of the record that `references.needs` lists, the time and the ids.
Filing, the preview and the seeds use it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from pydantic import ValidationError

from service.domain.actor.events import ActorRegistered
from service.domain.actor.state import judge as judge_actor
from service.domain.assertion import (
    REFERENCE_FIELDS,
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    ClaimContested,
    EventModel,
    EvidenceAdded,
    HandlingChanged,
    Recorded,
    Statement,
    when,
)
from service.domain.catalogue import EVENT_TYPES, KINDS
from service.domain.corrections import EffectiveEvent, corrected
from service.domain.countries import parties_of
from service.domain.errors import (
    AllowedTypes,
    AlreadyAttributed,
    AlreadyOpened,
    Changed,
    LabelTooLow,
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
    ReportOfAnotherRelation,
    TooOpen,
    UnknownActor,
    UnknownItem,
    UnknownLabel,
    UnknownMember,
    UnknownOrigin,
    UnknownProposal,
    UnknownReport,
    UnknownSource,
    UnknownStep,
    UnknownTarget,
    WrongStream,
)
from service.domain.handling import BUILT_IN, HIGHEST_RANK, OPEN, Labels, needed_by, relabelled
from service.domain.history import History, Reason
from service.domain.irritant import rules as irritant_rules
from service.domain.irritant import undertakings
from service.domain.irritant.events import IrritantOpened
from service.domain.mistakes import alternatives
from service.domain.nearby import listed
from service.domain.references import actors_named, members_named, named_event
from service.domain.relation import rules as relation_rules
from service.domain.relation.events import PersonNamed, RelationOpened, ReportAttributed
from service.domain.remedies import by_version, complete, cycle, differences
from service.domain.report import (
    OPENED_KINDS,
    CitedParagraph,
    InvalidEvent,
    Report,
    ReportEvent,
    escaped,
    malformed,
    may_be_registered,
    names_registered,
    types_on,
)
from service.domain.round import rules as round_rules
from service.domain.source import rules as source_rules
from service.domain.source.events import OriginRegistered, SourceRegistered
from service.domain.streams import StreamName, history_of, id_meant, parse_stream
from service.domain.warnings import FiledEvent, FilingWarning, warnings_of

_OPENERS: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(type for type, opened in OPENED_KINDS.items() if opened == kind) for kind in KINDS
}
"""The types that can open a stream, by kind of stream."""
_NEVER_RETRACTED: Final = frozenset(
    {"IrritantOpened", "RelationOpened", "SourceRegistered", "OriginRegistered", "ActorRegistered"}
)
_OPENED_ONCE: Final = _NEVER_RETRACTED - {"OriginRegistered"}
_ONCE: Final = (PersonNamed, IrritantOpened, RelationOpened, SourceRegistered, OriginRegistered, ActorRegistered)
"""The types of which the same event is recorded only once. A report that repeats it is accepted without it."""
_FUTURE: Final = (
    "`occurred` is {occurred}, which is after today, {today}. Give the day on which it was said or done{elsewhere}"
)
_MAY_BE_IN_THE_FUTURE: Final = ("due", "date", "in_force_from", "valid_until")
_REFERENCE_OF_TYPE: Final = {
    "ProposalAnswered": "proposal",
    "NextStepClosed": "step",
    "ItemStatusChanged": "item",
    "InstrumentStated": "instrument",
}
"""The field of each type that names something on the stream of its irritant, so that the refusal can list choices."""
_HEADINGS: Final = {
    "proposal": "Proposals",
    "step": "Steps",
    "item": "Items",
    "instrument": "Instruments",
}
_OPENER_OF_REFERENCE: Final = {"proposal": "ProposalTabled", "instrument": "InstrumentExchanged"}
"""The type of the event that a field names, for fields that name events of one type."""
_MOST_FITTING: Final = 6
_MOST_LATEST: Final = 100
"""The number of the latest events of a stream among which those that fit a reference are looked for."""
_MOST_TRIED: Final = 100
"""The limit on refusals for which other dates and asserters are tried: a report can have 10,000 refused events."""
"""By field: the word before the list of what the field can name."""
_FIELD_OF_EVENT: Final = re.compile(r"/events/(?P<index>[0-9]+)/(?P<field>[a-z]+)")

JUDGES: Final[Mapping[str, Callable[[Any, EffectiveEvent, str, str], Refusal | None]]] = {
    "irritant": irritant_rules.judge,
    "round": round_rules.judge,
    "relation": relation_rules.judge,
    "source": source_rules.judge,
    "actor": judge_actor,
}


@dataclass(frozen=True, slots=True)
class ReportOnRecord:
    """A report on record: its relation, and the round that it named when it was filed.

    `rank`: the lowest rank of its events.
    """

    relation: str
    round: str | None
    rank: int = 0


@dataclass
class Record:
    """The part of the record that a report needs. `decide` copies histories before it changes them.

    `origins`: the stream of each origin. `reports`: the reports on record that this one names, by id. `rounds`: the
    round that each of some reports named when it was filed; their events depend on its opening.
    """

    histories: Mapping[str, History[Any]]
    origins: Mapping[str, str]
    reports: Mapping[str, ReportOnRecord] = field(default_factory=dict)
    rounds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields that the service, not the client, gives to each event of a report.

    `actor`: who files it. `after_position`: the head of the record before the report. `labels`: the handling labels of
    the record. `clearance`: the rank up to which the sender may see events. `has_labels`: an event has a rank above 0.
    """

    report: str
    actor: str
    correlation: str
    recorded_at: datetime
    after_position: int
    new_id: Callable[[], str]
    labels: Labels = BUILT_IN
    clearance: int = HIGHEST_RANK
    has_labels: bool = False


@dataclass(frozen=True)
class Decision:
    """An accepted report.

    `recorded`: the events to append. `reasons`: for each of them why it changes readings. `histories`: the changed
    histories. `relabelled`: the new rank of each event of which the label changes, by its id. `find_warnings` finds
    `warnings`.
    """

    recorded: tuple[Recorded, ...]
    reasons: tuple[Reason, ...]
    histories: Mapping[str, History[Any]]
    relabelled: Mapping[str, int] = field(default_factory=dict)
    find_warnings: Callable[[], Iterable[FilingWarning]] = field(default=tuple, repr=False, compare=False)

    @cached_property
    def warnings(self) -> tuple[FilingWarning, ...]:
        """What may be slips. They are found at the first use, because the append does not need them."""
        return tuple(self.find_warnings())


def decide(report: Report, record: Record, envelope: Envelope) -> Decision:
    """Return the events to append. Raise Refused with all reasons for a refusal, each with its JSON Pointer.

    Do not change `record` later, because the warnings of the decision are found in it at their first use.
    """
    filing = _Filing(report, record, envelope)
    filing.check_expected_versions()
    for event in report.events:
        filing.file(event)
    for invalid in report.invalid_events:
        filing.check_invalid(invalid)
    filing.check_round()
    filing.check_labels()
    filing.add_choices()
    filing.name_own_events()
    refusals = sorted([*report.mistakes, *filing.refusals], key=_place_in_report)
    if refusals:
        raise Refused(refusals, filing.allowed_types)
    if not filing.recorded:
        raise Refused([NothingNew("/events")])
    filed = list(map(FiledEvent, filing.places, filing.recorded))
    find = partial(warnings_of, filed, before=filing.before, after=filing.history, origins=filing.origins)
    return Decision(tuple(filing.recorded), tuple(filing.reasons), filing.histories, filing.relabelled, find)


def warnings_of_report(report: Report, recorded: Sequence[Recorded], record: Record) -> list[FilingWarning]:
    """Return the warnings that a report had when it was recorded. `record` may have later events."""
    return warnings_when_recorded(list(_with_places(report, recorded)), record)


def warnings_when_recorded(filed: Sequence[FiledEvent], record: Record) -> list[FilingWarning]:
    """Return the warnings that the events of one report had when they were recorded. `record` may have later events."""
    first, last = filed[0].event.position, filed[-1].event.position

    def as_of(position: int) -> Callable[[str], History[Any]]:
        return cache(lambda stream: (record.histories.get(stream) or history_of(stream)).as_of(position))

    return warnings_of(filed, before=as_of(first - 1), after=as_of(last), origins=record.origins)


def _with_places(report: Report, recorded: Iterable[Recorded]) -> Iterator[FiledEvent]:
    """Yield each recorded event with its place in the report, which can also have events that were already recorded."""
    remaining = iter(report.events)
    for event in recorded:
        same = (e.index for e in remaining if e.stream == event.stream and e.type == event.type and _is_same(e, event))
        yield FiledEvent(next(same, 0), event)


def _is_same(of_report: ReportEvent, recorded: Recorded) -> bool:
    """Return whether an event of a report can be this recorded one. Compare the data of registrations.

    Other events are recorded in the order of the report, so their data need not be compared.
    """
    return not isinstance(of_report.data, _ONCE) or of_report.data == recorded.data


def _page_of(stream: str) -> str:
    """Return the address of the page that shows a stream, or of its events if it has no page."""
    kind, _, member = stream.partition("/")
    return f"/v1/events?stream={stream}" if kind == "actor" else f"/{kind}s/{member}"


def _place_in_report(refusal: Refusal) -> list[tuple[int, str]]:
    """Return a sort key of a refusal: its JSON Pointer, with numbers in numerical order."""
    return [(int(part) if part.isdigit() else 0, part) for part in refusal.pointer.split("/")]


@dataclass
class _Filing:
    """A report during its decision: the histories with its events so far, and the refusals so far.

    `places`: the place in the report of each recorded event, from 0. `refs`: the events by their `ref`. `broken_refs`:
    the refs of refused events. `mistakes`: the JSON Pointers of the mistakes in invalid events. `allowed_types`: what
    the first irritant that refused an event allows instead. `actors`: the streams of actors that the report registers.
    `refused_names`: the names of which the registration was refused, so that references to them are not refused as
    well. `stopped`: the streams with a refused event, so that later versions on them do not exist.
    `relabelled`: the new rank of each event of which the label changes, by its id.
    `tried`: the number of refusals for which other dates and asserters were tried.
    """

    report: Report
    record: Record
    envelope: Envelope
    histories: dict[str, History[Any]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    refs: dict[str, Recorded] = field(default_factory=dict)
    broken_refs: set[str] = field(default_factory=set)
    mistakes: set[str] = field(default_factory=set)
    recorded: list[Recorded] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    allowed_types: AllowedTypes | None = None
    actors: set[str] = field(default_factory=set)
    refused_names: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    relabelled: dict[str, int] = field(default_factory=dict)
    tried: int = 0

    def __post_init__(self) -> None:
        self.broken_refs |= self.report.broken_refs
        self.refused_names.update(*(event.registers for event in self.report.invalid_events))
        self.stopped = {event.stream for event in self.report.invalid_events}
        self.mistakes = {mistake.pointer for mistake in self.report.mistakes}
        # An actor can be registered later in the report than its first mention, because sources come first.
        self.actors = {e.stream for e in self.report.events if isinstance(e.data, ActorRegistered)}
        self.origins.update(self.record.origins)

    def history(self, stream: str) -> History[Any]:
        """Return the history of a stream with the report's events so far. Do not change it."""
        return self.histories.get(stream) or self.record.histories.get(stream) or history_of(stream)

    def before(self, stream: str) -> History[Any]:
        """Return the history of a stream before the report. Do not change it."""
        return self.record.histories.get(stream) or history_of(stream)

    def _is_unknown(self, stream: str) -> bool:
        """Return whether a stream is neither on record nor in this report. The name may be invalid."""
        return not self._is_refused_name(stream) and (parse_stream(stream) is None or not self.history(stream).events)

    def _is_refused_name(self, name: str) -> bool:
        """Return whether a refused event of the report registers this name, or may do so if it is unreadable."""
        return bool(self.refused_names) and may_be_registered(name, self.refused_names)

    def _changeable(self, stream: str) -> History[Any]:
        """Return a copy of the history that this report can change."""
        if stream not in self.histories:
            known = self.record.histories.get(stream)
            self.histories[stream] = known.copy() if known else history_of(stream)
        return self.histories[stream]

    def check_expected_versions(self) -> None:
        """Refuse the report if a stream has another version than it expects."""
        for stream, expected in self.report.expect.items():
            if parse_stream(stream) is None:
                continue
            if (version := self.history(stream).version) != expected:
                pointer = f"/expect/{escaped(stream)}"
                facts = {"stream": stream, "version": version, "expected": expected, "address": _page_of(stream)}
                self.refusals.append(Changed(pointer, **facts))

    def name_own_events(self) -> None:
        """Name events of the report by their place in it, because a refused report leaves none of them on record."""
        ref_of = {event.id: ref for ref, event in self.refs.items()}
        names = {}
        for place, event in zip(self.places, self.recorded, strict=True):
            ref = f" (`{ref_of[event.id]}`)" if event.id in ref_of else ""
            names[f"{event.stream}@{event.version}"] = f"event {place + 1} of this report{ref}"
        for refusal in (*self.report.mistakes, *self.refusals):
            refusal.rename_events(names)

    def add_choices(self) -> None:
        """Add to each mistake in a reference what it can refer to on its stream, such as the open proposals."""
        by_index = {event.index: event for event in self.report.invalid_events}
        for mistake in self.report.mistakes:
            place = _FIELD_OF_EVENT.fullmatch(mistake.pointer)
            event = by_index.get(int(place["index"])) if place else None
            if place is None or event is None or _REFERENCE_OF_TYPE.get(event.type or "") != place["field"]:
                continue
            if choices := self._choices(event.stream, place["field"]):
                mistake.facts["why"] = f"{mistake.facts['why']}. {choices.rstrip('. ')}"
        self._name_types()

    def _name_types(self) -> None:
        """Leave out of the lists of types those that a stream refuses: its opening, or others if it is not open."""
        invalid = self.report.invalid_events
        types = {f"/events/{event.index}/type": event for event in invalid if event.type not in EVENT_TYPES}
        opening = {event.stream for event in invalid if event.type in OPENED_KINDS}
        for mistake in self.report.mistakes:
            event = types.get(mistake.pointer)
            name = parse_stream(event.stream) if event is not None else None
            if event is None or name is None:
                continue
            every, openers = types_on(name.kind), _OPENERS[name.kind]
            allowed = every
            if self.history(event.stream).events:
                allowed = [type for type in every if type not in _OPENED_ONCE]
            elif event.stream not in opening:
                allowed = [type for type in every if type in openers]
            why = str(mistake.facts["why"])
            mistake.facts["why"] = why.replace(alternatives(every), alternatives(allowed))

    def _choices(self, stream: str, field_name: str) -> str:
        """Return a sentence with what a field can name on an irritant: its open proposals, its steps and so on.

        Return an empty text for any other field or stream.
        """
        name = parse_stream(stream)
        if name is None or name.kind != "irritant" or field_name not in _HEADINGS:
            return ""
        choices = list(_named_choices(self.history(stream), field_name))
        return f"{_HEADINGS[field_name]} there: {listed(choices) if choices else 'none'}. "

    def check_round(self) -> None:
        """Refuse the report if its round is neither on record nor in the report."""
        of_round = self.report.round
        relation = self.report.relation
        if of_round is not None and relation and self._is_unknown(f"round/{relation}/{of_round}"):
            self.refusals.append(_unknown_member("/round", f"round/{relation}/{of_round}"))

    def file(self, event: ReportEvent) -> None:
        """Decide one event after those before it. Record it, or note all reasons for a refusal."""
        try:
            on_record = self._decide(event)
        except Refused as refused:
            place = f"/events/{event.index}"
            for refusal in refused.refusals:
                refusal.pointer = place + refusal.pointer
            self.refusals += refused.refusals
            self.allowed_types = self.allowed_types or refused.standing
            self.refused_names.update(names_registered(event.type, event.stream, vars(event.data)))
            self.stopped.add(event.stream)
            if event.ref:
                self.broken_refs.add(event.ref)
            return
        if on_record is not None and event.ref:
            self.refs[event.ref] = on_record

    def _decide(self, event: ReportEvent) -> Recorded | None:
        """Record an event and return it, or return the same event on record. Raise Refused otherwise.

        Return None if it cannot be decided because it refers to a refused event.
        """
        name = parse_stream(event.stream)
        assert name is not None  # `report.read` refuses invalid names
        wrong_stream = self._wrong_stream(event, name)
        if wrong_stream or self._is_opening_refused(event, name):
            raise Refused([*wrong_stream, *self._unknown_references(event.data), *self._in_the_future(event.data)])
        if (same := self._same_on_record(event)) is not None:
            return same
        data, unresolved = self._with_event_ids(event)
        refusals = [*unresolved, *self._refusals_of_content(data, name)]
        if data is None or unresolved:
            _refuse(refusals)
            return None
        rank, wrong_label = self._rank(event, data)
        refusals += wrong_label
        recorded = self._in_envelope(event.stream, data, rank)
        try:
            self._judge(recorded, name)
        except Refused as refused:
            raise Refused([*refusals, *refused.refusals], refused.standing) from None
        _refuse(refusals)
        _refuse([*self._already_attributed(data, name)])
        history = self._changeable(event.stream)
        self.reasons.append(history.append(recorded))
        self.recorded.append(recorded)
        self.places.append(event.index)
        if isinstance(data, OriginRegistered):
            self.origins[data.origin] = event.stream
        self.relabelled |= relabelled([recorded], history, self.envelope.labels)
        return recorded

    def _rank(self, event: ReportEvent, data: EventModel) -> tuple[int, list[Refusal]]:
        """Return the rank of an event, and the refusals of its label.

        Without a label it has the rank of the report, or that of the most restricted event that it depends on.
        """
        labels, clearance = self.envelope.labels, self.envelope.clearance
        if event.stream.startswith("actor/"):
            why = "Names of actors are always open, because documents of every label show them. Leave `handling` out"
            if event.handling not in (None, OPEN):
                return 0, [Malformed("/handling", why=why)]
            if self.report.handling not in (None, OPEN) or any(self._rank_of(e) for e in self._opening_of_round()):
                # Readers of this event would see the title and the round of the report.
                return 0, [Malformed("", why=f"{why} of the report, or file this in another report")]
            return 0, []
        if not self._has_labels(event):
            return 0, []
        of_round = self.report.round and f"{self.report.relation}/{self.report.round}"
        bounds = [
            (self._rank_of(needed), f"{needed.stream}@{needed.version}, on which this event depends")
            for needed in self._needed_by(data, event.stream, of_round)
        ]
        if isinstance(data, ReportAttributed) and (attributed := self.record.reports.get(data.report)) is not None:
            bounds.append((attributed.rank, "the report that this event names"))
        if not isinstance(data, HandlingChanged) and self.report.handling is not None:
            # Who sees one of its events sees the title of the report.
            bounds.append((labels.rank_of(self.report.handling) or 0, "this report"))
        least, of = max(bounds, key=itemgetter(0), default=(0, ""))
        if isinstance(data, HandlingChanged):
            return self._rank_of_change(data, event.stream, least)
        written = event.handling or self.report.handling
        rank = 0 if written is None else labels.rank_of(written)
        if rank is None or rank > clearance:
            pointer = "/handling" if event.handling else None
            facts = {"label": written, "labels": alternatives(labels.up_to(clearance))}
            # A label of the whole report is refused once, by `check_labels`.
            return least, [UnknownLabel(pointer, **facts)] if pointer else []
        if event.handling is not None and rank < least:
            facts = {"label": written, "least": labels.name_of(least), "of": of, "labels": self._labels_from(least)}
            return least, [LabelTooLow("/handling", **facts)]
        return max(rank, least), []

    def _has_labels(self, event: ReportEvent) -> bool:
        """Return whether this event or one that it may depend on has a label. Few records and few reports do."""
        is_plain = event.handling is None and self.report.handling is None and event.type != "HandlingChanged"
        return not is_plain or self.envelope.has_labels or any(recorded.rank for recorded in self.recorded)

    def _rank_of_change(self, data: HandlingChanged, stream: str, least: int) -> tuple[int, list[Refusal]]:
        """Return the rank of a change of a label, which is visible only to those who may see the event in any case."""
        labels, target = self.envelope.labels, self.history(stream).recorded(data.target)
        rank = labels.rank_of(data.label)
        if rank is None:
            return least, [UnknownLabel("/label", label=data.label, labels=alternatives(labels.up_to(HIGHEST_RANK)))]
        assert target is not None  # `_with_event_ids` refuses unknown targets
        if rank == self._rank_of(target):
            return least, [Malformed("/label", why=f"The event has the label `{data.label}` already. Leave this out")]
        return max(rank, least), []

    def _labels_from(self, rank: int) -> str:
        """Return the labels of a rank and above that the sender may use."""
        labels = self.envelope.labels
        names = labels.up_to(self.envelope.clearance)
        return alternatives([name for name in names if (labels.rank_of(name) or 0) >= rank])

    def _rank_of(self, event: Recorded) -> int:
        """Return the rank of an event after this report."""
        return self.relabelled.get(event.id, event.rank)

    def _needed_by(self, data: EventModel, stream: str, of_round: str | None) -> Iterator[Recorded]:
        """Yield the events that an event depends on. For a correction these are also those of the corrected event.

        `of_round`: the round that its report names, whose name all can read who see an event of the report.
        """
        history = self.history(stream)
        yield from needed_by(data, history, self.history, self.origins)
        if isinstance(data, AssertionCorrected):
            target = history.recorded(history.amendments.corrected_root(data.target))
            if target is not None:
                with suppress(ValidationError):
                    changed = corrected(history.amendments.content_of(target), data.changes)
                    yield from needed_by(changed, history, self.history, self.origins)
        if of_round is not None:
            yield from self.history(f"round/{of_round}").events[:1]

    def _opening_of_round(self) -> Sequence[Recorded]:
        """Return the event that opened the round of the report. Empty without one."""
        return self.history(f"round/{self.report.relation}/{self.report.round}").events[:1] if self.report.round else ()

    def check_labels(self) -> None:
        """Refuse an unknown label of the report, and changes of labels that leave an event more open than it may be."""
        labels, clearance = self.envelope.labels, self.envelope.clearance
        if (written := self.report.handling) is not None:
            rank = labels.rank_of(written)
            if rank is None or rank > clearance:
                names = alternatives(labels.up_to(clearance))
                self.refusals.append(UnknownLabel("/handling", label=written, labels=names))
        if not self.relabelled:
            return
        places = {
            event.data.target: place
            for event, place in zip(self.recorded, self.places, strict=True)
            if isinstance(event.data, HandlingChanged)
        }
        histories = {**self.record.histories, **self.histories}.values()
        # Who sees an event of a report may see that it was attributed to a round.
        least: dict[str, Recorded] = {}
        for event in (event for history in histories for event in history.events):
            known = least.setdefault(event.report, event)
            if self._rank_of(event) < self._rank_of(known):
                least[event.report] = event
        for history in histories:
            for event in history.events:
                self._check_label(event, places, least)

    def _check_label(self, event: Recorded, places: Mapping[str, int], least: Mapping[str, Recorded]) -> None:
        """Refuse changes of labels after which this event is more open than one that it depends on.

        `least`: the least restricted event of each report.
        """
        rank = self._rank_of(event)
        depends_on = list(self._needed_by(event.data, event.stream, self.record.rounds.get(event.report)))
        if isinstance(event.data, ReportAttributed) and event.data.report in least:
            depends_on.append(least[event.data.report])
        for needed in depends_on:
            if needed.id == event.id or self._rank_of(needed) <= rank:
                continue
            place = places.get(needed.id, places.get(event.id))
            if place is None:
                continue  # it was so before this report
            name = f"{event.stream}@{event.version}"
            facts = {"event": name, "needed": f"{needed.stream}@{needed.version}"}
            self.refusals.append(TooOpen(f"/events/{place}/label", **facts))
            return

    def _refusals_of_content(self, data: EventModel | None, name: StreamName) -> list[Refusal]:
        """Return the refusals of what an event says, whatever the state of its stream. None has no refusals."""
        if data is None:
            return []
        return [*self._unknown_references(data), *self._in_the_future(data), *self._unattributable(data, name)]

    def _wrong_stream(self, event: ReportEvent, name: StreamName) -> list[Refusal]:
        """Return why an event cannot be on its stream: another relation, a wrong kind, or a stream that is not open."""
        if name.relation is not None and self.report.relation and name.relation != self.report.relation:
            return [OtherRelation("/stream", stream=event.stream, relation=self.report.relation)]
        if event.type not in KINDS[name.kind]:
            return [self._on_wrong_stream(event)]
        if not self.history(event.stream).events:
            if event.type not in _OPENERS[name.kind] and not self._is_refused_name(event.stream):
                return [NotOpened("/stream", stream=event.stream, opener=alternatives(sorted(_OPENERS[name.kind])))]
            if name.kind in ("irritant", "round") and self._is_unknown(f"relation/{name.relation}"):
                return [NotOpened("/stream", stream=f"relation/{name.relation}", opener="`RelationOpened`")]
        return []

    def _on_wrong_stream(self, event: ReportEvent) -> WrongStream:
        """Return the refusal of an event on a stream of the wrong kind, with streams of the right kind."""
        kinds = [kind for kind, types in KINDS.items() if event.type in types]
        relation = self.report.relation or "ru-us"
        where = " or ".join(_A_STREAM[kind] for kind in kinds)
        remedy = f"Correct `stream`; a name is written like {_EXAMPLES[kinds[0]].format(relation)}."
        begin = f"{kinds[0]}/{relation}/" if len(kinds) == 1 and kinds[0] in ("irritant", "round") else ""
        facts = {"type": event.type, "stream": event.stream, "where": where, "begin": begin, "remedy": remedy}
        refusal = WrongStream("/stream", **facts)
        if begin:
            known = {**self.record.histories, **self.histories}
            refusal.suggest(
                name.partition("/")[2] for name in sorted(known) if name.startswith(begin) and known[name].events
            )
        return refusal

    def _is_opening_refused(self, event: ReportEvent, name: StreamName) -> bool:
        """Return whether the event that opens the stream of this event was refused."""
        opens = event.type in _OPENERS[name.kind]
        return not opens and event.stream in self.refused_names and not self.history(event.stream).events

    def _same_on_record(self, event: ReportEvent) -> Recorded | None:
        """Return the same event on record, for types that are registered once, such as SourceRegistered.

        Raise Refused if the stream is open already, or the slug of an origin is taken.
        """
        data, history = event.data, self.history(event.stream)
        if not isinstance(data, _ONCE):
            return None  # Events of all other types can be recorded again.
        of_type = {e.id: now.data for e in history.events if e.type == event.type and (now := history.effect(e.id))}
        same = next((id for id, content in of_type.items() if content == data), None)
        match data:
            case _ if same:
                return history.recorded(same)
            case IrritantOpened() | RelationOpened() | SourceRegistered() | ActorRegistered() if of_type:
                [first, *_] = of_type
                known = differences(of_type[first], data)
                _refuse([AlreadyOpened("", stream=event.stream, event=by_version(history, first), known=known)])
            case OriginRegistered(origin=origin) if origin in self.origins:
                _refuse([self._origin_taken(data, self.origins[origin])])
        return None

    def _origin_taken(self, data: OriginRegistered, stream: str) -> OriginTaken:
        """Return the refusal of the name of an origin that `stream` has, with what it says there."""
        history = self.history(stream)
        registered = [e for e in history.order if isinstance(e.data, OriginRegistered) and e.data.origin == data.origin]
        event = by_version(history, registered[0].id) if registered else stream
        known = differences(registered[0].data, data) if registered else ""
        return OriginTaken("/origin", origin=data.origin, stream=stream, event=event, known=f" as {event}{known}")

    def _with_event_ids(self, event: ReportEvent) -> tuple[EventModel | None, list[Refusal]]:
        """Return an event with all references to other events as ids, and the refusals of unknown references.

        Return None as the event if it refers to a refused one.
        """
        ids: dict[str, str] = {}
        refusals: list[Refusal] = []
        fields = vars(event.data)
        for field_name in REFERENCE_FIELDS:
            written = fields.get(field_name)
            if written is None:
                continue
            if written in self.broken_refs:
                return None, refusals
            target = self._referred_to(written, event.stream)
            if target is None and event.stream in self.stopped and written.startswith(f"{event.stream}@"):
                return None, refusals
            if target is None:
                refusals.append(self._unknown_target(event, field_name, written))
            elif (why := self._not_a_target(event, field_name, target)) is not None:
                named = f"{target.stream}@{target.version}"
                choices = self._choices(event.stream, field_name)
                if choices and (opener := _OPENER_OF_REFERENCE.get(field_name)):
                    other = "File" if choices.endswith(": none. ") else f"Give one of these in `{field_name}`, or file"
                    choices += f"{other} `{opener}` first."
                refusals.append(NotATarget(f"/{field_name}", target=named, what=why, type=event.type, known=choices))
            else:
                ids[field_name] = target.id
        if isinstance(event.data, AssertionCorrected):
            return self._with_ids_in_changes(event.data.model_copy(update=ids), event.stream), refusals
        return (event.data.model_copy(update=ids) if ids else event.data), refusals

    def _unknown_target(self, event: ReportEvent, field_name: str, written: str) -> UnknownTarget:
        """Return the refusal of a reference to an unknown event, with the last events that it could name."""
        history, stream = self.history(event.stream), event.stream
        latest = islice(reversed(history.events), _MOST_LATEST)
        fit = (e for e in latest if self._not_a_target(event, field_name, e) is None)
        last = sorted(islice(fit, _MOST_FITTING), key=lambda e: e.version)
        names = [f"{stream}@{e.version} (`{e.type}`)" for e in last]
        known = self._choices(stream, field_name) or (f"On record there: {listed(names)}." if names else "")
        return UnknownTarget(f"/{field_name}", target=written, field=field_name, stream=stream, known=known)

    def _with_ids_in_changes(self, correction: AssertionCorrected, stream: str) -> AssertionCorrected:
        """Return a correction whose changes name other events by id. `_judge_correction` refuses unknown names."""
        written = {name: str(text) for name, text in correction.changes.items() if name in REFERENCE_FIELDS}
        ids = {name: target.id for name, text in written.items() if (target := self._referred_to(text, stream))}
        return correction.model_copy(update={"changes": {**correction.changes, **ids}}) if ids else correction

    def _referred_to(self, written: str, stream: str) -> Recorded | None:
        """Return the event on a stream that a reference names: a ref, an id, or `stream@version`."""
        if (of_report := self.refs.get(written)) is not None:
            return of_report if of_report.stream == stream else None
        return named_event(self.history(stream), written)

    def _not_a_target(self, event: ReportEvent, field_name: str, target: Recorded) -> str | None:
        """Return why an event cannot refer to this target, None if it can."""
        history = self.history(event.stream)
        is_retracted = target.id in history.amendments.retracted
        retraction = history.amendments.retracted.get(target.id)
        undo = f"`AssertionRetracted` with `target` {by_version(history, retraction.id)}" if retraction else ""
        match event.data:
            case AssertionCorrected() | AssertionRetracted() if isinstance(target.data, HandlingChanged):
                return "a change of a label. File another `HandlingChanged` to undo it"
            case AssertionRetracted() if field_name == "target":
                if target.type in _NEVER_RETRACTED:
                    return f"`{target.type}`, which is never retracted, only corrected: file `AssertionCorrected`"
                return f"already retracted. To undo that, file {undo}" if is_retracted else None
            case HandlingChanged() if field_name == "target":
                is_change = isinstance(target.data, HandlingChanged)
                return "itself a change of a label. Name the event whose label changes" if is_change else None
            case AssertionCorrected() if field_name == "target":
                return f"retracted. File {undo} first, or name another event" if is_retracted else None
            case EvidenceAdded() | ClaimContested() if field_name == "target":
                if not isinstance(target.data, Statement):
                    return f"{_nobody_speaks(target)}. Name an event that has `asserted_by`"
                if isinstance(event.data, EvidenceAdded) and isinstance(target.data, EvidenceAdded):
                    root = by_version(history, target.data.target)
                    return f"itself evidence. Name the event that it is evidence of: {root}"
        if field_name == "proposal" and target.type != "ProposalTabled":
            return f"`{target.type}`, not a proposal"
        if field_name == "instrument" and target.type != "InstrumentExchanged":
            return f"`{target.type}`, not an instrument"
        if not isinstance(target.data, Statement):
            return f"{_nobody_speaks(target)} and which has no date. Name an event that has `asserted_by`"
        return "retracted. Name another event" if is_retracted or history.effect(target.id) is None else None

    def _unknown_references(self, data: EventModel) -> list[Refusal]:
        """Return refusals of all that an event cites and that is not on record."""
        refusals: list[Refusal] = [
            _unknown_member(f"/{name}", stream) for stream, name in members_named(data) if self._is_unknown(stream)
        ]
        refusals += [
            UnknownActor(f"/{name}", actor=stream.partition("/")[2])
            for stream, name in actors_named(data)
            if stream not in self.actors and self._is_unknown(stream)
        ]
        if isinstance(data, Statement):
            cited = data.source
            paragraphs = map(CitedParagraph._make, enumerate(cited.paragraphs))
            refusals += self._unknown_document(cited.document, paragraphs)
            refusals += self._unknown_origin(cited.origin, data.asserted_by.party, cited.document)
        return refusals

    def _unattributable(self, data: EventModel, name: StreamName) -> Iterable[Refusal]:
        """Refuse to attribute a report that is not on record or is on another relation."""
        if not isinstance(data, ReportAttributed):
            return
        if (report := self.record.reports.get(data.report)) is None or report.rank > self.envelope.clearance:
            yield UnknownReport("/report", report=data.report)
        elif report.relation != name.relation:
            facts = {"report": data.report, "other": report.relation, "round": data.round, "relation": name.relation}
            yield ReportOfAnotherRelation("/report", **facts)

    def _already_attributed(self, data: EventModel, name: StreamName) -> Iterable[Refusal]:
        """Refuse to attribute a report to the round that it is on already."""
        if isinstance(data, ReportAttributed) and (report := self.record.reports.get(data.report)) is not None:
            attributed = self.history(f"relation/{name.relation}").state.attributed
            if attributed.get(data.report, report.round) == data.round:
                yield AlreadyAttributed("/round", report=data.report, round=data.round)

    def _in_the_future(self, data: EventModel) -> Iterable[Refusal]:
        """Refuse an assertion dated in the future. One day after the day of recording is allowed, for time zones."""
        occurred = data.occurred if isinstance(data, Assertion) else None
        tomorrow = self.envelope.recorded_at.date() + timedelta(1)
        if (earliest := when(occurred).earliest) is not None and earliest > tomorrow:
            others = [name for name in _MAY_BE_IN_THE_FUTURE if hasattr(data, name)]
            elsewhere = f". A future date belongs in {alternatives(others)}" if others else ""
            today = self.envelope.recorded_at.date()
            yield Malformed("/occurred", why=_FUTURE.format(occurred=occurred, today=today, elsewhere=elsewhere))

    def _unknown_document(self, document: str, paragraphs: Iterable[CitedParagraph]) -> Iterable[Refusal]:
        """Refuse an unknown document, and paragraphs that it does not have."""
        stream = f"source/{document}"
        if self._is_refused_name(stream):
            return
        if parse_stream(stream) is None or not (source := self.history(stream)).events:
            yield UnknownSource("/source/document", document=document)
        elif (count := source.state.paragraphs) is not None:
            for place, number in paragraphs:
                if number > count:
                    is_on_record = source.events[0] not in self.recorded
                    facts = {"paragraphs": count, "paragraph": number, "is_on_record": is_on_record}
                    yield ParagraphBeyondSource(f"/source/paragraphs/{place}", document=document, **facts)

    def _unknown_origin(self, slug: str, asserter: str | None, document: str | None) -> Iterable[Refusal]:
        """Refuse an unknown origin, and an origin that is a statement by another actor than the asserter.

        `document`: the cited document, whose origins the refusal lists. `asserter`, `document`: None if unreadable.
        """
        stream = self.origins.get(slug)
        origin = self.history(stream).state.origins.get(slug) if stream else None
        if self._is_refused_name(f"origin {slug}"):
            return
        if origin is None:
            known = self._origins_in(document, by=asserter) or self._origins_in(document)
            document_of_it = f"source/{document}" if document is not None else "its document"
            yield UnknownOrigin("/source/origin", origin=slug, known=known, stream=document_of_it)
        elif asserter is not None and origin.party != asserter:
            facts = {"party": origin.party, "asserter": asserter, "known": self._origins_in(document, by=asserter)}
            yield OriginOfAnotherParty("/source/origin", origin=slug, **facts)

    def _origins_in(self, document: str | None, by: str | None = None) -> str:
        """Return a sentence with the origins of a document, or with those of them that are statements by one party.

        Return an empty text if there are none.
        """
        stream = f"source/{document}"
        origins = self.history(stream).state.origins if parse_stream(stream) is not None else {}
        if by is not None:
            own = [slug for slug, origin in origins.items() if origin.party == by]
            return f"Statements by {by} in the document {document}: {listed(own)}. " if own else ""
        every = [f"{slug} ({origin.party})" for slug, origin in origins.items()]
        return f"Origins of the document {document}: {listed(every)}. " if every else ""

    def check_invalid(self, event: InvalidEvent) -> None:
        """Note the refusals of the readable parts of an invalid event."""
        refusals: list[Refusal] = []
        if event.document is not None:
            refusals += self._unknown_document(event.document, event.paragraphs)
        if event.origin is not None:
            # An invalid asserter is one mistake, at its own place.
            asserter = None if f"/events/{event.index}/asserted_by/party" in self.mistakes else event.asserter
            refusals += self._unknown_origin(event.origin, asserter, event.document)
        relation = self.report.relation
        parties = parties_of(relation) if relation else ()
        # Of the fields for actors, only these two take no third party.
        refusals += [
            NotAParty(
                f"/{field}",
                party=actor,
                relation=relation,
                allowed=irritant_rules.may_act(parties, field, event.type, event.asserter),
            )
            for field, actor in event.actors
            if relation and field in ("addressee", "by") and actor not in parties
        ]
        for refusal in refusals:
            refusal.pointer = f"/events/{event.index}{refusal.pointer}"
        self.refusals += [refusal for refusal in refusals if refusal.pointer not in self.mistakes]

    def _in_envelope(self, stream: str, data: EventModel, rank: int) -> Recorded:
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
            handling=envelope.labels.name_of(rank),
            rank=rank,
        )

    def _judge(self, recorded: Recorded, name: StreamName) -> None:
        """Apply the rules of the stream's kind to an event. Raise Refused if they refuse it."""
        if isinstance(recorded.data, AssertionCorrected):
            self._judge_correction(recorded, recorded.data, name)
            return
        history = self.history(recorded.stream)
        effect, state = history.placed_if_recorded(recorded)
        if effect is not None:
            refusal = JUDGES[name.kind](state, effect, recorded.stream, name.relation or "")
            self._refuse_by_rule(refusal, name, history, effect, state)

    def _refuse_by_rule(
        self, refusal: Refusal | None, name: StreamName, history: History[Any], effect: EffectiveEvent, state: Any
    ) -> None:
        """Raise Refused for a refusal by a rule, with the rung and the other types that are allowed.

        `state`: the state before the event.
        """
        if refusal is None:
            return
        if isinstance(refusal, UnknownStep | UnknownItem) and self._is_refused_name(_name_in(refusal)):
            raise Refused([])  # The reason is the refusal of the event that registers the step or item.
        if isinstance(refusal, UnknownStep | UnknownItem | UnknownProposal):
            refusal.facts["known"] = self._choices(history.stream, refusal.pointer.rpartition("/")[2])
        self.tried += 1
        judge, relation = JUDGES[name.kind], name.relation or ""

        def is_accepted(state: Any, data: Assertion) -> bool:
            return judge(state, replace(effect, data=data), history.stream, relation) is None

        complete(refusal, history, effect, state, is_accepted if self.tried <= _MOST_TRIED else None)
        allowed_types = None
        if name.kind == "irritant" and isinstance(refusal, NotAllowed):
            allowed = irritant_rules.allowed(state)
            type = effect.data.__class__.__name__
            allowed_types = AllowedTypes(allowed.rung, tuple(other for other in allowed.allowed if other != type))
        raise Refused([refusal], allowed_types)

    def _judge_correction(self, recorded: Recorded, correction: AssertionCorrected, name: StreamName) -> None:
        """Raise Refused unless the corrected event could have been filed like this."""
        history = self.history(recorded.stream)
        target = history.recorded(history.amendments.corrected_root(correction.target))
        assert target is not None
        if "type" in correction.changes:
            why = "`type` is never corrected. Retract the event with `AssertionRetracted`, and file it anew"
            _refuse([Malformed("/changes/type", why=why)])
        if isinstance(target.data, OriginRegistered) and "origin" in correction.changes:
            why = "`origin` is never corrected, because it is cited. File `OriginRegistered` with the right one"
            _refuse([Malformed("/changes/origin", why=why)])
        corrected = history.copy()
        corrected.append(recorded)
        try:
            content = corrected.amendments.content_of(target, strictly=True)
        except ValidationError as error:
            raise Refused(malformed(error, "/changes", type(target.data))) from None
        # The index is not used.
        data, unresolved = self._with_event_ids(ReportEvent(index=0, ref=None, stream=recorded.stream, data=content))
        refusals = [*unresolved, *self._refusals_of_content(data, name)]
        for refusal in refusals:
            refusal.pointer = f"/changes{refusal.pointer}"
        _refuse(refusals)
        if corrected.effect(target.id) is None:
            return
        if not corrected.follows_what_it_names(target.id):
            _refuse([cycle(history, target, correction, REFERENCE_FIELDS)])
        before, after = history.with_state_before(target.id), corrected.with_state_before(target.id)
        assert after is not None
        judge, relation = JUDGES[name.kind], name.relation or ""
        if before is not None:
            effect, state = before
            if judge(state, effect, recorded.stream, relation) is not None:
                return  # The event was against the rules before, because of later events, so accept the correction.
        effect, state = after
        if (refused := judge(state, effect, recorded.stream, relation)) is not None:
            refused.pointer = f"/changes{refused.pointer}"
            self._refuse_by_rule(refused, name, corrected, effect, state)


def _unknown_member(pointer: str, stream: str) -> UnknownMember:
    """Return the refusal of an irritant or a round that is not on record."""
    kind, _, member = stream.partition("/")
    return UnknownMember(
        pointer, kind=kind, member=member, opener=alternatives(sorted(_OPENERS[kind])), meant=id_meant(member)
    )


def _nobody_speaks(target: Recorded) -> str:
    return f"`{target.type}`, in which nobody says anything"


_A_STREAM: Final[Mapping[str, str]] = {
    "irritant": "an irritant",
    "round": "a round",
    "relation": "a relation",
    "source": "a document",
    "actor": "an actor",
}
_EXAMPLES: Final[Mapping[str, str]] = {
    "irritant": "irritant/{}/banking-access",
    "round": "round/{}/istanbul-april",
    "relation": "relation/{}",
    "source": "source/ministry-briefing",
    "actor": "actor/african-union",
}
"""The name of a stream of each kind, given a relation."""


def _named_choices(history: History[Any], field_name: str) -> Iterator[str]:
    """Yield what a field of an irritant's event can name, each with a few words about it."""
    state = history.state
    if field_name == "step":
        agreements = undertakings.agreements(state)
        open_ones = [agreement for agreement in agreements if agreement.open]
        yield from (f"{agreement.step} (“{agreement.last.data.action}”)" for agreement in open_ones or agreements)
    elif field_name == "proposal":
        offers = undertakings.offers(state)
        for offer in [offer for offer in offers if offer.awaited] or offers:
            yield f"{by_version(history, offer.proposal.root)} (“{offer.proposal.data.terms}”)"
    elif field_name == "item":
        yield from (f"{item.item} (“{item.name}”)" for item in state.items.values())
    else:
        yield from (by_version(history, event) for event in dict.fromkeys(state.instruments.values()))


def _name_in(refusal: UnknownStep | UnknownItem) -> str:
    """Return the name of the step or item that a refusal is about, as in `names_registered`."""
    name = "step" if isinstance(refusal, UnknownStep) else "item"
    return f"{name} {refusal.facts[name]}"


def _refuse(refusals: list[Refusal]) -> None:
    if refusals:
        raise Refused(refusals)
