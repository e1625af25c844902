"""What needs confirming: every irritant, round and decision that rests on less than both sides' word, and why.

Each entry says what would settle it, so that the list can be worked off. None of it is a mistake in the record: it is
where the record says truly that it does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, Literal

from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, when
from service.domain.claims import Claim
from service.domain.corrections import BEGINNING, END, Effective
from service.domain.history import Reading
from service.domain.irritant import standing, undertakings
from service.domain.irritant.disputes import disputes
from service.domain.irritant.events import NextStepAgreed
from service.domain.irritant.state import Irritant, SidePosition
from service.domain.ladder import FORMALISED, IN_TALKS, RUNGS
from service.domain.relation.events import AgrementGranted, EnvoyTookPost, FormatDecided, FormatDecisionReversed
from service.domain.relation.state import Relation
from service.domain.round.events import RoundCharacterised
from service.domain.round.state import Round
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, Placed, cite, placed
from service.projections.names import joined, name_of

NAME: Final = "needs-confirmation"
REPRESENTATION: Final = 2

Kind = Literal[
    "claimed_above_confirmed",
    "one_origin",
    "contested",
    "attributed_only",
    "third_party_only",
    "media_only",
    "alleged_by_others",
    "reversal_by_media_alone",
    "dispute",
    "silent_side",
    "dates_overlap_reversal",
    "latest_word_below_rung",
    "run_out",
    "items_outstanding",
]


class Unconfirmed(Document):
    """One thing that needs confirming. `about`: the stream it is about. `party`: whose word is wanted, if one's."""

    about: str
    kind: Kind
    party: str | None
    why: str
    settled_by: str
    cited: tuple[Cited, ...]


class NeedsConfirmationDocument(Document):
    """What needs confirming in a relation: by irritant, then the rounds, then the talks as a whole.

    `on`: the day from which it is seen what has run out; null where none was handed in, and then nothing has.
    """

    relation: str
    on: date | None
    items: tuple[Unconfirmed, ...]
    position: int


def view(
    *,
    irritants: Sequence[Reading[Irritant]],
    rounds: Sequence[Reading[Round]],
    relation: Reading[Relation],
    on: date | None = None,
) -> NeedsConfirmationDocument:
    """The list at these readings. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    items = [item for reading in ordered for item in of_irritant(reading, on)]
    items += [item for reading in rounds for item in of_round(reading)]
    items += of_relation(relation)
    return NeedsConfirmationDocument(
        relation=relation.stream.partition("/")[2],
        on=on,
        items=tuple(items),
        position=last_position(relation, *irritants, *rounds),
    )


def of_irritant(reading: Reading[Irritant], on: date | None = None) -> Iterator[Unconfirmed]:
    """What of one irritant needs confirming."""
    found = _OfIrritant(reading)
    yield from found.claimed_above_confirmed()
    yield from found.thin()
    yield from found.contested()
    yield from found.reported_only()
    yield from found.disputed()
    yield from found.alleged_by_others()
    yield from found.silent_sides()
    yield from found.latest_words()
    yield from found.reversals()
    yield from found.items_outstanding()
    yield from found.run_out(on)


class _OfIrritant:
    """The reasons to ask again about one irritant, from one reading of it."""

    def __init__(self, reading: Reading[Irritant]) -> None:
        self.about, self.state, self.effects = reading.stream, reading.state, placed(reading.effects)
        self.status, self.reported = _rung(self.state.status), _rung(self.state.reported)

    def item(
        self, kind: Kind, why: str, settled_by: str, events: Iterable[str] = (), party: str | None = None
    ) -> Unconfirmed:
        cited = tuple(cite(self.effects[event]) for event in dict.fromkeys(events) if event in self.effects)
        return Unconfirmed(
            about=self.about, kind=kind, party=party, why=_sentence(why), settled_by=settled_by, cited=cited
        )

    def claimed_above_confirmed(self) -> Iterator[Unconfirmed]:
        state, status = self.state, self.status
        for party in state.parties:
            if (rung := state.rung_of(party)) < state.status:
                yield self.item(
                    "claimed_above_confirmed",
                    f"The other side is at {status}, {name_of(party)} at {_rung(rung)}.",
                    f"A statement by {name_of(party)} that it is at {status}, or a denial.",
                    (s.event for s in standing.supports(state)),
                    party,
                )

    def thin(self) -> Iterator[Unconfirmed]:
        """One utterance behind the status, or words that are only attributed. A joint text needs no second one."""
        state, supports = self.state, standing.supports(self.state)
        if standing.origins(state) == 1 and not standing.is_joint(state):
            roots = {s.root for s in supports}
            relays = [e for e in self.effects.values() if e.root in roots and _origin(e) == supports[0].origin]
            documents = len({_document(e) for e in relays})
            yield self.item(
                "one_origin",
                f"Only one statement puts it at {self.status if state.status else self.reported}:"
                f" {supports[0].origin}, in {_counted(documents, 'document')}.",
                "An independent statement. Another document that relays this one does not count.",
                (e.id for e in relays),
            )
        if standing.basis(state) == "attributed":
            yield self.item(
                "attributed_only",
                f"No side is quoted or paraphrased at {self.status}: the words are only attributed to it.",
                "The side's own words, quoted or paraphrased.",
                (s.event for s in supports),
            )

    def contested(self) -> Iterator[Unconfirmed]:
        if standing.contested(self.state):
            sides = (d for d in self.state.denials if d.denier in self.state.parties)
            denials = [d for d in sides if not d.ended]
            deniers = sorted({d.denier for d in denials})
            yield self.item(
                "contested",
                f"{joined([name_of(d) for d in deniers])} denies what the other side says.",
                "A statement by the denier that it is so, or the other side taking its claim back.",
                (event for d in denials for event in (d.target, d.event)),
            )

    def reported_only(self) -> Iterator[Unconfirmed]:
        """What no side says and third parties or media report."""
        state = self.state
        if state.reported > state.status:
            told = [s for s, level in standing.reports(state, state.reported)]
            only_media = all(s.holder == MEDIA for s in told)
            yield self.item(
                "media_only" if only_media else "third_party_only",
                f"It is reported at {self.reported} by {joined([name_of(a) for a in standing.reported_by(state)])};"
                " neither side says so.",
                f"A statement by either side that it is at {self.reported}.",
                (s.event for s in told),
            )

    def disputed(self) -> Iterator[Unconfirmed]:
        for dispute in disputes(self.state):
            yield self.item(
                "dispute",
                f"{name_of(dispute.alleged_by)} alleges a {dispute.kind.replace('_', ' ')} of {name_of(dispute.about)}"
                f"{', which denies it' if dispute.denied else ', which has not confirmed it'}.",
                f"A statement by {name_of(dispute.about)}, or {name_of(dispute.alleged_by)} taking it back.",
                [dispute.event],
                dispute.about,
            )

    def alleged_by_others(self) -> Iterator[Unconfirmed]:
        """What third parties and media say that a side did: it moves nothing."""
        state = self.state
        statements = (
            *((t, "a hold") for t in state.holds),
            *((t, "a breach") for t in state.breaches),
            *((t, "an answer") for p in state.proposals.values() for t in p.answers),
        )
        for statement, what in statements:
            if not state.is_side(statement.holder) and state.says(statement):
                yield self.item(
                    "alleged_by_others",
                    f"Only {name_of(statement.holder)} reports {what}, so it moves nothing.",
                    "A statement by the side that it is about.",
                    [statement.event],
                )

    def silent_sides(self) -> Iterator[Unconfirmed]:
        state = self.state
        for party in state.parties:
            if standing.silent(state, party) and state.count:
                yield self.item(
                    "silent_side",
                    f"Nothing by {name_of(party)} is on record.",
                    f'Any statement by {name_of(party)}, even "no comment".',
                    party=party,
                )

    def latest_words(self) -> Iterator[Unconfirmed]:
        state = self.state
        for party in state.parties:
            own = [s for s in state.side_positions if s.holder == party and state.says(s) and not _is_step(s)]
            rung = state.rung_of(party)
            if own and (spoken := _spoken_of(own[-1])) < rung:
                yield self.item(
                    "latest_word_below_rung",
                    f"{name_of(party)} is at {_rung(rung)}; its latest statement is at {_rung(spoken)}.",
                    f"A statement by {name_of(party)} that it is still at {_rung(rung)}, or that this was undone.",
                    [own[-1].event],
                    party,
                )

    def reversals(self) -> Iterator[Unconfirmed]:
        state = self.state
        for stand in state.side_positions:
            if stand.does not in ("reverse", "reopen") or not state.says(stand):
                continue
            if state.is_side(stand.holder):
                yield from self._overlaps(stand)
            elif self._above_before(stand):
                yield self.item(
                    "reversal_by_media_alone" if stand.holder == MEDIA else "alleged_by_others",
                    f"Only {name_of(stand.holder)} says that it went back to {_rung(stand.rung)}, so no side is moved.",
                    "A statement by either side that it went back, or a denial.",
                    [stand.event],
                )

    def _above_before(self, fall: SidePosition) -> bool:
        """Whether a side was, before it, and still is higher than this voice says."""
        state = self.state
        return any(
            s.place < fall.place and level > fall.rung and state.is_side(s.holder) for s, level in state.with_levels
        )

    def _overlaps(self, fall: SidePosition) -> Iterator[Unconfirmed]:
        fell = self.effects[fall.event]
        for stand in self.state.side_positions:
            if stand.holder != fall.holder or stand.rung <= fall.rung or stand.does not in ("advance", "restore"):
                continue
            told = self.effects[stand.event]
            if _unordered(stand, told, fell):
                yield self.item(
                    "dates_overlap_reversal",
                    f"{name_of(stand.holder)} at {_rung(stand.rung)} and its going back to {_rung(fall.rung)} may be of"
                    " one day: which came first is not certain.",
                    "A closer date of either, or `after` where one is known to follow the other.",
                    (told.id, fell.id),
                    stand.holder,
                )

    def items_outstanding(self) -> Iterator[Unconfirmed]:
        state = self.state
        statuses = {i.item: undertakings.item_status(state, i) for i in state.items.values()}
        outstanding = sorted(item for item, status in statuses.items() if status != "settled")
        if state.lifecycle == "resolved" and outstanding:
            yield self.item(
                "items_outstanding",
                f"Both sides say that it is settled; {_counted(len(outstanding), 'item')} of {len(statuses)}"
                f" {'is' if len(outstanding) == 1 else 'are'} not: {', '.join(outstanding)}.",
                "A statement by a side that these are settled, or a reopening.",
                (s.event for s in standing.supports(state)),
            )

    def run_out(self, on: date | None) -> Iterator[Unconfirmed]:
        """Instruments and understandings past their end, as of a day, about which nothing is on record since."""
        if on is None:
            return
        for last in _last_of_each(self.state):
            end = last.data.valid_until
            if end is not None and (until := when(end).latest) is not None and until < on:
                yield self.item(
                    "run_out",
                    f"What {name_of(last.holder)} stated to be valid until {end} has run out; nothing since.",
                    "A statement by either side that it was extended, or that it expired.",
                    [last.event],
                )


def _last_of_each(state: Irritant) -> Iterable[SidePosition]:
    """The last word of a side on each instrument or understanding."""
    last: dict[str, SidePosition] = {}
    for s in state.side_positions:
        if state.is_side(s.holder) and state.says(s) and s.data.type in _HAVE_AN_END:
            last[state.instrument(s.text or s.root)] = s
    return last.values()


_HAVE_AN_END: Final = frozenset({"InstrumentExchanged", "InstrumentStated", "UnderstandingReported"})


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_step(stand: SidePosition) -> bool:
    return isinstance(stand.data, NextStepAgreed)


def _spoken_of(stand: SidePosition) -> int:
    """The rung that a word speaks of; what keeps an instrument in force is about all that rests on it."""
    if stand.does == "restore":
        return len(RUNGS)
    return {"suspend": FORMALISED, "end": IN_TALKS, "expire": IN_TALKS}.get(stand.does, stand.rung)


def _unordered(stand: SidePosition, told: Effective, fall: Effective) -> bool:
    """Whether the days that both can be of overlap, and neither names the other."""
    names = {told.root, told.id} & _named(fall) or fall.id in _named(told)
    if names or told.relay or stand.root == fall.id:
        return False
    begins = max(told.earliest or BEGINNING, fall.earliest or BEGINNING)
    return begins <= min(told.latest or END, fall.latest or END)


def _named(effect: Effective) -> set[str]:
    return {name for field in ("after", "undoes") if (name := getattr(effect.data, field, None))}


def of_round(reading: Reading[Round]) -> Iterator[Unconfirmed]:
    """What of one round needs confirming: that it is to come, or that it met."""
    state = reading.state
    held = state.phase in ("convened", "concluded")
    # Whoever describes a round says that there was one.
    claims = (*state.existence, *(state.of(RoundCharacterised) if held else ()))
    subject = "That the round met" if held else "That there is to be such a round"
    yield from _of_claims(reading.stream, subject, state.parties, placed(reading.effects), claims)


def of_relation(reading: Reading[Relation]) -> Iterator[Unconfirmed]:
    """What of the talks as a whole needs confirming: the decision on the format, and who leads the missions."""
    state, effects = reading.state, placed(reading.effects)
    about, parties = reading.stream, state.parties
    if state.format is not None and not state.format_reversed:
        format = state.format.data.format
        decided = [claim for claim in state.of(FormatDecided) if claim.data.format == format]
        yield from _of_claims(about, f"The decision on the format ({format})", parties, effects, decided)
    for claim in state.of(FormatDecisionReversed):
        if not claim.said_by:
            yield Unconfirmed(
                about=about,
                kind="reversal_by_media_alone",
                party=None,
                why="Only media or third parties say that the decision on the format was undone, so it stands.",
                settled_by="A statement by either side, or a denial.",
                cited=(cite(effects[claim.root]),),
            )
    for granted in state.of(AgrementGranted):
        yield from _of_claims(about, f"The agrément for {granted.data.person}", parties, effects, [granted])
    for taken in state.of(EnvoyTookPost):
        yield from _of_claims(about, f"The taking up of the post by {taken.data.person}", parties, effects, [taken])


def _of_claims(
    about: str, subject: str, parties: Sequence[str], effects: Placed, claims: Iterable[Claim[Assertion]]
) -> Iterator[Unconfirmed]:
    """The reasons to ask again about something beside the ladder, which any of these claims says."""
    claims = list(claims)
    live = [statement for claim in claims for statement in claim.live]
    said_by = {t.holder for t in live if t.is_side}
    contested_by = {party for claim in claims for party in claim.contested_by} - said_by
    cited = tuple(cite(effects[event]) for event in dict.fromkeys(t.event for t in live))

    def item(kind: Kind, why: str, settled_by: str, party: str | None = None) -> Unconfirmed:
        return Unconfirmed(about=about, kind=kind, party=party, why=_sentence(why), settled_by=settled_by, cited=cited)

    if not live:
        return
    if len({t.origin for t in live}) == 1:
        documents = len({c.source.document for c in cited})
        why = f"{subject} rests on one statement, {live[0].origin}, in {_counted(documents, 'document')}."
        if len(said_by) < len(parties):  # A text of both needs no second one.
            yield item(
                "one_origin", why, "An independent statement. Another document that relays this one does not count."
            )
    if contested_by:
        yield item(
            "contested",
            f"{subject} is denied by {joined([name_of(p) for p in sorted(contested_by)])}.",
            "A statement of both sides.",
        )
    if not said_by:
        others = sorted({t.holder for t in live})
        kind: Kind = "media_only" if others == [MEDIA] else "third_party_only"
        why = f"{subject} is reported by {joined([name_of(a) for a in others])} and by neither side."
        yield item(kind, why, "A statement by either side.")
    elif not any(t.spoken for t in live):
        yield item(
            "attributed_only",
            f"{subject} is only attributed to a side.",
            "The side's own words, quoted or paraphrased.",
        )
    for party in parties:
        if said_by and party not in said_by | contested_by:
            why = f"{subject} is not on record from {name_of(party)}."
            yield item("silent_side", why, f"A statement by {name_of(party)}, or a denial.", party)


def _rung(level: int) -> str:
    return RUNGS[level].replace("_", " ")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _origin(effect: Effective) -> str | None:
    return effect.assertion.source.origin if effect.assertion else None


def _document(effect: Effective) -> str | None:
    return effect.assertion.source.document if effect.assertion else None
