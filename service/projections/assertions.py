"""Every assertion of one stream with its evidence: who says it, and in which documents and paragraphs.

The path `/evidence` below an irritant, a round or a relation returns this document, and each dossier contains it. For
each assertion it has the origins: the statements that its documents relay. Three articles that relay one interview have
one origin, so they count once. It also lists the sides that neither make nor deny the assertion.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel

from service.domain.assertion import Assertion, ClaimContested
from service.domain.claims import Claim, Claims, claims_after
from service.domain.history import StreamAtPoint
from service.domain.irritant.events import NextStepAgreed
from service.domain.irritant.state import ActorStatement, Irritant
from service.domain.ladder import RUNGS, Rung
from service.projections.document import Document
from service.projections.evidence import Backing, Cited, EffectsById, backing, effects_by_id
from service.projections.words.speakers import names_in

NAME: Final = "evidence"
REPRESENTATION: Final = 4


class Place(Document):
    """A document, with the numbers of the cited paragraphs, counted from 1."""

    document: str
    paragraphs: tuple[int, ...]


class Utterance(Document):
    """One origin: a statement by one actor, and every document on record that relays it."""

    origin: str
    party: str
    organ: str | None
    person: str | None
    documents: tuple[Place, ...]


class AssertionDocument(Document):
    """One assertion. `rung` is the rung that it supports, null if it supports none.

    `silent` are the sides that neither make, deny nor answer it, and that support no rung as high by other assertions.
    """

    event: str
    type: str
    summary: str
    rung: Rung | None
    silent: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    backing: Backing


class EvidenceDocument(Document):
    """The assertions of one stream, by the date of what they report."""

    stream: str
    position: int
    items: tuple[AssertionDocument, ...]
    names: dict[str, str]


def view(reading: StreamAtPoint[Any]) -> EvidenceDocument:
    """Return the evidence of an irritant, a round or a relation. Total."""
    items, names = assertions(reading), names_in(reading)
    return EvidenceDocument(stream=reading.stream, position=reading.position, items=items, names=names)


def assertions(reading: StreamAtPoint[Any]) -> tuple[AssertionDocument, ...]:
    """Return every assertion of a reading with its evidence, by date."""
    effects, rungs = effects_by_id(reading.effects), rungs_of(reading)
    return tuple(_assertion(claim, reading.state, effects, rungs) for claim in claims_of(reading).values())


def claims_of(reading: StreamAtPoint[Any]) -> Claims:
    """Return the claims of a stream by the id of their first event, ordered by date.

    The state of a round or a relation has them. The state of an irritant has none, so they are folded here.
    """
    state = reading.state
    if not isinstance(state, Irritant):
        return getattr(state, "claims", {})
    claims: dict[str, Claim[Assertion]] = {}
    # The root of the claim that each event belongs to. With it each step of the fold reads one claim instead of all.
    roots: dict[str, str] = {}
    for effect in reading.effects:
        root = roots.get(effect.data.target, "") if isinstance(effect.data, ClaimContested) else effect.root
        claim: Claims = {root: claims[root]} if root in claims else {}
        claims.update(claims_after(claim, effect, state.parties))
        roots[effect.id] = root
        roots.setdefault(root, root)
    return claims


def rungs_of(reading: StreamAtPoint[Any]) -> Mapping[str, int]:
    """Return, by event, the rung that the event itself names. Only events of irritants name rungs."""
    return {s.event: s.rung for s in reading.state.all_positions} if isinstance(reading.state, Irritant) else {}


def utterances(evidence: Sequence[Cited]) -> tuple[Utterance, ...]:
    """Group evidence by origin and speaker, in the order in which each origin first occurs."""
    by_origin: dict[tuple[str, str], list[Cited]] = {}
    for cited in evidence:
        by_origin.setdefault((cited.source.origin, cited.asserted_by.party), []).append(cited)
    return tuple(_utterance(group) for group in by_origin.values())


def _utterance(evidence: Sequence[Cited]) -> Utterance:
    first = evidence[0]
    speakers = [cited.asserted_by for cited in evidence]
    return Utterance(
        origin=first.source.origin,
        party=first.asserted_by.party,
        organ=next((s.organ for s in speakers if s.organ), None),
        person=next((s.person for s in speakers if s.person), None),
        documents=places(evidence),
    )


def cited_in(part: object) -> Iterator[Cited]:
    """Yield all evidence that a document or a part of one contains, at any depth, in the order of the document."""
    match part:
        case Cited():
            yield part
        case BaseModel():
            yield from (cited for _, value in part for cited in cited_in(value))
        case Mapping():
            yield from (cited for value in part.values() for cited in cited_in(value))
        case tuple():
            yield from (cited for value in part for cited in cited_in(value))
        case _:
            return


def places(evidence: Iterable[Cited]) -> tuple[Place, ...]:
    """Return each cited document once, with all its cited paragraphs, sorted by document."""
    by_document = groupby(sorted(evidence, key=_document), key=_document)
    return tuple(
        Place(document=document, paragraphs=tuple(sorted({n for cited in group for n in cited.source.paragraphs})))
        for document, group in by_document
    )


def _document(cited: Cited) -> str:
    return cited.source.document


def _assertion(claim: Claim[Any], state: Any, effects: EffectsById, rungs: Mapping[str, int]) -> AssertionDocument:
    claim_backing, rung = backing(effects, claim), rungs.get(claim.root)
    return AssertionDocument(
        event=claim.root,
        type=type(claim.data).__name__,
        summary=claim.data.summary,
        rung=None if rung is None else RUNGS[rung],
        silent=silent_sides(state, claim, claim_backing, rung),
        utterances=utterances(claim_backing.evidence),
        backing=claim_backing,
    )


def silent_sides(state: Any, claim: Claim[Any], claim_backing: Backing, rung: int | None) -> tuple[str, ...]:
    """Return the sides that neither make, deny nor answer a claim. `rung`: the rung that the claim names.

    A side that is at this rung or a higher one is not silent, even if it did not make this claim. A side that answers a
    proposal, or says how a next step ended, speaks of it too, but that raises no rung.
    """
    not_silent = {*claim_backing.said_by, *claim_backing.contested_by}
    if rung is not None:
        not_silent |= {party for party in state.parties if state.rung_of(party) >= rung}
    if isinstance(state, Irritant):
        not_silent |= {statement.holder for statement in state.only_live(_replies(state, claim))}
    return tuple(party for party in state.parties if party not in not_silent)


def _replies(state: Irritant, claim: Claim[Any]) -> tuple[ActorStatement, ...]:
    """Return the answers to a proposal, or what is said about the end of a next step."""
    if isinstance(claim.data, NextStepAgreed):
        return state.steps[claim.data.step].closings if claim.data.step in state.steps else ()
    return state.proposals[claim.root].answers if claim.root in state.proposals else ()
