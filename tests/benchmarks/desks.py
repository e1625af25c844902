"""Simulated desks, which file reports on relations and rounds with assertions of parties and media.

Each next event is one that a desk could file and the service would accept. Some are late, corrected, retracted, denied,
or repeated by another voice. The same seed gives the same events.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from random import Random
from typing import Any, Final
from uuid import UUID

from service.domain.countries import parties_of

_FIRST_DAY: Final = date(2019, 1, 7)
_LAST_DAY: Final = date(2025, 12, 31)
_EVENTS_OF_A_ROUND: Final = 120
_REPORTS_OF_A_ROUND: Final = 24
_OF_LATE: Final = 40
"""The number of latest claims that may be corrected, retracted, denied or repeated."""
_SUBJECTS: Final = ["banking", "visas", "flights", "property", "travel", "notes", "staff", "schools", "taxes", "cargo"]
_PLACES: Final = ["capital", "north", "south", "east", "west", "coast", "border", "islands", "missions", "consulates"]
SLUGS: Final = tuple(f"{subject}-{place}" for subject in _SUBJECTS for place in _PLACES)
"""The irritants of every relation."""
_ORGANS: Final = ("the foreign ministry", "the embassy", "the delegation", "the president's office")
_SUMMARIES: Final = (
    "The spokesperson named it first among the matters that stand in the way of the missions' ordinary work.",
    "The delegation said that the question was gone through point by point and would be taken up again by experts.",
    "According to the readout the two sides came closer, without saying on which points and by when.",
    "The ministry repeated its view that nothing stands in the way of a solution but the other side's restrictions.",
)


@dataclass
class Filed:
    """A filed report: its time, its id, its round, and its events with their ids."""

    at: datetime
    id: str
    relation: str
    round: str | None
    title: str
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """The id, the stream and the payload of each event."""

    @property
    def body(self) -> dict[str, Any]:
        """Return the request body that the desk sent."""
        said = [{"stream": stream, **payload} for _, stream, payload in self.events]
        return {"relation": self.relation, "round": self.round, "title": self.title, "events": said}


class Desk:
    """The desk of one relation. It files a first report, and several on each round."""

    def __init__(self, number: int, relation: str, events: int, slugs: Sequence[str] = SLUGS) -> None:
        self._number, self.relation, self._left = number, relation, events
        self.parties = parties_of(relation)
        self.chance = Random(f"record of {relation}")
        self._minted = 0
        rounds = max(1, events // _EVENTS_OF_A_ROUND)
        span = (_LAST_DAY - _FIRST_DAY) // (rounds + 1)
        first = _FIRST_DAY + timedelta(number % 28)
        self._days = [first + n * span for n in range(rounds + 1)]
        self.irritants = [_Irritant(self, slug) for slug in slugs]

    def reports(self) -> Iterator[Filed]:
        """Yield reports with the exact number of events. The last one is cut short."""
        for filed in self._all():
            del filed.events[self._left :]
            self._left -= len(filed.events)
            yield filed
            if not self._left:
                return

    def id(self, at: datetime) -> str:
        """Return an id that sorts by time, like the service's ids."""
        self._minted += 1
        moment = int(at.timestamp() * 1000)
        return str(UUID(int=moment << 80 | 7 << 76 | 2 << 62 | self._number << 40 | self._minted))

    def party(self) -> str:
        return self.chance.choice(self.parties)

    def other(self, party: str) -> str:
        return self.parties[party == self.parties[0]]

    def _all(self) -> Iterator[Filed]:
        yield self._beginning()
        turns = self._turns()
        for number in count(1):
            beyond = max(0, number + 1 - len(self._days))
            day = self._days[min(number, len(self._days) - 1)] + timedelta(14 * beyond)
            round = _Round(self, number, day)
            yield round.announced()
            opening = self._report(round.day, round, f"Round {number}: what the readouts say")
            self._tell(opening, round.registered() + round.met())
            yield opening
            for place, irritant in enumerate(islice(turns, _REPORTS_OF_A_ROUND)):
                filed = self._report(round.day + timedelta(place // 4), round, f"Round {number}: {irritant.slug}")
                self._tell(filed, [(irritant.stream, said) for said in irritant.told(round, filed.at)])
                yield filed

    def _turns(self) -> Iterator["_Irritant"]:
        """Yield the irritants in random order, each equally often."""
        while True:
            yield from self.chance.sample(self.irritants, len(self.irritants))

    def _beginning(self) -> Filed:
        filed = self._report(self._days[0], None, "The beginning of the talks")
        opened = {"type": "RelationOpened", "parties": list(self.parties), "title": "Talks on irritants"}
        self._tell(filed, [(f"relation/{self.relation}", opened)])
        self._tell(filed, [(irritant.stream, irritant.opened()) for irritant in self.irritants])
        return filed

    def _report(self, day: date, round: "_Round | None", title: str) -> Filed:
        moment = datetime.combine(day, time(9, tzinfo=UTC)) + timedelta(seconds=self._minted % 30_000)
        at = moment + timedelta(microseconds=self._number)
        return Filed(at, self.id(at), self.relation, round.slug if round else None, title)

    def _tell(self, filed: Filed, told: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for stream, payload in told:
            filed.events.append((payload.pop("id", None) or self.id(filed.at), stream, payload))


class _Round:
    """One meeting with its documents: a readout of each side, a joint text, and press articles."""

    def __init__(self, desk: Desk, number: int, day: date) -> None:
        self.desk, self.day = desk, day
        self.slug = f"round-{number}"
        self._source = f"source/{desk.relation}-{self.slug}"
        self._stream = f"round/{desk.relation}/{self.slug}"

    def cited(self, party: str) -> dict[str, Any]:
        channel = "outlet" if party == "MEDIA" else self.desk.chance.choice(("quote", "paraphrase", "attributed"))
        organ = {"organ": self.desk.chance.choice(_ORGANS)} if party in self.desk.parties else {}
        document = self._source.partition("/")[2]
        paragraphs = sorted(self.desk.chance.sample(range(1, 30), self.desk.chance.randint(1, 3)))
        return {
            "asserted_by": {"party": party, "channel": channel, **organ},
            "source": {
                "document": f"{document}-{'press' if party == 'MEDIA' else 'readout'}",
                "paragraphs": paragraphs,
                "origin": f"{document}-{party.lower()}",
            },
            "summary": self.desk.chance.choice(_SUMMARIES),
        }

    def announced(self) -> Filed:
        """Return an earlier report with its own documents."""
        desk = self.desk
        filed = desk._report(self.day - timedelta(5), None, f"{self.slug} is announced")
        source = f"{self._source}-notice"
        party = desk.party()
        origin = f"{source.partition('/')[2]}-{party.lower()}"
        registered = {"type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 9, "language": "en"}
        voice = {"type": "OriginRegistered", "origin": origin, "speaker": "A spokesperson", "party": party}
        said = {
            "asserted_by": {"party": party, "channel": "quote"},
            "source": {"document": source.partition("/")[2], "paragraphs": [1], "origin": origin},
            "summary": "The delegations are to meet again next week.",
            "occurred": str(filed.at.date()),
        }
        scheduled = {"type": "RoundScheduled", "date": str(self.day), "place": "Istanbul", **said}
        told: list[tuple[str, dict[str, Any]]] = [
            (source, registered),
            (source, {**voice, "channel": "quote"}),
            (self._stream, scheduled),
        ]
        desk._tell(filed, told)
        return filed

    def registered(self) -> list[tuple[str, dict[str, Any]]]:
        told: list[tuple[str, dict[str, Any]]] = []
        for kind, voices in (("readout", (*self.desk.parties, "JOINT")), ("press", ("MEDIA",))):
            source = f"{self._source}-{kind}"
            registered: dict[str, Any] = {"type": "SourceRegistered", "publisher": f"The {kind}", "paragraphs": 30}
            told.append((source, registered))
            for party in voices:
                origin = f"{self._source.partition('/')[2]}-{party.lower()}"
                channel = "outlet" if party == "MEDIA" else "quote"
                voice = {"origin": origin, "speaker": "A spokesperson", "party": party, "channel": channel}
                told.append((source, {"type": "OriginRegistered", **voice, "occurred": str(self.day)}))
        return told

    def met(self) -> list[tuple[str, dict[str, Any]]]:
        one, other = self.desk.parties
        day = {"occurred": str(self.day)}
        said: list[dict[str, Any]] = [
            {"type": "RoundConvened", "place": "Istanbul", **self.cited(one), **day},
            {"type": "RoundConvened", "place": "Istanbul", **self.cited("MEDIA"), **day},
            {"type": "RoundConcluded", "hours": 5, "qualifier": "about", **self.cited(other), **day},
            {"type": "RoundCharacterised", "wording": "constructive", **self.cited(one), **day},
        ]
        return [(self._stream, payload) for payload in said]


class _Irritant:
    """One irritant, with the events that may follow without a refusal."""

    def __init__(self, desk: Desk, slug: str) -> None:
        self.desk, self.slug = desk, slug
        self.stream = f"irritant/{desk.relation}/{slug}"
        self._count = 0
        self._proposals: list[tuple[str, str]] = []
        self._steps: list[str] = []
        self._items: list[str] = []
        self._held: list[str] = []
        self._reversed_on: date | None = None
        self._claims: list[str] = []
        """Plain assertions that are neither denied nor retracted, by id."""

    def opened(self) -> dict[str, Any]:
        subject, place = self.slug.split("-")
        return {"type": "IrritantOpened", "title": f"{subject.title()}, {place}", "category": subject}

    def told(self, round: _Round, at: datetime) -> list[dict[str, Any]]:
        """Return the two to six events of one report on it."""
        told = []
        for _ in range(self.desk.chance.randint(2, 6)):
            told += self._said(round, at)
        return told

    def _said(self, round: _Round, at: datetime) -> list[dict[str, Any]]:
        self._count += 1
        chance = self.desk.chance
        party = self.desk.party()
        kind = chance.choices(
            ("plain", "proposal", "step", "item", "hold", "evidence", "denial", "correction", "retraction", "reversal"),
            (46, 9, 9, 5, 4, 10, 4, 5, 3, 5),
        )[0]
        if kind in ("evidence", "denial", "correction", "retraction") and not self._claims:
            kind = "plain"
        told: list[dict[str, Any]] = getattr(self, f"_{kind}")(round, party, self.desk.id(at))
        return told

    def _assertion(self, round: _Round, party: str, id: str, type: str, /, **payload: Any) -> dict[str, Any]:
        return {"id": id, "type": type, **round.cited(party), "occurred": str(round.day), **payload}

    def _plain(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        """Return an assertion that always fits, by a side, both or the press. One in eight is of a day long past."""
        chance = self.desk.chance
        type, payload = chance.choice(
            (
                ("ConcernRaised", {}),
                ("DiscussionReported", {"form": "talks", "round": f"{self.desk.relation}/{round.slug}"}),
                ("DiscussionReported", {"form": "working_group"}),
                (
                    "UnderstandingReported",
                    {"terms": "Both missions work without hindrance.", "wording": "understanding"},
                ),
                ("InstrumentExchanged", {"kind": "exchange_of_notes"}),
                ("ImplementationReported", {"act": "The first accounts were opened.", "actor": party}),
                ("PositionStated", {"stance": "priority"}),
                ("ReversibilityStated", {"reversible": True}),
            )
        )
        voice = chance.choices((party, "JOINT", "MEDIA"), (70, 10, 20))[0]
        said = self._assertion(round, voice, id, type, **payload)
        if chance.random() < 0.125:
            said["occurred"] = str(round.day - timedelta(chance.randint(20, 300)))
        self._claims.append(id)
        return [said]

    def _proposal(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        if self._proposals:
            proposal, addressee = self._proposals.pop()
            answer = self.desk.chance.choice(("accepted", "rejected", "deferred", "countered"))
            return [self._assertion(round, addressee, id, "ProposalAnswered", proposal=proposal, answer=answer)]
        addressee = self.desk.other(party)
        self._proposals.append((id, addressee))
        terms = {"kind": "offer", "addressee": addressee, "terms": "Lists are exchanged and gone through."}
        return [self._assertion(round, party, id, "ProposalTabled", **terms)]

    def _step(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        if len(self._steps) > 1:
            return [self._assertion(round, party, id, "NextStepClosed", step=self._steps.pop(0), outcome="done")]
        step = f"step-{self._count}"
        self._steps.append(step)
        action = {"owner": "both", "action": "Experts meet on the list.", "due": str(round.day + timedelta(40))}
        return [self._assertion(round, party, id, "NextStepAgreed", step=step, **action)]

    def _item(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        if len(self._items) > 2:
            status = self.desk.chance.choice(("outstanding", "partly", "settled"))
            return [self._assertion(round, party, id, "ItemStatusChanged", item=self._items[-1], status=status)]
        item = f"house-{self._count}"
        self._items.append(item)
        what = {"kind": "building", "name": f"House {self._count}", "place": "the capital"}
        return [self._assertion(round, party, id, "ItemAdded", item=item, **what)]

    def _hold(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        if self._held:
            return [self._assertion(round, self._held.pop(), id, "HoldLifted")]
        self._held.append(party)
        why = {"kind": "stalled", "by": party, "reason": "No date is set."}
        return [self._assertion(round, party, id, "HoldPlaced", **why)]

    def _evidence(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        target = self.desk.chance.choice(self._claims[-_OF_LATE:])
        voice = self.desk.chance.choice((party, "MEDIA"))
        return [{"id": id, "type": "EvidenceAdded", **round.cited(voice), "target": target}]

    def _denial(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        target = self.desk.chance.choice(self._claims[-_OF_LATE:])
        return [self._assertion(round, party, id, "ClaimContested", target=target)]

    def _correction(self, round: _Round, _party: str, id: str) -> list[dict[str, Any]]:
        target = self.desk.chance.choice(self._claims[-_OF_LATE:])
        changes = self.desk.chance.choice(
            ({"summary": "As the readout has it in its second edition."}, {"source": {"paragraphs": [3]}})
        )
        return [{"id": id, "type": "AssertionCorrected", "target": target, "changes": changes, "reason": "Misread."}]

    def _retraction(self, round: _Round, _party: str, id: str) -> list[dict[str, Any]]:
        target = self.desk.chance.choice(self._claims[-_OF_LATE:])
        self._claims.remove(target)
        return [{"id": id, "type": "AssertionRetracted", "target": target, "reason": "Of another irritant."}]

    def _reversal(self, round: _Round, party: str, id: str) -> list[dict[str, Any]]:
        """Return an advance and its reversal, so there is always something to reverse, but not twice on one day."""
        if self._reversed_on == round.day:
            return self._plain(round, party, id)
        self._reversed_on = round.day
        reached = self._assertion(round, party, self.desk.id(_noon(round.day)), "DiscussionReported", form="talks")
        undone = {"to": "raised", "by": self.desk.other(party), "reason": "Talks were called off."}
        return [reached, self._assertion(round, party, id, "ProgressReversed", **undone)]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12, tzinfo=UTC))
