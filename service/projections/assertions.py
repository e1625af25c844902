"""Every assertion of a stream with what it rests on: assertion → documents and paragraphs → utterances → who.

Utterances are what corroborates; a document that relays one that is known only lengthens its list of documents. And
silence is a fact like speech: for each claim it is said which side has neither made it nor denied it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel

from service.domain.assertion import Assertion, ClaimContested
from service.domain.claims import Claim, Claims, asserted
from service.domain.history import Reading
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, Rung
from service.projections.document import Document
from service.projections.evidence import Backing, Cited, Placed, backing, placed

NAME: Final = "evidence"
REPRESENTATION: Final = 2


class Place(Document):
    """Where it is read: paragraphs of a document, counted from 1."""

    document: str
    paragraphs: tuple[int, ...]


class Utterance(Document):
    """What somebody said, and every document on record that relays it."""

    origin: str
    party: str
    organ: str | None
    person: str | None
    documents: tuple[Place, ...]


class AssertionDocument(Document):
    """One assertion. `rung`: where it puts whoever makes it, null beside the ladder.

    `silent`: the parties that neither make it nor deny it, nor stand as high by anything else they said.
    """

    event: str
    type: str
    summary: str
    rung: Rung | None
    silent: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    backing: Backing


class EvidenceDocument(Document):
    """The assertions of one stream, in the order of the world."""

    stream: str
    position: int
    items: tuple[AssertionDocument, ...]


def view(reading: Reading[Any]) -> EvidenceDocument:
    """The document of a reading of an irritant, a round or a relation. Total."""
    return EvidenceDocument(stream=reading.stream, position=reading.position, items=assertions(reading))


def assertions(reading: Reading[Any]) -> tuple[AssertionDocument, ...]:
    effects, rungs = placed(reading.effects), rungs_of(reading)
    return tuple(_assertion(claim, reading.state, effects, rungs) for claim in claims_of(reading).values())


def claims_of(reading: Reading[Any]) -> Claims:
    """The claims of a stream, in the order of the world: of an irritant folded here, others keep them."""
    state = reading.state
    if not isinstance(state, Irritant):
        return getattr(state, "claims", {})
    claims: dict[str, Claim[Assertion]] = {}
    # Of each event the claim that it is of: a step then looks at one claim, and not through all of them.
    roots: dict[str, str] = {}
    for effect in reading.effects:
        root = roots.get(effect.data.target, "") if isinstance(effect.data, ClaimContested) else effect.root
        claims.update(asserted(_only(claims, root), effect, state.parties))
        roots[effect.id] = root
        roots.setdefault(root, root)
    return claims


def _only(claims: Claims, root: str) -> Claims:
    return {root: claims[root]} if root in claims else {}


def rungs_of(reading: Reading[Any]) -> Mapping[str, int]:
    """By event, where it puts whoever asserts it, before any reversal."""
    return {s.event: s.rung for s in reading.state.side_positions} if isinstance(reading.state, Irritant) else {}


def utterances(evidence: Sequence[Cited]) -> tuple[Utterance, ...]:
    """Tellings by what they rest on, in the order in which these are first met."""
    by_origin: dict[tuple[str, str], list[Cited]] = {}
    for told in evidence:
        by_origin.setdefault((told.source.origin, told.asserted_by.party), []).append(told)
    return tuple(_utterance(told) for told in by_origin.values())


def _utterance(told: Sequence[Cited]) -> Utterance:
    first = told[0]
    speakers = [t.asserted_by for t in told]
    return Utterance(
        origin=first.source.origin,
        party=first.asserted_by.party,
        organ=next((s.organ for s in speakers if s.organ), None),
        person=next((s.person for s in speakers if s.person), None),
        documents=places(told),
    )


def cited_in(shown: object) -> Iterator[Cited]:
    """Every telling that a document shows, however deep in it, in the order in which it is read."""
    match shown:
        case Cited():
            yield shown
        case BaseModel():
            yield from (cited for _, value in shown for cited in cited_in(value))
        case Mapping():
            yield from (cited for value in shown.values() for cited in cited_in(value))
        case tuple():
            yield from (cited for value in shown for cited in cited_in(value))
        case _:
            return


def places(told: Iterable[Cited]) -> tuple[Place, ...]:
    """Where these are read, each document once with all its paragraphs, by document."""
    by_document = groupby(sorted(told, key=lambda t: t.source.document), key=lambda t: t.source.document)
    return tuple(
        Place(document=document, paragraphs=tuple(sorted({n for t in read for n in t.source.paragraphs})))
        for document, read in by_document
    )


def _assertion(claim: Claim[Any], state: Any, effects: Placed, rungs: Mapping[str, int]) -> AssertionDocument:
    backed, rung = backing(effects, claim), rungs.get(claim.root)
    return AssertionDocument(
        event=claim.root,
        type=type(claim.data).__name__,
        summary=claim.data.summary,
        rung=None if rung is None else RUNGS[rung],
        silent=silent(state, backed, rung),
        utterances=utterances(backed.evidence),
        backing=backed,
    )


def silent(state: Any, backed: Backing, rung: int | None) -> tuple[str, ...]:
    """The parties that have nothing to say to a claim: on the ladder, to any as high as this one."""
    spoke = {*backed.said_by, *backed.contested_by}
    if rung is not None:
        spoke |= {party for party in state.parties if state.rung_of(party) >= rung}
    return tuple(party for party in state.parties if party not in spoke)
