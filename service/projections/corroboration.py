"""How well each proposition of a relation is supported: by which sides, and by how many origins.

`GET /v1/relations/{relation}/corroboration` returns this document. A proposition is what several assertions have in
common: that an irritant is at a rung or higher, that a round met, that a subject is outside the talks. Documents that
relay the same statement count as one origin.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from service.domain.actors import JOINT, MEDIA
from service.domain.assertion import Assertion
from service.domain.claims import Claim
from service.domain.history import StreamAtPoint
from service.domain.irritant import standing
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, UNSTATED
from service.domain.relation.events import (
    AgrementGranted,
    ConcernNoted,
    EnvoyTookPost,
    FormatDecided,
    FormatDecisionReversed,
    ObstacleNoted,
    ProcessStarted,
    ScopeExcluded,
)
from service.domain.relation.state import Relation
from service.domain.round.events import (
    DelegationHeadNamed,
    RoundAnnounced,
    RoundCancelled,
    RoundConcluded,
    RoundConvened,
    RoundPostponed,
    RoundRelocated,
    RoundScheduled,
    RoundVenueNamed,
)
from service.domain.round.state import Round
from service.projections.assertions import Utterance, claims_of, utterances
from service.projections.document import Document, last_position
from service.projections.evidence import EffectsById, cite, effects_by_id
from service.projections.words.speakers import names_in

NAME: Final = "corroboration"
REPRESENTATION: Final = 4

Verdict = Literal["both_sides", "one_side", "attributed", "third_party", "media_only", "contested", "denied"]


class Proposition(Document):
    """One proposition about the stream `about`. Example: `kind` is `rung` and `value` is `in_talks`.

    `verdict` is the first of these that is true. `denied`: no voice says so any more. `contested`: a side denies it.
    `third_party`, `media_only`: no side says so. `attributed`: a side is reported to say so, never in its own words.
    `one_side`, `both_sides`: these sides say so. `silent` are the sides that neither say nor deny it. `origins` and
    `documents` are numbers, media included.
    """

    about: str
    kind: str
    value: str
    verdict: Verdict
    said_by: tuple[str, ...]
    contested_by: tuple[str, ...]
    silent: tuple[str, ...]
    reported_by_media: bool
    reported_by: tuple[str, ...]
    origins: int
    documents: int
    utterances: tuple[Utterance, ...]


class CorroborationDocument(Document):
    """Every proposition of a relation: about its irritants, then its rounds, then the talks as a whole."""

    relation: str
    items: tuple[Proposition, ...]
    names: dict[str, str]
    position: int


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
) -> CorroborationDocument:
    """Return the propositions of a relation. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    of_irritants = (proposition for reading in ordered for proposition in of_irritant(reading))
    of_rounds = (proposition for reading in rounds for proposition in of_facts(reading))
    return CorroborationDocument(
        relation=relation.stream.partition("/")[2],
        items=(*of_irritants, *of_rounds, *of_facts(relation)),
        names=names_in(relation, *irritants, *rounds),
        position=last_position(relation, *irritants, *rounds),
    )


def of_irritant(reading: StreamAtPoint[Irritant]) -> Iterator[Proposition]:
    """Yield for each rung that a voice supports: the irritant is there or higher. The highest rung is first."""
    state, effects = reading.state, effects_by_id(reading.effects)
    reports = list(standing.reported_positions(state, UNSTATED + 1))
    for level in sorted({level for _, level in reports}, reverse=True):
        supporting = [s for s, own_level in reports if own_level >= level]
        said_by = tuple(party for party in state.parties if state.rung_of(party) >= level)
        denying = {d.denier for d in state.denials if d.rung >= level and not state.is_ended(d)}
        events, roots = {s.event for s in supporting}, {s.root for s in supporting}
        yield _proposition(
            reading,
            _Fact("rung", RUNGS[level]),
            effects,
            # A relay of a statement is no position of its own, but is evidence as well.
            events=[e for e, effect in effects.items() if e in events or (effect.relay and effect.root in roots)],
            said_by=said_by,
            contested_by=tuple(party for party in state.parties if party in denying and party not in said_by),
            spoken=any(s.spoken for s in supporting if s.holder in said_by),
        )


def of_facts(reading: StreamAtPoint[Round] | StreamAtPoint[Relation]) -> Iterator[Proposition]:
    """Yield the propositions about a round or about the talks. Claims with the same content are one proposition."""
    effects = effects_by_id(reading.effects)
    by_fact: dict[_Fact, list[Claim[Any]]] = {}
    for claim in claims_of(reading).values():
        if (fact := _fact(claim.data)) is not None:
            by_fact.setdefault(_Fact(*fact), []).append(claim)
    for fact, claims in by_fact.items():
        live = [statement for claim in claims for statement in claim.live_statements]
        said_by = tuple(sorted({t.holder for t in live if t.is_side}))
        denying = {party for claim in claims for party in claim.contested_by}
        yield _proposition(
            reading,
            fact,
            effects,
            events=dict.fromkeys(t.event for t in live),
            said_by=said_by,
            contested_by=tuple(sorted(denying.difference(said_by))),
            spoken=any(t.spoken for t in live),
        )


class _Fact(NamedTuple):
    """What a proposition says: its kind, such as `rung`, and its value, such as `in_talks`."""

    kind: str
    value: str


def _proposition(
    reading: StreamAtPoint[Any],
    fact: _Fact,
    effects: EffectsById,
    *,
    events: Iterable[str],
    said_by: tuple[str, ...],
    contested_by: tuple[str, ...],
    spoken: bool,
) -> Proposition:
    """Return a proposition. `events`: those that say so. `spoken`: a side says so in its own words."""
    evidence = [cite(effects[event]) for event in events]
    parties = reading.state.parties
    return Proposition(
        about=reading.stream,
        kind=fact.kind,
        value=fact.value,
        verdict=_verdict(said_by, contested_by, {t.asserted_by.party for t in evidence}, spoken=spoken),
        said_by=said_by,
        contested_by=contested_by,
        silent=tuple(party for party in parties if party not in (*said_by, *contested_by)),
        reported_by_media=any(t.asserted_by.party == MEDIA for t in evidence),
        reported_by=tuple(sorted({t.asserted_by.party for t in evidence} - {*parties, JOINT})),
        origins=len({t.source.origin for t in evidence}),
        documents=len({t.source.document for t in evidence}),
        utterances=utterances(evidence),
    )


def _verdict(said_by: Sequence[str], contested_by: Sequence[str], voices: Collection[str], *, spoken: bool) -> Verdict:
    """Return the verdict on a proposition. `voices` say so, and `spoken` says whether any does in its own words."""
    if not voices:
        return "denied"
    if contested_by:
        return "contested"
    if not said_by:
        return "media_only" if set(voices) == {MEDIA} else "third_party"
    if not spoken:
        return "attributed"
    return "both_sides" if len(said_by) > 1 else "one_side"


def _fact(data: Assertion) -> tuple[str, str] | None:
    """Return the kind and the value of the proposition that an assertion makes about a round or about the talks.

    Return None for an assertion that needs no corroboration, such as an emphasis.
    """
    match data:
        case RoundAnnounced():
            return "announced", data.place or ""
        case RoundScheduled():
            return "scheduled", f"{data.date} {data.place}"
        case RoundPostponed():
            return "postponed", ""
        case RoundRelocated():
            return "relocated", data.place
        case RoundCancelled():
            return "cancelled", ""
        case RoundConvened():
            return "convened", data.place
        case RoundConcluded():
            return "concluded", "" if data.hours is None else f"{data.hours} hours, {data.qualifier}"
        case RoundVenueNamed():
            return "venue", data.venue
        case DelegationHeadNamed():
            return "head", f"{data.party}: {data.person}"
        case ProcessStarted():
            return "process", ""
        case FormatDecided():
            return "format", data.format
        case FormatDecisionReversed():
            return "format_reversed", ""
        case ScopeExcluded():
            return "scope_excluded", data.subject
        case AgrementGranted():
            return "agrement", data.person
        case EnvoyTookPost():
            return "post", data.person
        case ObstacleNoted():
            return "obstacle", data.obstacle
        case ConcernNoted():
            return "concern", data.subject
        case _:
            return None
