"""What needs confirming: every irritant, round and decision that rests on less than both sides' word, and why.

Each entry says what would settle it, so that the list can be worked off. None of it is a mistake in the record: it is
where the record says truly that it does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from service.domain.assertion import Assertion
from service.domain.claims import MEDIA, Claim
from service.domain.corrections import BEGINNING, END, Effective
from service.domain.history import Reading
from service.domain.irritant import standing
from service.domain.irritant.state import Irritant, Reversal, SidePosition
from service.domain.ladder import RUNGS, UNSTATED
from service.domain.relation.events import AgrementGranted, EnvoyTookPost, FormatDecided, FormatDecisionReversed
from service.domain.relation.state import Relation
from service.domain.round.events import RoundCharacterised
from service.domain.round.state import Round
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, Placed, cite, placed

NAME: Final = "needs-confirmation"
REPRESENTATION: Final = 1

Kind = Literal[
    "claimed_above_confirmed",
    "one_origin",
    "contested",
    "attributed_only",
    "media_only",
    "reversal_by_media_alone",
    "silent_side",
    "dates_overlap_reversal",
    "latest_word_below_rung",
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
    """What needs confirming in a relation: by irritant, then the rounds, then the talks as a whole."""

    relation: str
    items: tuple[Unconfirmed, ...]
    position: int


def view(
    *, irritants: Sequence[Reading[Irritant]], rounds: Sequence[Reading[Round]], relation: Reading[Relation]
) -> NeedsConfirmationDocument:
    """The list at these readings. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    items = [item for reading in ordered for item in of_irritant(reading)]
    items += [item for reading in rounds for item in of_round(reading)]
    items += of_relation(relation)
    return NeedsConfirmationDocument(
        relation=relation.stream.partition("/")[2],
        items=tuple(items),
        position=last_position(relation, *irritants, *rounds),
    )


def of_irritant(reading: Reading[Irritant]) -> Iterator[Unconfirmed]:
    """What of one irritant needs confirming."""
    found = _OfIrritant(reading)
    yield from found.claimed_above_confirmed()
    yield from found.thin()
    yield from found.contested()
    yield from found.media_only()
    yield from found.silent_sides()
    yield from found.latest_words()
    yield from found.reversals()


class _OfIrritant:
    """The reasons to ask again about one irritant, from one reading of it."""

    def __init__(self, reading: Reading[Irritant]) -> None:
        self.about, self.state, self.effects = reading.stream, reading.state, placed(reading.effects)
        self.status, self.reported = _rung(self.state.status), _rung(self.state.reported)

    def item(
        self, kind: Kind, why: str, settled_by: str, events: Iterable[str] = (), party: str | None = None
    ) -> Unconfirmed:
        cited = tuple(cite(self.effects[event]) for event in dict.fromkeys(events))
        return Unconfirmed(about=self.about, kind=kind, party=party, why=why, settled_by=settled_by, cited=cited)

    def claimed_above_confirmed(self) -> Iterator[Unconfirmed]:
        state, status = self.state, self.status
        for party in state.parties:
            if (rung := state.rung_of(party)) < state.status:
                yield self.item(
                    "claimed_above_confirmed",
                    f"The other side stands at {status}, {party} at {_rung(rung)}.",
                    f"{party} saying that it is at {status}, or denying it.",
                    (s.event for s in standing.supports(state)),
                    party,
                )

    def thin(self) -> Iterator[Unconfirmed]:
        """One utterance behind the status, or words that are only attributed."""
        state, supports = self.state, standing.supports(self.state)
        if standing.origins(state) == 1:
            roots = {s.root for s in supports}
            relays = [e for e in self.effects.values() if e.root in roots and _origin(e) == supports[0].origin]
            documents = len({_document(e) for e in relays})
            yield self.item(
                "one_origin",
                f"All that puts it at {self.status if state.status else self.reported} is one utterance,"
                f" {supports[0].origin}, in {_counted(documents, 'document')}.",
                "A further utterance; another document that relays this one is none.",
                (e.id for e in relays),
            )
        if standing.basis(state) == "attributed":
            yield self.item(
                "attributed_only",
                f"Nobody is quoted or paraphrased at {self.status}: the words are only attributed to a side.",
                "The side's own words, quoted or paraphrased.",
                (s.event for s in supports),
            )

    def contested(self) -> Iterator[Unconfirmed]:
        if standing.contested(self.state):
            denials = [d for d in self.state.denials if not d.ended]
            yield self.item(
                "contested",
                f"{' and '.join(sorted({d.denier for d in denials}))} denies what others say.",
                "The denier standing where it denies that things stand, or whoever said so taking it back.",
                (event for d in denials for event in (d.target, d.event) if event in self.effects),
            )

    def media_only(self) -> Iterator[Unconfirmed]:
        state = self.state
        if state.reported > state.status:
            told = [s.event for s, level in state.with_levels if level == state.reported]
            yield self.item(
                "media_only",
                f"It is reported at {self.reported}, where neither side stands.",
                f"Either side saying that it is at {self.reported}.",
                told,
            )

    def silent_sides(self) -> Iterator[Unconfirmed]:
        state = self.state
        spoke_against = {d.denier for d in state.denials}  # also where that has ended: who ever denied is not silent
        for party in state.parties:
            if state.rung_of(party) == UNSTATED < state.reported and party not in spoke_against:
                yield self.item(
                    "silent_side",
                    f"{party} is not on record with where it stands.",
                    f"Any word of {party} on it, be it that there is nothing to say.",
                    party=party,
                )

    def latest_words(self) -> Iterator[Unconfirmed]:
        for party in self.state.parties:
            voice, rung = self.state.last_statements.get(party), self.state.rung_of(party)
            if voice is not None and voice.rung is not None and voice.rung < rung:
                yield self.item(
                    "latest_word_below_rung",
                    f"{party} stands at {_rung(rung)}; the last it said speaks of {_rung(voice.rung)}.",
                    f"{party} saying that it still stands at {_rung(rung)}, or that this was undone.",
                    [voice.event],
                    party,
                )

    def reversals(self) -> Iterator[Unconfirmed]:
        places = {event: place for place, event in enumerate(self.effects)}
        for reversal in self.state.reversals:
            if reversal.by_a_party:
                yield from self._overlaps(reversal)
                continue
            before = [(s, level) for s, level in self.state.with_levels if places[s.event] < places[reversal.root]]
            if any(level > reversal.to and s.denied_in is None and s.holder != MEDIA for s, level in before):
                yield self.item(
                    "reversal_by_media_alone",
                    f"Only media say that it went back down to {_rung(reversal.to)}, so it moves nothing.",
                    "Either side saying so, or denying it.",
                    [reversal.root],
                )

    def _overlaps(self, reversal: Reversal) -> Iterator[Unconfirmed]:
        fall = self.effects[reversal.root]
        for stand in self.state.side_positions:
            told = self.effects[stand.event]
            if stand.rung > reversal.to and _unordered(stand, told, fall):
                yield self.item(
                    "dates_overlap_reversal",
                    f"{stand.holder} at {_rung(stand.rung)} and the fall to {_rung(reversal.to)} may be of one day:"
                    " which came first is not certain.",
                    "A closer date of either, or `after` where one is known to follow the other.",
                    (told.id, fall.id),
                    None if stand.holder == MEDIA else stand.holder,
                )


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
                why="Only media say that the decision on the format was undone, so it stands.",
                settled_by="Either side saying so, or denying it.",
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
    said_by = {t.holder for t in live} - {MEDIA}
    contested_by = {party for claim in claims for party in claim.contested_by} - said_by
    cited = tuple(cite(effects[event]) for event in dict.fromkeys(t.event for t in live))

    def item(kind: Kind, why: str, settled_by: str, party: str | None = None) -> Unconfirmed:
        return Unconfirmed(about=about, kind=kind, party=party, why=why, settled_by=settled_by, cited=cited)

    if not live:
        return
    if len({t.origin for t in live}) == 1:
        documents = len({c.source.document for c in cited})
        why = f"{subject} rests on one utterance, {live[0].origin}, in {_counted(documents, 'document')}."
        yield item("one_origin", why, "A further utterance; another document that relays this one is none.")
    if contested_by:
        yield item(
            "contested", f"{subject} is denied by {' and '.join(sorted(contested_by))}.", "A word of both sides."
        )
    if not said_by:
        yield item("media_only", f"{subject} is reported by media alone.", "Either side saying so.")
    elif all(t.channel == "attributed" for t in live if t.holder != MEDIA):
        yield item(
            "attributed_only",
            f"{subject} is only attributed to a side.",
            "The side's own words, quoted or paraphrased.",
        )
    for party in parties:
        if said_by and party not in said_by | contested_by:
            why = f"{subject} is not on record from {party}."
            yield item("silent_side", why, f"{party} saying so, or denying it.", party)


def _rung(level: int) -> str:
    return RUNGS[level].replace("_", " ")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _origin(effect: Effective) -> str | None:
    return effect.assertion.source.origin if effect.assertion else None


def _document(effect: Effective) -> str | None:
    return effect.assertion.source.document if effect.assertion else None
