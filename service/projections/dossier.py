"""The dossier of one irritant: all that was said of it, by whom, in whose words, and what became of it."""

from collections.abc import Iterable
from typing import Final

from service.domain.actors import MEDIA
from service.domain.history import Reading
from service.domain.irritant.events import InstrumentExchanged, IrritantReopened, ProgressReversed
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, UNSTATED, Rung
from service.projections import irritant
from service.projections.assertions import AssertionDocument, assertions, claims_of
from service.projections.document import Document
from service.projections.evidence import Backing, Cited, cite, placed
from service.projections.irritant import IrritantDocument
from service.projections.ledger import ProposalDocument, RoundOf, StepDocument, proposals_of, steps_of
from service.projections.registers import Item, items
from service.projections.timeline import Timeline, timeline

NAME: Final = "dossier"
REPRESENTATION: Final = 2


class Said(Document):
    """One thing that one voice said. `rung`: where it put that voice, null beside the ladder.

    `stands_at`: where it still does, after reversals that bind that voice; null where the voice denies it. `relay`: a
    further document for what it said already.
    """

    event: str
    type: str
    rung: Rung | None
    stands_at: Rung | None
    denied: bool
    relay: bool
    cited: Cited


class Word(Document):
    """A side's own word for it, and from which assertion on it used that word."""

    event: str
    wording: str
    rung: Rung | None
    occurred: str | None


class InstrumentDocument(Document):
    """An instrument, and what each voice calls it. `words`: by voice, in the order in which it used them."""

    event: str
    kind: str
    occurred: str | None
    words: dict[str, tuple[str, ...]]
    backing: Backing


class ReversalDocument(Document):
    """Progress said to have been undone. `moved`: the sides that it lowered; `counted`: whether it was a regression."""

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
    """A denial of `target` by an actor; `ended` once that actor stood there itself."""

    event: str
    target: str
    party: str
    ended: bool
    cited: Cited


class SilenceDocument(Document):
    """A claim on which a side has said nothing: neither that it is so nor that it is not."""

    event: str
    rung: Rung
    summary: str
    said_by: tuple[str, ...]
    silent: tuple[str, ...]


class DossierDocument(Document):
    """One irritant in full, the timeline by the page."""

    irritant: IrritantDocument
    timeline: Timeline
    columns: dict[str, tuple[Said, ...]]
    wordings: dict[str, tuple[Word, ...]]
    next_steps: tuple[StepDocument, ...]
    proposals: tuple[ProposalDocument, ...]
    instruments: tuple[InstrumentDocument, ...]
    items: tuple[Item, ...]
    reversals: tuple[ReversalDocument, ...]
    denials: tuple[DenialDocument, ...]
    silence: tuple[SilenceDocument, ...]
    evidence: tuple[AssertionDocument, ...]
    position: int


def view(
    reading: Reading[Irritant], *, round_of: RoundOf | None = None, after: int = 0, limit: int | None = None
) -> DossierDocument:
    """The dossier of a reading; of its timeline `limit` events after the place `after`. Total."""
    said, evidence = columns(reading), assertions(reading)
    return DossierDocument(
        irritant=irritant.view(reading),
        timeline=timeline(reading, after, limit),
        columns=said,
        wordings={voice: tuple(_wordings(column)) for voice, column in said.items()},
        next_steps=steps_of(reading, round_of),
        proposals=proposals_of(reading, round_of),
        instruments=tuple(_instruments(reading, evidence)),
        items=tuple(items(reading)),
        reversals=tuple(_reversals(reading, evidence)),
        denials=_denials(reading),
        silence=tuple(_silence(evidence)),
        evidence=evidence,
        position=reading.position,
    )


def columns(reading: Reading[Irritant]) -> dict[str, tuple[Said, ...]]:
    """What each side said, each third party, and media, in the order of the world; a joint text is in both columns."""
    state = reading.state
    stands = {(s.event, s.holder): (s.rung, level) for s, level in state.with_levels}
    denied = {(t.event, t.holder) for c in claims_of(reading).values() for t in c.statements if t.denied_in is not None}
    by_voice: dict[str, list[Said]] = {voice: [] for voice in voices(state)}
    for effect in reading.effects:
        if (statement := effect.assertion) is None:
            continue
        for holder in state.holders(statement.asserted_by.party):
            heard = stands.get((effect.root if effect.relay else effect.id, holder))
            is_denied = (effect.id, holder) in denied
            said = Said(
                event=effect.id,
                type=type(statement).__name__,
                rung=RUNGS[heard[0]] if heard else None,
                stands_at=RUNGS[heard[1]] if heard and not is_denied else None,
                denied=is_denied,
                relay=effect.relay,
                cited=cite(effect),
            )
            by_voice[holder].append(said)
    return {voice: tuple(column) for voice, column in by_voice.items()}


def voices(state: Irritant) -> tuple[str, ...]:
    """Who has a column: the sides, the third parties that have spoken, and media."""
    return (*state.parties, *sorted(actor for actor in state.last_statements if actor not in state.parties), MEDIA)


def _wordings(column: Iterable[Said]) -> Iterable[Word]:
    """Where a voice first used a word, and where it changed to another.

    What another document makes of the same utterance is a translation, and no change of the voice's.
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


def _instruments(reading: Reading[Irritant], evidence: Iterable[AssertionDocument]) -> Iterable[InstrumentDocument]:
    effects = placed(reading.effects)
    for assertion in evidence:
        data = effects[assertion.event].data
        if isinstance(data, InstrumentExchanged):
            words: dict[str, dict[str, None]] = {}
            for told in assertion.backing.evidence:
                if told.wording is not None:
                    words.setdefault(told.asserted_by.party, {})[told.wording] = None
            yield InstrumentDocument(
                event=assertion.event,
                kind=data.kind,
                occurred=data.occurred,
                words={voice: tuple(used) for voice, used in words.items()},
                backing=assertion.backing,
            )


def _reversals(reading: Reading[Irritant], evidence: Iterable[AssertionDocument]) -> Iterable[ReversalDocument]:
    effects = placed(reading.effects)
    falls = reading.state.falls
    for assertion in evidence:
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


def _denials(reading: Reading[Irritant]) -> tuple[DenialDocument, ...]:
    effects = placed(reading.effects)
    state = reading.state
    return tuple(
        DenialDocument(
            event=d.event,
            target=d.target,
            party=d.denier,
            ended=d.rung > UNSTATED and d.ended,
            cited=cite(effects[d.event]),
        )
        for d in state.denials
    )


def _silence(evidence: Iterable[AssertionDocument]) -> Iterable[SilenceDocument]:
    for a in evidence:
        if a.rung is not None and a.silent:
            said_by = a.backing.said_by
            yield SilenceDocument(event=a.event, rung=a.rung, summary=a.summary, said_by=said_by, silent=a.silent)
