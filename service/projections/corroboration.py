"""What is claimed, and how many distinct utterances stand behind it: propositions → origins → parties.

A proposition is what several assertions come to: that an irritant is at a rung, that a round met, that a subject lies
outside the talks. Documents that relay one utterance count once.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from service.domain.actors import JOINT, MEDIA
from service.domain.assertion import Assertion
from service.domain.claims import Claim
from service.domain.history import Reading
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
from service.projections.evidence import Placed, cite, placed

NAME: Final = "corroboration"
REPRESENTATION: Final = 2

Verdict = Literal["both_sides", "one_side", "attributed", "third_party", "media_only", "contested", "denied"]


class Proposition(Document):
    """One proposition. `about`: the stream it is about; `kind` and `value` say what is said of it.

    `verdict`: the first that holds of `denied` (no voice says so any more), `contested`, `third_party` or `media_only`
    (no side says so), `attributed` (to a side, never in its own words), `one_side`, `both_sides`. `origins` and
    `documents` count distinct ones, those of media included.
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
    """Every proposition of a relation: of its irritants by rung, of its rounds, of the talks as a whole."""

    relation: str
    items: tuple[Proposition, ...]
    position: int


def view(
    *, irritants: Sequence[Reading[Irritant]], rounds: Sequence[Reading[Round]], relation: Reading[Relation]
) -> CorroborationDocument:
    """The propositions at these readings. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    of_irritants = (proposition for reading in ordered for proposition in of_irritant(reading))
    of_rounds = (proposition for reading in rounds for proposition in of_facts(reading))
    return CorroborationDocument(
        relation=relation.stream.partition("/")[2],
        items=(*of_irritants, *of_rounds, *of_facts(relation)),
        position=last_position(relation, *irritants, *rounds),
    )


def of_irritant(reading: Reading[Irritant]) -> Iterator[Proposition]:
    """That the irritant is as far as each rung at which anybody stands, or further; the highest first."""
    state, effects = reading.state, placed(reading.effects)
    reports = [(level, s) for s, level in standing.reports(state, UNSTATED + 1)]
    for level in sorted({level for level, _ in reports}, reverse=True):
        stands = [s for at, s in reports if at >= level]
        said_by = tuple(party for party in state.parties if state.rung_of(party) >= level)
        denying = {d.denier for d in state.denials if d.rung >= level and not d.ended}
        told, roots = {s.event for s in stands}, {s.root for s in stands}
        yield _proposition(
            reading,
            ("rung", RUNGS[level]),
            effects,
            [e for e, effect in effects.items() if e in told or (effect.relay and effect.root in roots)],
            said_by,
            tuple(party for party in state.parties if party in denying and party not in said_by),
            spoken=any(s.spoken for s in stands if s.holder in said_by),
        )


def of_facts(reading: Reading[Round] | Reading[Relation]) -> Iterator[Proposition]:
    """What is said of a round or of the talks: what several claims come to is one proposition."""
    effects = placed(reading.effects)
    alike: dict[tuple[str, str], list[Claim[Any]]] = {}
    for claim in claims_of(reading).values():
        if (fact := _fact(claim.data)) is not None:
            alike.setdefault(fact, []).append(claim)
    for fact, claims in alike.items():
        live = [statement for claim in claims for statement in claim.live]
        said_by = tuple(sorted({t.holder for t in live if t.is_side}))
        denying = {party for claim in claims for party in claim.contested_by}
        yield _proposition(
            reading,
            fact,
            effects,
            dict.fromkeys(t.event for t in live),
            said_by,
            tuple(sorted(denying.difference(said_by))),
            spoken=any(t.spoken for t in live),
        )


def _proposition(
    reading: Reading[Any],
    fact: tuple[str, str],
    effects: Placed,
    events: Iterable[str],
    said_by: tuple[str, ...],
    contested_by: tuple[str, ...],
    *,
    spoken: bool,
) -> Proposition:
    told = [cite(effects[event]) for event in events]
    parties = reading.state.parties
    kind, value = fact
    return Proposition(
        about=reading.stream,
        kind=kind,
        value=value,
        verdict=_verdict(said_by, contested_by, {t.asserted_by.party for t in told}, spoken=spoken),
        said_by=said_by,
        contested_by=contested_by,
        silent=tuple(party for party in parties if party not in (*said_by, *contested_by)),
        reported_by_media=any(t.asserted_by.party == MEDIA for t in told),
        reported_by=tuple(sorted({t.asserted_by.party for t in told} - {*parties, JOINT})),
        origins=len({t.source.origin for t in told}),
        documents=len({t.source.document for t in told}),
        utterances=utterances(told),
    )


def _verdict(said_by: Sequence[str], contested_by: Sequence[str], told_by: Collection[str], *, spoken: bool) -> Verdict:
    if not told_by:
        return "denied"
    if contested_by:
        return "contested"
    if not said_by:
        return "media_only" if set(told_by) == {MEDIA} else "third_party"
    if not spoken:
        return "attributed"
    return "both_sides" if len(said_by) > 1 else "one_side"


def _fact(data: Assertion) -> tuple[str, str] | None:
    """What an assertion beside the ladder comes to; None for what is nobody's to corroborate, such as an emphasis."""
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
