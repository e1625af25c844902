"""The dossier of one irritant: everything on record about it.

`GET /v1/irritants/{relation}/{slug}/dossier`, the page of an irritant and `irritants dossier` show it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from service.domain.actors import MEDIA
from service.domain.history import StreamAtPoint
from service.domain.irritant.events import InstrumentExchanged, IrritantReopened, ProgressReversed
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, Rung
from service.domain.round.membership import MemberBy, Membership
from service.domain.source.state import Source
from service.projections import irritant
from service.projections.assertions import AssertionDocument, assertions, claims_of
from service.projections.document import Document
from service.projections.evidence import Backing, Cited, cite, effects_by_id
from service.projections.irritant import IrritantDocument
from service.projections.ledger import ProposalDocument, StepDocument, proposals_of, steps_of
from service.projections.registers import Item, items
from service.projections.timeline import Timeline, timeline
from service.projections.words.documents import document_name
from service.projections.words.speakers import names_in

NAME: Final = "dossier"
REPRESENTATION: Final = 9


class Said(Document):
    """One assertion of one voice. `rung` is the rung that it supports, null if it supports none.

    `stands_at` is the rung that it still supports after the reversals by that voice, null if the voice denies it.
    `relay`: this is a further document for a statement that is already on record.
    """

    event: str
    type: str
    rung: Rung | None
    stands_at: Rung | None
    denied: bool
    relay: bool
    cited: Cited


class Word(Document):
    """A wording that a voice uses, and the first assertion with it. `rung` is the rung of that assertion."""

    event: str
    wording: str
    rung: Rung | None
    occurred: str | None


class InstrumentDocument(Document):
    """An instrument. `words` has the names that each voice gives to it, in the order in which it used them."""

    event: str
    kind: str
    occurred: str | None
    words: dict[str, tuple[str, ...]]
    backing: Backing


class ReversalDocument(Document):
    """A reversal or a reopening. `moved` are the sides whose rung it lowered. `counted`: it is a regression."""

    event: str
    type: str
    to: Rung
    by: str | None
    reason: str
    undoes: str | None
    moved: tuple[str, ...]
    counted: bool
    backing: Backing


class DenialDocument(Document):
    """A denial of `target` by an actor.

    `ended`: it no longer counts, because the actor has since risen to the rung of `target`.
    """

    event: str
    target: str
    party: str
    ended: bool
    cited: Cited


class SilenceDocument(Document):
    """A claim that the sides in `silent` have neither made, denied nor answered."""

    event: str
    rung: Rung
    summary: str
    said_by: tuple[str, ...]
    silent: tuple[str, ...]


class LinkDocument(Document):
    """Another irritant that an actor links with this one.

    `stated_on` is the irritant on which the link was filed: this one or the other. With `conditional_on`, that irritant
    depends on the other. `title` is null if the other irritant is not on record, or is outside the reader's limit.
    """

    irritant: str
    title: str | None
    kind: Literal["conditional_on", "package", "part_of", "continues"]
    by: str
    stated_on: str
    cited: Cited


class DossierDocument(Document):
    """Everything on record about one irritant. The timeline has pages.

    `rounds` has, by event, the round to which an event on this page of the timeline belongs, and `rounds_by` why it
    belongs to it. `names` has the names of its actors. `documents` has the name of each cited document by slug: its
    title, or else its publisher, with its date.
    """

    irritant: IrritantDocument
    timeline: Timeline
    rounds: dict[str, str]
    rounds_by: dict[str, MemberBy]
    columns: dict[str, tuple[Said, ...]]
    wordings: dict[str, tuple[Word, ...]]
    next_steps: tuple[StepDocument, ...]
    proposals: tuple[ProposalDocument, ...]
    instruments: tuple[InstrumentDocument, ...]
    items: tuple[Item, ...]
    reversals: tuple[ReversalDocument, ...]
    denials: tuple[DenialDocument, ...]
    silence: tuple[SilenceDocument, ...]
    links: tuple[LinkDocument, ...]
    evidence: tuple[AssertionDocument, ...]
    documents: dict[str, str]
    names: dict[str, str]
    position: int


def view(
    reading: StreamAtPoint[Irritant],
    *,
    members: Membership | None = None,
    linked: Iterable[StreamAtPoint[Irritant]] = (),
    sources: Iterable[StreamAtPoint[Source]] = (),
    position: int | None = None,
    after: int = 0,
    limit: int | None = None,
) -> DossierDocument:
    """Return the dossier of an irritant. Its timeline has at most `limit` events, from the one after number `after`.

    `members` decides which event belongs to which round. `position` is the last event of the record that the dossier
    depends on. `linked` are the irritants that are linked with this one, by events of this one or of the other.
    `sources` are the cited documents. It never raises.
    """
    by_voice, asserted, page = columns(reading), assertions(reading), timeline(reading, after, limit)
    effects, members = effects_by_id(reading.effects), members or Membership()
    asserted_on_page = [e.event for e in page.items if e.event in effects and e.cited is not None]
    rounds = {event: members.round_of(effects[event]) for event in asserted_on_page}
    reasons = {event: members.why(effects[event]) for event in asserted_on_page}
    return DossierDocument(
        irritant=irritant.view(reading),
        timeline=page,
        rounds={event: round for event, round in rounds.items() if round is not None},
        rounds_by={event: why for event, why in reasons.items() if why is not None},
        columns=by_voice,
        wordings={voice: tuple(_wordings(column)) for voice, column in by_voice.items()},
        next_steps=steps_of(reading, members),
        proposals=proposals_of(reading, members),
        instruments=tuple(_instruments(reading, asserted)),
        items=tuple(items(reading)),
        reversals=tuple(_reversals(reading, asserted)),
        denials=_denials(reading),
        silence=tuple(_silence(asserted)),
        links=tuple(_links(reading, list(linked))),
        evidence=asserted,
        documents={
            source.stream.partition("/")[2]: document_name(source.state)
            for source in sorted(sources, key=lambda source: source.stream)
        },
        names=names_in(reading),
        position=max(reading.position, position or 0),
    )


def columns(reading: StreamAtPoint[Irritant]) -> dict[str, tuple[Said, ...]]:
    """Return the assertions of each voice, by date. A joint text is in the columns of both sides."""
    state = reading.state
    # By event and voice: the rung that the event names, and its level: the rung that it still supports after reversals.
    rungs = {(s.event, s.holder): (s.rung, level) for s, level in state.with_levels}
    denied = {(t.event, t.holder) for c in claims_of(reading).values() for t in c.statements if t.denied_in is not None}
    by_voice: dict[str, list[Said]] = {voice: [] for voice in voices(state)}
    for effect in reading.effects:
        if (statement := effect.assertion) is None:
            continue
        for holder in state.holders(statement.asserted_by.party):
            supported, still_supported = rungs.get((effect.root if effect.relay else effect.id, holder), (None, None))
            is_denied = (effect.id, holder) in denied
            said = Said(
                event=effect.id,
                type=type(statement).__name__,
                rung=None if supported is None else RUNGS[supported],
                stands_at=None if still_supported is None or is_denied else RUNGS[still_supported],
                denied=is_denied,
                relay=effect.relay,
                cited=cite(effect),
            )
            by_voice[holder].append(said)
    return {voice: tuple(column) for voice, column in by_voice.items()}


def voices(state: Irritant) -> tuple[str, ...]:
    """Return the voices that have a column: the sides, the third parties that have spoken, and media."""
    return (*state.parties, *sorted(actor for actor in state.last_statements if actor not in state.parties), MEDIA)


def _wordings(column: Iterable[Said]) -> Iterable[Word]:
    """Yield the first wording of a voice, and each change to another wording.

    A further document with the same origin can have another wording. That is a translation, not a change.
    """
    last: str | None = None
    worded: set[str] = set()
    for said in column:
        wording, origin = said.cited.wording, said.cited.source.origin
        if wording is None or (said.relay and origin in worded):
            continue
        worded.add(origin)
        if wording != last:
            yield Word(event=said.event, wording=wording, rung=said.rung, occurred=said.cited.occurred)
            last = wording


def _instruments(
    reading: StreamAtPoint[Irritant], asserted: Iterable[AssertionDocument]
) -> Iterable[InstrumentDocument]:
    effects = effects_by_id(reading.effects)
    for assertion in asserted:
        data = effects[assertion.event].data
        if isinstance(data, InstrumentExchanged):
            words: dict[str, dict[str, None]] = {}
            for cited in assertion.backing.evidence:
                if cited.wording is not None:
                    words.setdefault(cited.asserted_by.party, {})[cited.wording] = None
            yield InstrumentDocument(
                event=assertion.event,
                kind=data.kind,
                occurred=data.occurred,
                words={voice: tuple(used) for voice, used in words.items()},
                backing=assertion.backing,
            )


def _reversals(reading: StreamAtPoint[Irritant], asserted: Iterable[AssertionDocument]) -> Iterable[ReversalDocument]:
    effects = effects_by_id(reading.effects)
    falls = reading.state.falls
    for assertion in asserted:
        data = effects[assertion.event].data
        if isinstance(data, ProgressReversed | IrritantReopened):
            moved = tuple(sorted({fall.holder for fall in falls if fall.root == assertion.event}))
            yield ReversalDocument(
                event=assertion.event,
                type=assertion.type,
                to=data.to,
                by=getattr(data, "by", None),
                reason=data.reason,
                undoes=getattr(data, "undoes", None),
                moved=moved,
                counted=bool(moved),
                backing=assertion.backing,
            )


def _denials(reading: StreamAtPoint[Irritant]) -> tuple[DenialDocument, ...]:
    effects = effects_by_id(reading.effects)
    state = reading.state
    return tuple(
        DenialDocument(
            event=d.event,
            target=d.target,
            party=d.denier,
            ended=reading.state.is_ended(d),
            cited=cite(effects[d.event]),
        )
        for d in state.denials
    )


def _links(reading: StreamAtPoint[Irritant], linked: Sequence[StreamAtPoint[Irritant]]) -> Iterator[LinkDocument]:
    """Yield the links that this irritant states, and those that the linked irritants state with it."""
    this = reading.stream.removeprefix("irritant/")
    titles = {other.stream.removeprefix("irritant/"): other.state.title for other in linked}
    for stating in (reading, *linked):
        stated_on, effects = stating.stream.removeprefix("irritant/"), effects_by_id(stating.effects)
        for linkage in stating.state.only_live(stating.state.linkages):
            other = linkage.data.with_ if stated_on == this else stated_on
            if this in (stated_on, linkage.data.with_):
                yield LinkDocument(
                    irritant=other,
                    title=titles.get(other),
                    kind=linkage.data.kind,
                    by=linkage.holder,
                    stated_on=stated_on,
                    cited=cite(effects[linkage.event]),
                )


def _silence(asserted: Iterable[AssertionDocument]) -> Iterable[SilenceDocument]:
    for claim in asserted:
        if claim.rung is not None and claim.silent:
            yield SilenceDocument(
                event=claim.event,
                rung=claim.rung,
                summary=claim.summary,
                said_by=claim.backing.said_by,
                silent=claim.silent,
            )
