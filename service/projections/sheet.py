"""The round sheet: what one round brought, irritant by irritant, as a desk writes it the morning after.

Before is the record before the first report filed on the round, after is the record at its last; both with what was
corrected and struck since. Of a round that has not met the sheet says what is known of it and nothing more: what moved
meanwhile is not of its making.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from service.domain.history import Reading
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import Irritant
from service.domain.relation.events import NoCommentRecorded
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.domain.source.state import Source
from service.projections import irritant, needs_confirmation, registers
from service.projections import round as round_
from service.projections.assertions import cited_in, places
from service.projections.change import StandingDocument, standing_in, standing_of
from service.projections.difference import changed
from service.projections.document import Document, last_position
from service.projections.dossier import Said, columns
from service.projections.evidence import Backing, Cited, backing, placed
from service.projections.ledger import ProposalDocument, RoundOf, StepDocument, proposals_of, steps_of
from service.projections.needs_confirmation import Unconfirmed
from service.projections.registers import Excluded
from service.projections.round import RoundDocument

NAME: Final = "sheet"
REPRESENTATION: Final = 4


class NoComment(Document):
    """Organs said not to have commented, and on what."""

    organs: tuple[str, ...]
    about: str
    backing: Backing


class SheetItem(Document):
    """One irritant of which something was filed. `before` is null where it was not on record.

    `changed`: the names of the fields of `after` that are otherwise than before. `voices`: what each side, each third
    party and media said, of what was filed in between; `silent`: the sides of which nothing at all is on record.
    `next_steps`: those agreed, closed or taken up again in between. `uncorroborated`: what needs confirming after it.
    """

    irritant: str
    title: str
    before: StandingDocument | None
    after: StandingDocument
    changed: tuple[str, ...]
    voices: dict[str, tuple[Said, ...]]
    next_steps: tuple[StepDocument, ...]
    proposals: tuple[ProposalDocument, ...]
    uncorroborated: tuple[Unconfirmed, ...]
    silent: tuple[str, ...]


class Untouched(Document):
    """An irritant of which nothing was filed, as it stands."""

    irritant: str
    title: str
    standing: StandingDocument


class SheetSource(Document):
    """A document that the sheet cites, with all paragraphs cited of it, and the utterances read there."""

    number: int
    document: str
    publisher: str | None
    paragraphs: tuple[int, ...]
    origins: tuple[str, ...]


class SheetDocument(Document):
    """One round, and what it brought. `title` and `parties` are the relation's."""

    id: str
    relation: str
    title: str
    parties: tuple[str, str]
    round: RoundDocument
    items: tuple[SheetItem, ...]
    untouched: tuple[Untouched, ...]
    out_of_scope: tuple[Excluded, ...]
    no_comment: tuple[NoComment, ...]
    sources: tuple[SheetSource, ...]
    position: int


def view(
    *,
    round: Reading[Round],
    before: Sequence[Reading[Irritant]],
    after: Sequence[Reading[Irritant]],
    relation: Reading[Relation],
    sources: Iterable[Reading[Source]] = (),
    round_of: RoundOf | None = None,
) -> SheetDocument:
    """The sheet of a round, of the irritants before and after it, of the talks after it. Total."""
    met, registered = round.state.phase in ("convened", "concluded"), list(sources)
    was = {reading.stream: reading for reading in before}
    now = sorted(after, key=lambda reading: reading.stream) if met else []
    touched = [r for r in now if _stand(r) > (_stand(was[r.stream]) if r.stream in was else 0)]
    header = round_.view(round)
    items = tuple(_item(was.get(reading.stream), reading, round_of) for reading in touched)
    out_of_scope = tuple(registers.scope(relation)) if met else ()
    no_comment = _no_comment(relation) if met else ()
    return SheetDocument(
        id=header.id,
        relation=header.relation,
        title=relation.state.title,
        parties=relation.state.parties,
        round=header,
        items=items,
        untouched=tuple(_untouched(reading) for reading in now if reading not in touched),
        out_of_scope=out_of_scope,
        no_comment=no_comment,
        sources=tuple(_sources(cited_in((header, items, out_of_scope, no_comment)), registered)),
        position=last_position(round, relation, *before, *after, *registered),
    )


def _stand(reading: Reading[Irritant]) -> int:
    """How many events nobody struck. The position would not tell: a correction filed later is the last of both."""
    return sum(event.id not in reading.amendments.struck for event in reading.events)


def _item(before: Reading[Irritant] | None, after: Reading[Irritant], round_of: RoundOf | None) -> SheetItem:
    known = {event.id for event in before.events} if before else set()
    voices = {v: tuple(s for s in said if s.event not in known) for v, said in columns(after).items()}
    was = standing_in(before.state) if before else None
    now = standing_in(after.state)
    steps = {step.step: step.open for step in undertakings.agreements(before.state)} if before else {}
    return SheetItem(
        irritant=after.stream.partition("/")[2],
        title=after.state.title,
        before=was,
        after=now,
        changed=changed(was, now),
        voices=voices,
        next_steps=tuple(step for step in steps_of(after, round_of) if steps.get(step.step) is not step.open),
        proposals=tuple(p for p in proposals_of(after, round_of) if p.event not in known),
        uncorroborated=tuple(needs_confirmation.of_irritant(after)),
        silent=tuple(party for party in after.state.parties if standing.silent(after.state, party)),
    )


def _untouched(reading: Reading[Irritant]) -> Untouched:
    document = irritant.view(reading)
    return Untouched(irritant=document.id, title=document.title, standing=standing_of(document))


def _no_comment(relation: Reading[Relation]) -> tuple[NoComment, ...]:
    effects = placed(relation.effects)
    return tuple(
        NoComment(organs=claim.data.organs, about=claim.data.about, backing=backing(effects, claim))
        for claim in relation.state.of(NoCommentRecorded)
    )


def _sources(cited: Iterable[Cited], registered: Iterable[Reading[Source]]) -> Iterator[SheetSource]:
    """What is cited, by document; numbered, for a text to refer to."""
    told = list(cited)
    publishers = {reading.stream.partition("/")[2]: reading.state.publisher for reading in registered}
    for number, place in enumerate(places(told), 1):
        origins = {t.source.origin for t in told if t.source.document == place.document}
        yield SheetSource(
            number=number,
            document=place.document,
            publisher=publishers.get(place.document),
            paragraphs=place.paragraphs,
            origins=tuple(sorted(origins)),
        )
