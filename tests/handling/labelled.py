"""Random histories with handling labels, for the law that an audience gets what it would get without what is withheld.

`labelled` draws a history of one irritant as a store could hold it, with the present rank of each event. `plans` draws
reports over several streams, which `file` gives to a recorder one by one. A refused event is left out, so that the
record has only what the rules accept.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from typing import Any, Final

from hypothesis import strategies as st
from sqlalchemy import Engine, update

from service.domain.assertion import AssertionRetracted, EventModel, HandlingChanged, Recorded
from service.domain.errors import Refused, TooOpen
from service.domain.handling import needed_by
from service.domain.streams import history_of
from service.read_models.rebuild import ensure_built
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import codec, events, reports
from service.store.audience import read_labels
from service.store.engine import connection, transaction
from service.store.log import Filing as LogFiling
from service.store.log import append, lock_head, read_head
from service.store.tables import head as head_table
from tests.laws.histories import STREAM, Draft, drafts, name, recorded, records

RANKS: Final[Mapping[str, int]] = {"open": 0, "restricted": 500, "secret": 700}
LABELS: Final = tuple(RANKS)
_MOST_DEPENDENT: Final = 8
AUDIENCES: Final = (0, 500)
"""Those from which something can be withheld. The third label is the highest, so its readers see everything."""

_ranks = st.sampled_from((0, 0, 0, 0, 500, 500, 700))


@st.composite
def labelled(draw: st.DrawFn) -> list[Sequence[Recorded]]:
    """Draw a history as its reports. An event has the rank with which it was filed."""
    log: list[Recorded] = []
    for event in draw(records()):
        if isinstance(event.data, AssertionRetracted) and event.data.target == name(0):
            continue  # the rules refuse to retract an opening
        rank = draw(_ranks) if log else draw(st.sampled_from((0, 0, 0, 500)))
        needed = needed_by(event.data, history_of(STREAM, log), history_of, {})
        log.append(replace(event, rank=max([rank, *(e.rank for e in needed)])))
    reports: list[Sequence[Recorded]] = [tuple(report) for _, report in groupby(log, key=lambda event: event.report)]
    changes = draw(st.lists(st.tuples(st.integers(0, len(reports) - 1), st.sampled_from(LABELS)), max_size=2))
    return _numbered(_with_changes(draw, reports, changes))


def _with_changes(
    draw: st.DrawFn, reports: Sequence[Sequence[Recorded]], changes: Sequence[tuple[int, str]]
) -> Iterator[Sequence[EventModel | Recorded]]:
    """Yield the reports, and after some of them one that changes the label of an earlier event."""
    known: list[Recorded] = []
    for number, report in enumerate(reports):
        yield report
        known += report
        for after, label in changes:
            if after == number:
                target = draw(st.sampled_from(known))
                yield [HandlingChanged(target=target.id, label=label, reason="other")]


def _numbered(reports: Iterator[Sequence[EventModel | Recorded]]) -> list[Sequence[Recorded]]:
    """Return the reports with positions without gaps."""
    numbered: list[Sequence[Recorded]] = []
    position = 0
    for number, report in enumerate(reports):
        events: list[Recorded] = []
        for event in report:
            position += 1
            if isinstance(event, Recorded):
                events.append(replace(event, position=position, version=position, report=f"report-{number}"))
            else:
                change = recorded(position, event, id=f"change-{position}")
                events.append(replace(change, report=f"report-{number}"))
        numbered.append(tuple(events))
    return numbered


def relabelled(log: Sequence[Recorded], report: Sequence[Recorded]) -> tuple[list[Recorded], list[Recorded]]:
    """Return the log before a report, and the report, with the ranks after it.

    A change of a label is as restricted as its target before and after.
    """
    before, filed = list(log), []
    for event in report:
        if isinstance(event.data, HandlingChanged):
            new = RANKS[event.data.label]
            old = next((e.rank for e in before if e.id == event.data.target), 0)
            before = [replace(e, rank=new) if e.id == event.data.target else e for e in before]
            filed.append(replace(event, rank=max(old, new)))
        else:
            filed.append(event)
    return before, filed


BANKING: Final = "irritant/ru-us/banking"
TALKS: Final = "relation/ru-us"
ROUND: Final = "round/ru-us/istanbul"
PAPER, CABLE, AGENCY = "source/paper", "source/cable", "actor/agency"
BEGAN: Final = datetime(2025, 5, 1, 12, tzinfo=UTC)
_labels = st.sampled_from((None, None, None, None, None, None, "restricted", "restricted", "secret", "open"))
_parties = ("RU", "US", "JOINT", "MEDIA", "TR")


@dataclass(frozen=True)
class Planned:
    """An event to file on a stream. `names`: for some fields the number of the event that they name, on its stream."""

    stream: str
    type: str
    payload: Mapping[str, Any]
    names: Mapping[str, int]
    handling: str | None


@dataclass(frozen=True)
class Plan:
    """A report to file, with a label and a round, or without.

    `attributes`: the number of an earlier report. `relabels`: gives `handling` to the event so many events before the
    end of the record, and to all that depend on it.
    """

    events: Sequence[Planned]
    handling: str | None = None
    round: str | None = None
    attributes: int | None = None
    relabels: int | None = None


def _told(party: str, type: str, stream: str, /, **fields: Any) -> Planned:
    channel = "outlet" if party == "MEDIA" else "quote"
    cited = {"document": "paper", "paragraphs": [1], "origin": f"{party.lower()}-1"}
    by = {"party": party, "channel": channel}
    payload = {"asserted_by": by, "source": cited, "summary": f"{type} was said.", "occurred": "2025-01-02", **fields}
    return Planned(stream, type, payload, {}, None)


_MEETINGS: Final = (
    _told("RU", "RoundScheduled", ROUND, date="2025-05-20", place="Istanbul"),
    _told("US", "RoundRelocated", ROUND, place="Ankara"),
    _told("US", "RoundConvened", ROUND, place="Ankara"),
    _told("TR", "RoundVenueNamed", ROUND, venue="Consulate", host="TR"),
    _told("RU", "DelegationHeadNamed", ROUND, party="RU", person="A. Envoy", role="Director"),
    _told("MEDIA", "RoundConcluded", ROUND, hours=6, qualifier="about"),
    Planned(ROUND, "RoundTitled", {"title": "Second round"}, {}, None),
    _told("US", "ObstacleNoted", TALKS, obstacle="A court case."),
    _told("RU", "ScopeExcluded", TALKS, subject="defence"),
    _told("RU", "FormatDecided", TALKS, format="Two capitals", preliminary=True, reversible=True),
    _told("US", "NoCommentRecorded", TALKS, organs=["Cabinet"], about="the next round"),
    Planned(TALKS, "PersonNamed", {"person": "an-envoy", "names": ["A. Envoy"], "role": "Envoy"}, {}, None),
    Planned(AGENCY, "ActorRegistered", {"actor": "agency", "kind": "organisation", "names": ["the Agency"]}, {}, None),
    Planned(PAPER, "AssertionCorrected", {"changes": {"publisher": "Gazette"}, "reason": "other"}, {"target": 0}, None),
)


@st.composite
def plans(draw: st.DrawFn) -> list[Plan]:
    """Draw reports over two irritants, a round, the relation and two sources."""
    pending = {
        STREAM: [_on(STREAM, d) for d in draw(drafts(upto=8))],
        BANKING: [_on(BANKING, d) for d in draw(drafts(upto=5))],
        "": draw(st.lists(st.sampled_from(_MEETINGS), max_size=5)),
    }
    found = _beginning(draw)
    while any(pending.values()):
        left = st.sampled_from([kind for kind, events in pending.items() if events])
        kinds = draw(st.lists(left, min_size=1, max_size=3))
        events = [_varied(draw, pending[kind].pop(0)) for kind in kinds if pending[kind]]
        label = draw(st.sampled_from((None, None, None, None, "restricted", "secret")))
        on_round = draw(st.sampled_from((None, None, "istanbul")))
        found.append(Plan(events, label, on_round))
        if draw(st.integers(0, 3)) == 0:
            found.append(Plan([], draw(st.sampled_from(LABELS)), relabels=draw(st.integers(0, 12))))
        if draw(st.integers(0, 7)) == 0:
            attributed = Planned(TALKS, "ReportAttributed", {"round": "ru-us/istanbul"}, {}, draw(_labels))
            found.append(Plan([attributed], attributes=draw(st.integers(0, len(found) - 1))))
    return found


def _on(stream: str, draft: Draft) -> Planned:
    return Planned(stream, draft.type, draft.payload, draft.names, None)


def _beginning(draw: st.DrawFn) -> list[Plan]:
    talks = Planned(TALKS, "RelationOpened", {"parties": ["RU", "US"], "title": "Talks"}, {}, None)
    paper = Planned(PAPER, "SourceRegistered", {"publisher": "Paper", "paragraphs": 9}, {}, None)
    cable = Planned(CABLE, "SourceRegistered", {"publisher": "A cable", "paragraphs": 9}, {}, draw(_labels))
    origins = [_origin(PAPER, f"{party.lower()}-{n}", party) for party in _parties for n in (1, 2)]
    of_cable = [replace(_origin(CABLE, f"cable-{p.lower()}", p), handling=draw(_labels)) for p in _parties]
    visas = Planned(STREAM, "IrritantOpened", {"title": "Visas", "category": "visas"}, {}, None)
    banking = Planned(BANKING, "IrritantOpened", {"title": "Banking", "category": "banking"}, {}, draw(_labels))
    announced = replace(_told("US", "RoundAnnounced", ROUND, preliminary=True), handling=draw(_labels))
    return [Plan([paper, *origins, talks, visas]), Plan([cable, *of_cable]), Plan([banking, announced])]


def _origin(stream: str, slug: str, party: str) -> Planned:
    channel = "outlet" if party == "MEDIA" else "quote"
    fields = {"origin": slug, "speaker": f"Speaker {slug}", "party": party, "channel": channel}
    return Planned(stream, "OriginRegistered", fields, {}, None)


def _varied(draw: st.DrawFn, event: Planned) -> Planned:
    """Give an event a label. Let it cite the cable, and name the round or an actor, now and then."""
    payload = dict(event.payload)
    if "source" in payload and draw(st.integers(0, 3)) == 0:
        party = payload["asserted_by"]["party"].lower()
        payload["source"] = {"document": "cable", "paragraphs": [2], "origin": f"cable-{party}"}
    if event.type == "DiscussionReported" and draw(st.booleans()):
        payload["round"] = "ru-us/istanbul"
    label = None if event.stream == AGENCY else draw(_labels)
    return replace(event, payload=payload, handling=label)


@dataclass
class Filing:
    """Files plans with a recorder, an hour apart. `ids` has the ids of the events of each stream, by their number."""

    recorder: Recorder
    ids: dict[tuple[str, int], str] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def file(self, number: int, plan: Plan) -> None:
        """File a report, without the events that the rules refuse."""
        if plan.relabels is not None:
            self._relabel(number, plan.relabels, str(plan.handling))
            return
        events: dict[int, dict[str, Any]] = {}
        keys: dict[int, tuple[str, int]] = {}
        for place, event in enumerate(plan.events):
            keys[place] = (event.stream, self._counts[event.stream])
            self._counts[event.stream] += 1
            if (body := self._body(event, plan)) is not None:
                events[place] = {**body, "ref": _ref(*keys[place])}
        while events:
            body = {"relation": "ru-us", "title": f"Report {number}", "events": list(events.values())}
            body |= {"handling": plan.handling} if plan.handling else {}
            body |= {"round": plan.round} if plan.round else {}
            outcome = self._record(number, body)
            if isinstance(outcome, Receipt):
                self._remember(outcome, events, keys)
                return
            assert isinstance(outcome, Refused), outcome
            places = list(events)
            refused = {refusal.pointer.split("/")[2] for refusal in outcome.refusals if "/events/" in refusal.pointer}
            if not refused:
                return
            events = {place: events[place] for n, place in enumerate(places) if str(n) not in refused}

    def _record(self, number: int, body: Mapping[str, Any]) -> Receipt | Exception:
        request = ReportRequest.read(body, f"key-{number}", "desk", f"request-{number}")
        [outcome] = self.recorder.record([request])
        if isinstance(outcome, Receipt):
            self.reports[number] = outcome.report.id
            self.recorded += outcome.events
        return outcome

    def _relabel(self, number: int, back: int, label: str) -> None:
        """Change the label of a recorded event. If others depend on it, change theirs in the same report."""
        by_name = {f"{event.stream}@{event.version}": event for event in self.recorded}
        targets = [self.recorded[-1 - back % len(self.recorded)]]
        for _ in range(_MOST_DEPENDENT):
            changes = [
                {"stream": e.stream, "type": "HandlingChanged", "target": e.id, "label": label, "reason": "other"}
                for e in targets
            ]
            outcome = self._record(number, {"relation": "ru-us", "title": f"Report {number}", "events": changes})
            if isinstance(outcome, Receipt):
                return
            assert isinstance(outcome, Refused), outcome
            depending = {str(r.facts["event"]) for r in outcome.refusals if isinstance(r, TooOpen)}
            more = [by_name[name] for name in sorted(depending & by_name.keys()) if by_name[name] not in targets]
            if not more:
                return
            targets += more

    def _body(self, event: Planned, plan: Plan) -> dict[str, Any] | None:
        """Return the event as JSON, None if it names an event that was refused."""
        body: dict[str, Any] = {"stream": event.stream, "type": event.type, **event.payload}
        for field_name, number in event.names.items():
            on_record = self.ids.get((event.stream, number))
            # A later event of the same report is named by its `ref`.
            body[field_name] = on_record or _ref(event.stream, number)
        if plan.attributes is not None:
            if plan.attributes not in self.reports:
                return None
            body["report"] = self.reports[plan.attributes]
        return body | ({"handling": event.handling} if event.handling else {})

    def _remember(
        self, receipt: Receipt, events: Mapping[int, Mapping[str, Any]], keys: Mapping[int, tuple[str, int]]
    ) -> None:
        recorded = list(receipt.events)
        for place, body in events.items():
            same = (e for e in recorded if (e.stream, e.type) == (body["stream"], body["type"]))
            if (event := next(same, None)) is not None:
                recorded.remove(event)
                self.ids[keys[place]] = event.id


def file(engine: Engine, planned: Sequence[Plan]) -> None:
    """File these reports one after another."""
    moments = (BEGAN + timedelta(hours=number) for number in count())
    filing = Filing(Recorder(engine, clock=lambda: next(moments)))
    for number, plan in enumerate(planned):
        filing.file(number, plan)


def file_only_what_is_visible(whole: Engine, rank: int, other: Engine) -> dict[int, int]:
    """Append to an empty record only the events of another one that an audience may see, in the same order.

    They have the same ids, times and content, and positions and versions without gaps. All of them are open there.
    Return the position in the new record of each position in the old one: the number of visible events up to it.
    """
    with connection(whole) as c:
        head, labels = read_head(c), {label.name: label.rank for label in read_labels(c)}
        stored = [codec.decode(row) for row in events.read_log(c)]
        known = reports.by_ids(c, {event.report for event in stored})
    assert labels == RANKS
    positions: dict[int, int] = {0: 0}
    versions = Counter[str]()
    filings: list[LogFiling] = []
    for report, of_report in groupby(stored, key=lambda event: event.report):
        seen: list[Recorded] = []
        for event in of_report:
            is_visible = event.rank <= rank
            positions[event.position] = position = positions[event.position - 1] + is_visible
            if is_visible:
                versions[event.stream] += 1
                seen.append(replace(event, position=position, version=versions[event.stream], rank=0))
        if seen:
            first, last = seen[0].position, seen[-1].position
            filings.append(LogFiling(known[report]._replace(first_position=first, last_position=last), seen))
    with transaction(other) as c:
        # The same id, because readers see it.
        c.execute(update(head_table).values(record=head.record))
        assert append(c, lock_head(c), filings) is not None
    ensure_built(other)
    return positions


def _ref(stream: str, number: int) -> str:
    """Return the name by which events of one report name another."""
    return f"{stream.replace('/', '-')}-{number}"
