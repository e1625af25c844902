"""One round: how far it has come and who says so, where, when, led by whom, and how each side describes it."""

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal

from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, when
from service.domain.claims import Claim
from service.domain.history import Reading
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
from service.domain.round.state import Phase, Round
from service.projections.document import Document, Stored, stored
from service.projections.evidence import Backing, Placed, backing, cite, placed

NAME: Final = "round"
REPRESENTATION: Final = 2

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

_SAID: Final = ("place", "date", "timing", "preliminary", "hours", "qualifier")


class CourseStep(Document):
    """One step of the round's course, with what was said of place, date and length; null where nothing was."""

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
    """The house that somebody says the delegations met in, and whose it is."""

    event: str
    venue: str
    host: str | None
    backing: Backing


class HeadDocument(Document):
    """Whom anybody names as head of a delegation: once for each name, in every role that a text gives."""

    person: str
    roles: tuple[str, ...]
    backing: Backing


class CharacterisationDocument(Document):
    """How one side describes the round."""

    event: str
    summary: str
    wording: str | None
    backing: Backing


class TitleDocument(Document):
    """What an actor calls the round."""

    event: str
    title: str
    backing: Backing


class DurationDocument(Document):
    """How long the round lasted, in hours."""

    hours: int
    qualifier: Qualifier


class RoundDocument(Stored):
    """One round as it stands on record.

    `phase` is as reported, by media too; `course` says who stands behind each step. `said_by`, `contested_by` and
    `origins` are of the round itself: that there is, was or will be one. `date` (EDTF) is when it met, else when it is
    to meet. `heads` are by delegation, `characterisations` by who says so.
    """

    slug: str
    title: str | None
    phase: Phase
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

    @property
    def standing(self) -> tuple[str, ...]:
        """The parties that stand behind the present phase, which can be fewer than behind the round itself."""
        return tuple(sorted({p for step in self.course if step.step == self.phase for p in step.backing.said_by}))


def view(reading: Reading[Round]) -> RoundDocument:
    """The document of a reading. Total: any history has one."""
    state, effects = reading.state, placed(reading.effects)
    existence, span, venue = backing(effects, *state.existence), when(state.date), state.venue
    return RoundDocument(
        **stored(reading),
        slug=reading.stream.rpartition("/")[2],
        title=state.title,
        phase=state.phase,
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
        course=tuple(_step(claim, effects) for claim in state.of(*_STEPS)),
        venues=tuple(_venue(claim, effects) for claim in state.of(RoundVenueNamed)),
        titles=tuple(
            TitleDocument(event=c.root, title=c.data.title, backing=backing(effects, c)) for c in state.of(RoundTitled)
        ),
        heads={party: _heads(named, effects) for party, named in state.heads.items()},
        characterisations={voice: _words_of(voice, state, effects) for voice in _voices(state)},
    )


def _voices(state: Round) -> tuple[str, ...]:
    """The sides and media always; third parties where they describe the round."""
    told = {t.holder for claim in state.of(RoundCharacterised) for t in claim.statements}
    return (*state.parties, *sorted(told - {*state.parties, MEDIA}), MEDIA)


def _duration(concluded: Claim[RoundConcluded] | None) -> DurationDocument | None:
    if concluded is None or concluded.data.hours is None:
        return None
    return DurationDocument(hours=concluded.data.hours, qualifier=concluded.data.qualifier)


def _step(claim: Claim[Assertion], effects: Placed) -> CourseStep:
    said = {name: getattr(claim.data, name, None) for name in _SAID}
    return CourseStep(event=claim.root, step=_STEPS[type(claim.data)], backing=backing(effects, claim), **said)


def _venue(claim: Claim[RoundVenueNamed], effects: Placed) -> VenueDocument:
    data = claim.data
    return VenueDocument(event=claim.root, venue=data.venue, host=data.host, backing=backing(effects, claim))


def _heads(named: Iterable[Claim[DelegationHeadNamed]], effects: Placed) -> tuple[HeadDocument, ...]:
    by_person: dict[str, list[Claim[DelegationHeadNamed]]] = {}
    for claim in named:
        by_person.setdefault(claim.data.person, []).append(claim)
    return tuple(
        HeadDocument(
            person=person, roles=tuple(dict.fromkeys(c.data.role for c in told)), backing=backing(effects, *told)
        )
        for person, told in by_person.items()
    )


def _words_of(voice: str, state: Round, effects: Placed) -> tuple[CharacterisationDocument, ...]:
    """Each characterisation that this voice gives, in that voice's own first statement of it."""
    found = []
    for claim in state.of(RoundCharacterised):
        own = next((cite(effects[t.event]) for t in claim.statements if t.holder == voice), None)
        if own is not None:
            words = CharacterisationDocument(
                event=claim.root, summary=own.summary, wording=own.wording, backing=backing(effects, claim)
            )
            found.append(words)
    return tuple(found)


def facets(document: RoundDocument) -> dict[str, object]:
    """What a list can be filtered by."""
    return {"phase": document.phase}
