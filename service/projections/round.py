"""One round: its phase and who says so, place, date, heads of delegations, and how each side describes it.

`GET /v1/rounds/{relation}/{slug}` returns this document, and `GET /v1/rounds` lists such documents. The round sheet and
the calendar contain it.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal

from service.domain import edtf
from service.domain.actor.names import ActorNames
from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, when
from service.domain.claims import Claim, ClaimDispute
from service.domain.history import StreamAtPoint
from service.domain.round.events import (
    DelegationHeadNamed,
    RoundAnnounced,
    RoundCancelled,
    RoundCharacterised,
    RoundConcluded,
    RoundConvened,
    RoundPostponed,
    RoundRelocated,
    RoundScheduled,
    RoundTitled,
    RoundVenueNamed,
)
from service.domain.round.state import MET, Phase, Round
from service.projections.document import Document, StreamDocument, stream_fields
from service.projections.evidence import (
    Backing,
    ClaimDisputeDocument,
    EffectsById,
    backing,
    cite,
    dispute_of,
    effects_by_id,
)
from service.projections.words.names import round_name
from service.projections.words.speakers import names_in

NAME: Final = "round"
REPRESENTATION: Final = 5

Qualifier = Literal["exact", "at_least", "about"]
Step = Literal["announced", "scheduled", "postponed", "relocated", "convened", "concluded", "cancelled"]

_STEPS: Final[dict[type[Assertion], Step]] = {
    RoundAnnounced: "announced",
    RoundScheduled: "scheduled",
    RoundPostponed: "postponed",
    RoundRelocated: "relocated",
    RoundConvened: "convened",
    RoundConcluded: "concluded",
    RoundCancelled: "cancelled",
}

_STATED: Final = ("place", "date", "timing", "preliminary", "hours", "qualifier")
"""The fields of a `CourseStep` that are copied from its event. Each type of event has some of them."""


class CourseStep(Document):
    """One event of the course of a round, such as `scheduled`. A field that the event does not state is null."""

    event: str
    step: Step
    place: str | None
    date: str | None
    timing: str | None
    preliminary: bool | None
    hours: int | None
    qualifier: Qualifier | None
    backing: Backing


class VenueDocument(Document):
    """A venue, such as a consulate, and its host."""

    event: str
    venue: str
    host: str | None
    backing: Backing


class HeadDocument(Document):
    """A head of a delegation, with every role that a document gives. Each name is listed once."""

    person: str
    roles: tuple[str, ...]
    backing: Backing


class CharacterisationDocument(Document):
    """How one voice describes the round."""

    event: str
    summary: str
    wording: str | None
    backing: Backing


class TitleDocument(Document):
    """A title of the round, and who uses it."""

    event: str
    title: str
    backing: Backing


class DurationDocument(Document):
    """How long the round lasted, in hours."""

    hours: int
    qualifier: Qualifier


class RoundDocument(StreamDocument):
    """One round.

    `phase` is the phase that the sides report, or a further phase that third parties or media report. These cannot
    postpone or cancel a round on which a side has spoken. `phases` has the phase by each side, and `phase_by` the sides
    that report the phase, else the third parties and media. `said_by`, `contested_by` and `origins` are about the claim
    that there was or will be such a round. `date` (EDTF) is the day on which it met, else the day on which it is to
    meet. `name` is its title, else a name made from its slug. `heads` are by delegation, `characterisations` by voice.
    `names` has the names of the actors in the document.
    """

    slug: str
    name: str
    title: str | None
    phase: Phase
    phase_by: tuple[str, ...]
    phases: dict[str, Phase]
    disputes: tuple[ClaimDisputeDocument, ...]
    said_by: tuple[str, ...]
    contested_by: tuple[str, ...]
    origins: int
    preliminary: bool
    place: str | None
    venue: str | None
    host: str | None
    date: str | None
    earliest: dt.date | None
    latest: dt.date | None
    timing: str | None
    duration: DurationDocument | None
    course: tuple[CourseStep, ...]
    venues: tuple[VenueDocument, ...]
    titles: tuple[TitleDocument, ...]
    heads: dict[str, tuple[HeadDocument, ...]]
    characterisations: dict[str, tuple[CharacterisationDocument, ...]]
    names: dict[str, str]

    @property
    def standing(self) -> tuple[str, ...]:
        """The sides that report the present phase. Other sides can have reported an earlier phase only."""
        return tuple(party for party in self.phase_by if party in self.phases)

    @property
    def is_place_announced(self) -> bool:
        """Whether the round met, and its place is known from announcements only."""
        return (
            self.phase in MET
            and self.place is not None
            and not any(step.step == "convened" and step.place is not None for step in self.course)
        )

    @property
    def reported_by(self) -> tuple[str, ...]:
        """The third parties and media that report any step of the round."""
        return tuple(sorted({actor for step in self.course for actor in step.backing.reported_by}))


def view(reading: StreamAtPoint[Round]) -> RoundDocument:
    """Return the document of a round. Total."""
    state, effects = reading.state, effects_by_id(reading.effects)
    existence, span, venue = backing(effects, *state.existence), when(state.date), state.venue
    return RoundDocument(
        **stream_fields(reading),
        slug=reading.stream.rpartition("/")[2],
        name=round_name(reading.stream.partition("/")[2], state.title),
        title=state.title,
        phase=state.phase,
        phase_by=state.phase_by,
        phases={party: state.phase_of(party) for party in state.parties},
        disputes=tuple(_dispute(state, dispute, reading.names) for dispute in state.disputes),
        said_by=existence.said_by,
        contested_by=existence.contested_by,
        origins=existence.origins,
        preliminary=state.preliminary,
        place=state.place,
        venue=venue.data.venue if venue else None,
        host=venue.data.host if venue else None,
        date=state.date,
        earliest=span.earliest,
        latest=span.latest,
        timing=state.timing,
        duration=_duration(state.length),
        course=tuple(_step(claim, effects) for claim in state.claims_of_type(*_STEPS)),
        venues=tuple(_venue(claim, effects) for claim in state.claims_of_type(RoundVenueNamed)),
        titles=tuple(
            TitleDocument(event=c.root, title=c.data.title, backing=backing(effects, c))
            for c in state.claims_of_type(RoundTitled)
        ),
        heads={party: _heads(named, effects) for party, named in state.heads.items()},
        characterisations={voice: _characterisations(voice, state, effects) for voice in _voices(state)},
        names=names_in(reading),
    )


_PHASE_WORDS: Final[dict[Phase, str]] = {
    "none": "has not said how far it has come",
    "announced": "says that it is to come",
    "scheduled": "says that its day is set",
    "postponed": "says that it is postponed",
    "convened": "says that it met",
    "concluded": "says that it ended",
    "cancelled": "says that it is cancelled",
}


def _dispute(state: Round, dispute: ClaimDispute, names: ActorNames) -> ClaimDisputeDocument:
    """Return a dispute with its sentence: what the alleging side says, and what the other side says instead."""
    said = state.claims[dispute.event].data
    match dispute.kind:
        case "phase":
            says, other = (_PHASE_WORDS[state.phase_of(party)] for party in (dispute.alleged_by, dispute.about))
        case "date":
            says, other = f"gives the date {said_date(said)}", "gives another date"
        case "place":
            says, other = f"gives the place {getattr(said, 'place', '')}", "gives another place"
        case _:
            says, other = f"says: {said.summary.rstrip('.')}", "has not confirmed this"
    return dispute_of(dispute, says, other, names)


def said_date(said: Assertion) -> str:
    """Return in words the date that an assertion gives for the round."""
    written = said.date if isinstance(said, RoundScheduled) else said.occurred
    return edtf.describe(written) if written else "not said"


def _voices(state: Round) -> tuple[str, ...]:
    """Return the voices with characterisations: the sides, third parties that describe the round, and media."""
    voices = {t.holder for claim in state.claims_of_type(RoundCharacterised) for t in claim.statements}
    return (*state.parties, *sorted(voices - {*state.parties, MEDIA}), MEDIA)


def _duration(concluded: Claim[RoundConcluded] | None) -> DurationDocument | None:
    if concluded is None or concluded.data.hours is None:
        return None
    return DurationDocument(hours=concluded.data.hours, qualifier=concluded.data.qualifier)


def _step(claim: Claim[Assertion], effects: EffectsById) -> CourseStep:
    stated = {name: getattr(claim.data, name, None) for name in _STATED}
    return CourseStep(event=claim.root, step=_STEPS[type(claim.data)], backing=backing(effects, claim), **stated)


def _venue(claim: Claim[RoundVenueNamed], effects: EffectsById) -> VenueDocument:
    data = claim.data
    return VenueDocument(event=claim.root, venue=data.venue, host=data.host, backing=backing(effects, claim))


def _heads(named: Iterable[Claim[DelegationHeadNamed]], effects: EffectsById) -> tuple[HeadDocument, ...]:
    """Return each named head of one delegation once, with all roles."""
    by_person: dict[str, list[Claim[DelegationHeadNamed]]] = {}
    for claim in named:
        by_person.setdefault(claim.data.person, []).append(claim)
    return tuple(
        HeadDocument(
            person=person, roles=tuple(dict.fromkeys(c.data.role for c in claims)), backing=backing(effects, *claims)
        )
        for person, claims in by_person.items()
    )


def _characterisations(voice: str, state: Round, effects: EffectsById) -> tuple[CharacterisationDocument, ...]:
    """Return each characterisation by this voice, in the words of its first statement."""
    characterisations = []
    for claim in state.claims_of_type(RoundCharacterised):
        own = next((cite(effects[t.event]) for t in claim.statements if t.holder == voice), None)
        if own is not None:
            characterisation = CharacterisationDocument(
                event=claim.root, summary=own.summary, wording=own.wording, backing=backing(effects, claim)
            )
            characterisations.append(characterisation)
    return tuple(characterisations)


def facets(document: RoundDocument) -> dict[str, object]:
    """Return the fields by which a list can be filtered."""
    return {"phase": document.phase}
