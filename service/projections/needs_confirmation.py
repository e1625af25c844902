"""The claims of a relation that need confirmation: those that not both sides have confirmed, and why.

`GET /v1/relations/{relation}/needs-confirmation` returns it, and the page of a relation and
`irritants needs-confirmation` show it. Each entry says why it is in the list (`why`) and which statement would settle
it (`settled_by`). An entry is not a mistake in the record: the record only does not yet say enough.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, takewhile
from typing import Final, Literal

from service.domain import edtf
from service.domain.actor.names import ActorNames
from service.domain.actors import MEDIA, holders, other
from service.domain.assertion import OWN_WORDS, AssertedBy, Assertion, when
from service.domain.claims import Claim
from service.domain.corrections import BEGINNING, END, EffectiveEvent, is_surely_before
from service.domain.history import StreamAtPoint
from service.domain.irritant import standing, undertakings
from service.domain.irritant.disputes import disputes
from service.domain.irritant.events import HoldLifted, NextStepAgreed
from service.domain.irritant.state import ActorPosition, ActorStatement, Irritant, merged_by_place
from service.domain.ladder import FORMALISED, IN_TALKS, RUNGS
from service.domain.relation.events import AgrementGranted, EnvoyTookPost, FormatDecided, FormatDecisionReversed
from service.domain.relation.state import Relation
from service.domain.round.events import (
    RoundAnnounced,
    RoundCharacterised,
    RoundConcluded,
    RoundConvened,
    RoundScheduled,
)
from service.domain.round.state import Round
from service.projections import headline
from service.projections import relation as relation_
from service.projections import round as round_
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, ClaimDisputeDocument, cite, effects_by_id
from service.projections.words.names import at_the_beginning, is_plural, joined, name_of

NAME: Final = "needs-confirmation"
REPRESENTATION: Final = 5

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
    "not_confirmed",
    "dates_overlap_reversal",
    "latest_word_below_rung",
    "run_out",
    "items_outstanding",
]


class Unconfirmed(Document):
    """One claim that needs confirmation. `about` is its stream. `party` is the side whose statement is missing."""

    about: str
    kind: Kind
    party: str | None
    why: str
    settled_by: str
    cited: tuple[Cited, ...]


class NeedsConfirmationDocument(Document):
    """The claims of a relation that need confirmation: by irritant, then the rounds, then the talks as a whole.

    `on` is the day that the request gives. Instruments that ended before it are listed as `run_out`.
    """

    relation: str
    on: date | None
    items: tuple[Unconfirmed, ...]
    position: int


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
    on: date | None = None,
) -> NeedsConfirmationDocument:
    """Return the claims of a relation that need confirmation. Total."""
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


def of_irritant(reading: StreamAtPoint[Irritant], on: date | None = None) -> Iterator[Unconfirmed]:
    """Yield the claims on one irritant that need confirmation."""
    claims = _OfIrritant(reading)
    yield from claims.claimed_above_confirmed()
    yield from claims.few_origins()
    yield from claims.contested()
    yield from claims.reported_only()
    yield from claims.disputed()
    yield from claims.alleged_by_others()
    yield from claims.silent_sides()
    yield from claims.latest_below_rung()
    yield from claims.reversals()
    yield from claims.items_outstanding()
    yield from claims.run_out(on)


class _OfIrritant:
    """The claims on one irritant that need confirmation. Each method yields those of one kind, or of related kinds."""

    def __init__(self, reading: StreamAtPoint[Irritant]) -> None:
        self.about, self.state, self.effects = reading.stream, reading.state, effects_by_id(reading.effects)
        self.names = reading.names
        self.status, self.reported = _rung(self.state.status), _rung(self.state.reported)

    def item(
        self, kind: Kind, why: str, settled_by: str, events: Iterable[str] = (), party: str | None = None
    ) -> Unconfirmed:
        """Return an entry on this irritant that cites these events, each once."""
        effects = (self.effects.get(event) for event in dict.fromkeys(events))
        cited = tuple(cite(effect) for effect in effects if effect is not None and effect.assertion is not None)
        return Unconfirmed(
            about=self.about, kind=kind, party=party, why=_sentence(why), settled_by=settled_by, cited=cited
        )

    def name(self, actor: str) -> str:
        return name_of(actor, self.names)

    def claimed_above_confirmed(self) -> Iterator[Unconfirmed]:
        """Yield each side whose rung is below the claimed status."""
        state, status = self.state, self.status
        for party in state.parties:
            if (rung := state.rung_of(party)) < state.status:
                yield self.item(
                    "claimed_above_confirmed",
                    f"{self.name(other(state.parties, party))} is at {status}, {self.name(party)} at {_rung(rung)}.",
                    f"A statement by {self.name(party)} that it is at {status}, or a denial.",
                    (s.event for s in standing.basis_positions(state)),
                    party,
                )

    def few_origins(self) -> Iterator[Unconfirmed]:
        """Yield a status with one origin, or with attributed words only. A joint text needs no second origin."""
        state, supports = self.state, standing.basis_positions(self.state)
        if standing.origins(state) == 1 and not standing.is_joint(state):
            roots = {s.root for s in supports}
            relays = [e for e in self.effects.values() if e.root in roots and _origin(e) == supports[0].origin]
            documents = len({_document(e) for e in relays})
            yield self.item(
                "one_origin",
                f"Only one statement puts it at {self.status if state.status else self.reported}:"
                f" by {_speaker(supports[0].data.asserted_by, self.names)}, in {_counted(documents, 'document')}.",
                "An independent statement. Another document that relays this one does not count.",
                (e.id for e in relays),
            )
        if standing.basis(state) == "attributed":
            yield self.item(
                "attributed_only",
                f"No side is quoted or paraphrased at {self.status}: the words are only attributed to"
                f" {joined([self.name(party) for party in standing.sides_at_status(state)])}.",
                "The side's own words, quoted or paraphrased.",
                (s.event for s in supports),
            )

    def contested(self) -> Iterator[Unconfirmed]:
        """Yield for each side what it denies of the words that put the other side at the claimed status."""
        state, denials = self.state, standing.contesting_denials(self.state)
        for denier in dict.fromkeys(d.denier for d in denials):
            own = [d for d in denials if d.denier == denier]
            name, claimant = self.name(denier), self.name(other(state.parties, denier))
            denies = "denies" if any(d.data.asserted_by.channel in OWN_WORDS for d in own) else "is said to deny"
            claimed = [d.target_data for d in own if d.target_data is not None]
            is_spoken = any(said.asserted_by.channel in OWN_WORDS for said in claimed)
            yield self.item(
                "contested",
                f"{name} {denies} what {claimant} {'says' if is_spoken else 'is said to claim'}.",
                f"A statement by {name} that it is so, or {claimant} taking its claim back.",
                (event for d in own for event in (d.target, d.event)),
                denier,
            )

    def reported_only(self) -> Iterator[Unconfirmed]:
        """Yield the reported status if it is above the claimed status."""
        state = self.state
        if state.reported > state.status:
            reports = merged_by_place(s for s, _ in standing.reported_positions(state, state.reported))
            only_media = all(s.holder == MEDIA for s in reports)
            yield self.item(
                "media_only" if only_media else "third_party_only",
                f"It is reported at {self.reported} by {joined([self.name(a) for a in standing.reported_by(state)])};"
                " neither side says so now.",
                f"A statement by either side that it is at {self.reported}.",
                (s.event for s in reports),
            )

    def disputed(self) -> Iterator[Unconfirmed]:
        """Yield each dispute of the sides."""
        for dispute in disputes(self.state):
            one, about = self.name(dispute.alleged_by), self.name(dispute.about)
            confirmed = "" if dispute.denied else f". {at_the_beginning(about)} has not confirmed it"
            yield self.item(
                "dispute",
                f"{headline.of_dispute(dispute, self.names)}{confirmed}.",
                f"A statement by {about}, or {one} taking it back.",
                [dispute.event],
                dispute.about,
            )

    def alleged_by_others(self) -> Iterator[Unconfirmed]:
        """Yield reports by third parties and media of a hold, a breach or an answer. They change no status."""
        state = self.state
        statements = (
            *((t, "that a hold was lifted" if isinstance(t.data, HoldLifted) else "a hold") for t in state.holds),
            *((t, "a breach") for t in state.breaches),
            *((t, "an answer") for p in state.proposals.values() for t in p.answers),
        )
        for statement, what in statements:
            if not state.is_side(statement.holder) and state.is_live(statement):
                yield self.item(
                    "alleged_by_others",
                    f"{self.reports(statement)} {what}. This moves neither side.",
                    "A statement by the side that it is about.",
                    [statement.event],
                )

    def reports(self, said: ActorStatement | ActorPosition) -> str:
        """Return the actor of a statement as the subject of "reports", or of "is said to report"."""
        name = self.name(said.holder)
        if said.holder == MEDIA or said.data.asserted_by.channel in OWN_WORDS:
            return f"{name} {'report' if is_plural(name) else 'reports'}"
        return f"{name} {'are' if is_plural(name) else 'is'} said to report"

    def silent_sides(self) -> Iterator[Unconfirmed]:
        """Yield each side without any assertion on record."""
        state = self.state
        for party in state.parties:
            if standing.silent(state, party) and state.count:
                yield self.item(
                    "silent_side",
                    f"Nothing by {self.name(party)} is on record.",
                    f'Any statement by {self.name(party)}, even "no comment".',
                    party=party,
                )

    def latest_below_rung(self) -> Iterator[Unconfirmed]:
        """Yield each side whose latest assertion is below its rung. Agreed next steps do not count.

        If the dates do not show that it is the latest, the sentence says so.
        """
        state = self.state
        for party in state.parties:
            said = [s for s in state.positions_of(party).in_order if state.is_live(s) and not _is_step(s)]
            rung = state.rung_of(party)
            if not said or _rung_spoken_of(last := said[-1]) >= rung:
                continue
            dated = self.effects[last.event]
            is_last = all(self._is_earlier(s.event, dated) for s in said[:-1])
            spoken = (
                f"; its latest statement, by date, {_does(last)}"
                if is_last
                else f". A statement{_dated(last.data)}, which may be its latest, {_does(last)}"
            )
            yield self.item(
                "latest_word_below_rung",
                f"{self.name(party)} is at {_rung(rung)}{spoken}.",
                f"A statement by {self.name(party)} that it is still at {_rung(rung)}, or that this was undone.",
                [last.event],
                party,
            )

    def _is_earlier(self, event: str, last: EffectiveEvent) -> bool:
        """Return whether an event is evidence of the same assertion as `last`, or surely came before it."""
        effect = self.effects[event]
        return effect.root == last.root or is_surely_before(effect, last)

    def reversals(self) -> Iterator[Unconfirmed]:
        """Yield reversals that only third parties or media report, and those that can be earlier than an advance."""
        state = self.state
        turns = merged_by_place(*(state.positions_of(actor).turns for actor in state.actors))
        falls = [s for s in turns if s.does in ("reverse", "reopen") and state.is_live(s)]
        for ended in (s for s in turns if s.does in ("suspend", "end", "expire") and state.is_live(s)):
            if state.is_side(ended.holder):
                yield from self._restorations_on_same_day(ended)
        for fall in falls:
            if state.is_side(fall.holder):
                yield from self._advances_on_same_day(fall)
            elif self._is_a_side_above(fall):
                yield self.item(
                    "reversal_by_media_alone" if all(s.holder == MEDIA for s in falls) else "alleged_by_others",
                    f"{self.reports(fall)} that it went back to {_rung(fall.rung)}. This moves neither side.",
                    "A statement by either side that it went back, or a denial.",
                    [fall.event],
                )

    def _restorations_on_same_day(self, ended: ActorPosition) -> Iterator[Unconfirmed]:
        """Yield each statement that an instrument is in force that can be of the same day as `ended`.

        `ended`: a statement by the same side that the instrument is suspended, terminated or expired.
        """
        state, end = self.state, self.effects[ended.event]
        for position in state.positions_of(ended.holder).in_order:
            restoration = self.effects[position.event]
            same = state.instrument(position.instrument or "") == state.instrument(ended.instrument or "")
            if position.does != "restore" or not same or not state.is_live(position):
                continue
            if _is_order_unclear(position, restoration, end):
                yield self.item(
                    "dates_overlap_reversal",
                    f"{self.name(position.holder)} {_does(ended)} and says that it is in force: which came first is not"
                    " certain.",
                    "A closer date of either, or `after` where one is known to follow the other.",
                    (restoration.id, end.id),
                    position.holder,
                )

    def _is_a_side_above(self, fall: ActorPosition) -> bool:
        """Return whether a side was above this rung before the reversal, and still is."""
        state = self.state
        above = (takewhile(lambda w: w[1] > fall.rung, state.positions_of(p).with_levels()) for p in state.parties)
        return any(s.place < fall.place for s, _ in chain.from_iterable(above))

    def _advances_on_same_day(self, fall: ActorPosition) -> Iterator[Unconfirmed]:
        """Yield each advance of the same side that can be of the same day as this reversal."""
        reversal = self.effects[fall.event]
        for position in self.state.positions_of(fall.holder).in_order:
            if position.rung <= fall.rung or position.does not in ("advance", "restore"):
                continue
            advance = self.effects[position.event]
            if _is_order_unclear(position, advance, reversal):
                yield self.item(
                    "dates_overlap_reversal",
                    f"{self.name(position.holder)} at {_rung(position.rung)} and its going back to {_rung(fall.rung)}"
                    " may be of one day: which came first is not certain.",
                    "A closer date of either, or `after` where one is known to follow the other.",
                    (advance.id, reversal.id),
                    position.holder,
                )

    def items_outstanding(self) -> Iterator[Unconfirmed]:
        """Yield the unsettled items of an irritant that both sides call settled."""
        state = self.state
        outstanding = [i.name for i in state.items.values() if undertakings.item_status(state, i) != "settled"]
        if state.lifecycle == "resolved" and outstanding:
            yield self.item(
                "items_outstanding",
                f"Both sides say that it is settled; on record {len(outstanding)} of"
                f" {_counted(len(state.items), 'item')} {'is' if len(outstanding) == 1 else 'are'} not:"
                f" {', '.join(sorted(outstanding))}.",
                "A statement by a side that these are settled, or a reopening.",
                (s.event for s in standing.basis_positions(state)),
            )

    def run_out(self, on: date | None) -> Iterator[Unconfirmed]:
        """Yield instruments and understandings that ended before `on` and on which nothing is on record since."""
        if on is None:
            return
        for last, others in _last_of_each(self.state):
            end = last.data.valid_until
            if end is not None and (until := when(end).latest) is not None and until < on:
                dated = self.effects[last.event]
                is_last = all(self._is_earlier(s.event, dated) for s in others)
                since = "No later statement" if is_last else "Another statement, which may be later,"
                yield self.item(
                    "run_out",
                    f"By what {self.name(last.holder)} states{_dated(last.data)}, it was valid until"
                    f" {edtf.describe(end)}. {since} on its validity is on record.",
                    "A statement by either side that it was extended, or that it expired.",
                    [last.event],
                )


def _last_of_each(state: Irritant) -> Iterator[tuple[ActorPosition, list[ActorPosition]]]:
    """Yield the last assertion of the sides on the validity of each instrument or understanding, with the others."""
    by_instrument: dict[str, list[ActorPosition]] = {}
    for s in merged_by_place(*(state.positions_of(party).in_order for party in state.parties)):
        if state.is_live(s) and (s.data.type == "InstrumentStated" or getattr(s.data, "valid_until", None)):
            # An understanding without an instrument is valid by itself, so its own id stands for the instrument.
            by_instrument.setdefault(state.instrument(s.instrument or s.root), []).append(s)
    for positions in by_instrument.values():
        yield positions[-1], positions[:-1]


def _dated(data: Assertion) -> str:
    """Return the date of an assertion in brackets."""
    return f" ({edtf.describe(data.occurred)})" if data.occurred else " without a date"


_DOES: Final[Mapping[str, str]] = {
    "reverse": "goes back to {rung}",
    "reopen": "reopens it at {rung}",
    "withdraw": "withdraws it",
    "suspend": "suspends an instrument",
    "end": "terminates an instrument",
    "expire": "says that an instrument expired",
}


def _does(said: ActorPosition) -> str:
    """Return what a statement does, after its subject: `is at raised`, `suspends an instrument`."""
    return _DOES.get(said.does, "is at {rung}").format(rung=_rung(said.rung))


def _speaker(by: AssertedBy, names: ActorNames) -> str:
    """Return who makes an assertion, such as `Russia (Alexander Darchiev)`."""
    who = by.person or by.organ
    return f"{name_of(by.party, names)} ({who})" if who else name_of(by.party, names)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_step(position: ActorPosition) -> bool:
    return isinstance(position.data, NextStepAgreed)


def _rung_spoken_of(position: ActorPosition) -> int:
    """Return the rung of an assertion, to compare it with the rung of its side.

    The return of an instrument into force counts as the highest, because it restores all that depends on it.
    """
    if position.does == "restore":
        return len(RUNGS)
    return {"suspend": FORMALISED, "end": IN_TALKS, "expire": IN_TALKS}.get(position.does, position.rung)


def _is_order_unclear(position: ActorPosition, advance: EffectiveEvent, fall: EffectiveEvent) -> bool:
    """Return whether an advance and a fall can be of one day, and neither event says which came first.

    `position`: that of the advance.
    """
    one_names_other = {advance.root, advance.id} & _events_named(fall) or fall.id in _events_named(advance)
    if one_names_other or advance.relay or position.root == fall.id:
        return False
    begins = max(advance.earliest or BEGINNING, fall.earliest or BEGINNING)
    return begins <= min(advance.latest or END, fall.latest or END)


def _events_named(effect: EffectiveEvent) -> set[str]:
    """Return the events that this event names in `after` and `undoes`."""
    return {name for field in ("after", "undoes") if (name := getattr(effect.data, field, None))}


def of_round(reading: StreamAtPoint[Round]) -> Iterator[Unconfirmed]:
    """Yield what needs confirmation about one round: that it is planned, or that it met."""
    state = reading.state
    # An announcement does not say that the round met. A description, or a statement that it ended, does.
    met = state.claims_of_type(RoundConvened, RoundConcluded, RoundCharacterised)
    subject = "That the round met" if state.met else "That there is to be such a round"
    yield from _of_claims(reading, subject, met if state.met else state.claims_of_type(RoundAnnounced, RoundScheduled))
    yield from _of_disputes(reading, round_.view(reading).disputes)


def _of_disputes(
    reading: StreamAtPoint[Round] | StreamAtPoint[Relation], disputes: Iterable[ClaimDisputeDocument]
) -> Iterator[Unconfirmed]:
    """Yield the disputes of the sides. Leave out denied claims, which are listed as contested."""
    effects, names = effects_by_id(reading.effects), reading.names
    for dispute in disputes:
        if dispute.kind != "claim":
            speaker, other = name_of(dispute.alleged_by, names), name_of(dispute.about, names)
            yield Unconfirmed(
                about=reading.stream,
                kind="dispute",
                party=dispute.about,
                why=dispute.why,
                settled_by=f"A statement by {other}, or {speaker} taking it back.",
                cited=(cite(effects[dispute.event]),),
            )


def of_relation(reading: StreamAtPoint[Relation]) -> Iterator[Unconfirmed]:
    """Yield what needs confirmation about the talks: the decision on the format, its reversal, and the envoys."""
    state, effects = reading.state, effects_by_id(reading.effects)
    if state.format is not None and not state.format_reversed:
        format = state.format.data.format
        decided = [claim for claim in state.claims_of_type(FormatDecided) if claim.data.format == format]
        yield from _of_claims(reading, f"The decision on the format ({format})", decided)
    reversals = state.claims_of_type(FormatDecisionReversed)
    if not any(claim.said_by for claim in reversals):
        only_media = {actor for claim in reversals for actor in claim.reported_by} == {MEDIA}
        for claim in (claim for claim in reversals if claim.live_statements):
            others = joined([name_of(actor, reading.names) for actor in claim.reported_by])
            yield Unconfirmed(
                about=reading.stream,
                kind="reversal_by_media_alone" if only_media else "alleged_by_others",
                party=None,
                why=f"That the decision on the format was undone is reported by {others}. Neither side says so"
                f"{'' if state.format_reversed_by else ', so it stands'}.",
                settled_by="A statement by either side, or a denial.",
                cited=(cite(effects[claim.root]),),
            )
    yield from _of_disputes(reading, relation_.view(reading).disputes)
    for granted in state.claims_of_type(AgrementGranted):
        yield from _of_claims(reading, f"The agrément for {granted.data.person}", [granted])
    for taken in state.claims_of_type(EnvoyTookPost):
        yield from _of_claims(reading, f"The taking up of the post by {taken.data.person}", [taken])


def _of_claims(
    reading: StreamAtPoint[Round] | StreamAtPoint[Relation], subject: str, claims: Iterable[Claim[Assertion]]
) -> Iterator[Unconfirmed]:
    """Yield what needs confirmation about `subject`, which each of these claims of a round or of the talks supports."""
    about, parties, names = reading.stream, reading.state.parties, reading.names
    effects = effects_by_id(reading.effects)
    claims = list(claims)
    live = [statement for claim in claims for statement in claim.live_statements]
    said_by = {t.holder for t in live if t.is_side}
    contested_by = {party for claim in claims for party in claim.contested_by} - said_by
    cited = tuple(cite(effects[event]) for event in dict.fromkeys(t.event for t in live))

    def item(kind: Kind, why: str, settled_by: str, party: str | None = None) -> Unconfirmed:
        return Unconfirmed(about=about, kind=kind, party=party, why=_sentence(why), settled_by=settled_by, cited=cited)

    if not live:
        return
    if len({t.origin for t in live}) == 1:
        documents = len({c.source.document for c in cited})
        speaker = _speaker(cited[0].asserted_by, names)
        why = f"{subject} rests on one statement, by {speaker}, in {_counted(documents, 'document')}."
        if len(said_by) < len(parties):  # a joint text needs no second origin
            yield item(
                "one_origin", why, "An independent statement. Another document that relays this one does not count."
            )
    if contested_by:
        yield item(
            "contested",
            f"{subject} is denied by {joined([name_of(p, names) for p in sorted(contested_by)])}.",
            "A statement of both sides.",
        )
    if not said_by:
        others = sorted({t.holder for t in live})
        kind: Kind = "media_only" if others == [MEDIA] else "third_party_only"
        why = f"{subject} is reported by {joined([name_of(a, names) for a in others])} and by neither side."
        yield item(kind, why, "A statement by either side.")
    elif not any(t.spoken for t in live):
        yield item(
            "attributed_only",
            f"{subject} is only attributed to {joined([name_of(party, names) for party in sorted(said_by)])}.",
            "The side's own words, quoted or paraphrased.",
        )
    for party in parties:
        if said_by and party not in said_by | contested_by:
            name = name_of(party, names)
            why = f"{subject} is not on record from {name}."
            silent = not any(effect.assertion and party in _holders(effect, parties) for effect in reading.effects)
            yield item("silent_side" if silent else "not_confirmed", why, f"A statement by {name}, or a denial.", party)


def _holders(effect: EffectiveEvent, parties: tuple[str, str]) -> tuple[str, ...]:
    return holders(parties, effect.assertion.asserted_by.party) if effect.assertion else ()


def _rung(level: int) -> str:
    return RUNGS[level].replace("_", " ")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _origin(effect: EffectiveEvent) -> str | None:
    return effect.assertion.source.origin if effect.assertion else None


def _document(effect: EffectiveEvent) -> str | None:
    return effect.assertion.source.document if effect.assertion else None
