"""The round sheet: the brief on one round, with what changed for each irritant, who says so and where it is cited.

`GET /v1/rounds/{relation}/{slug}/sheet` returns it as JSON or Markdown (`markdown.py`). The page of a round and
`irritants sheet` show it. "Before" has all events before the round, and "after" those of the round too. `membership`
decides which events belong to the round, for the board too. The sheet of a round that has not met has no irritants,
because later changes are not results of that round.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from service.domain.corrections import EffectiveEvent
from service.domain.history import StreamAtPoint
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import Irritant
from service.domain.relation.events import NoCommentRecorded
from service.domain.relation.state import Relation
from service.domain.round.membership import Membership, membership
from service.domain.round.state import Round
from service.domain.source.state import Source
from service.projections import irritant, needs_confirmation, registers
from service.projections import round as round_
from service.projections.assertions import cited_in, places
from service.projections.change import StandingDocument, standing_in, standing_of
from service.projections.difference import changed
from service.projections.document import Document, last_position
from service.projections.dossier import Said, columns
from service.projections.evidence import Backing, Cited, backing, effects_by_id
from service.projections.ledger import ProposalDocument, StepDocument, proposals_of, steps_of
from service.projections.needs_confirmation import Unconfirmed
from service.projections.registers import Excluded
from service.projections.round import RoundDocument
from service.projections.words.documents import document_name
from service.projections.words.speakers import names_in

NAME: Final = "sheet"
REPRESENTATION: Final = 9


class NoComment(Document):
    """Organs, such as a ministry, that declined to comment, and the subject."""

    organs: tuple[str, ...]
    about: str
    backing: Backing


class SheetItem(Document):
    """One irritant with events of the round. `before` is null if it was not on record before.

    `changed` has the names of the fields that the round changed. `voices` has the assertions of each voice that belong
    to the round. `silent` are the sides without any assertion on record. `next_steps` were agreed, closed or reopened
    in the round. `uncorroborated` has the claims that need confirmation after it.
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
    """An irritant without events of the round, with its statuses after the round."""

    irritant: str
    title: str
    standing: StandingDocument


class SheetSource(Document):
    """A document that the sheet cites, with all cited paragraphs and their origins. Markdown cites it by `number`.

    `name` is its title, or else its publisher, with its date.
    """

    number: int
    document: str
    name: str
    publisher: str | None
    paragraphs: tuple[int, ...]
    origins: tuple[str, ...]


class SheetDocument(Document):
    """The sheet of one round. `title` and `parties` are those of the relation. `names` has the names of its actors.

    `read_to` is the day before the next round, if this round was recorded after later rounds. The sheet then includes
    all events before the next round. Otherwise `read_to` is null.
    """

    id: str
    relation: str
    title: str
    parties: tuple[str, str]
    round: RoundDocument
    read_to: date | None
    items: tuple[SheetItem, ...]
    untouched: tuple[Untouched, ...]
    out_of_scope: tuple[Excluded, ...]
    no_comment: tuple[NoComment, ...]
    sources: tuple[SheetSource, ...]
    names: dict[str, str]
    position: int


def view(
    *,
    round: StreamAtPoint[Round],
    irritants: Iterable[StreamAtPoint[Irritant]],
    relation: StreamAtPoint[Relation],
    members: Membership | None = None,
    sources: Iterable[StreamAtPoint[Source]] = (),
) -> SheetDocument:
    """Return the sheet of a round. `members` decides which event belongs to which round. Total."""
    header, cited_sources = round_.view(round), list(sources)
    members = members or membership([round], relation)
    has_met = header.id in members
    readings = sorted(irritants, key=lambda reading: reading.stream) if has_met else []
    # Each irritant before and after the round.
    pairs = [(members.before(header.id, r), members.after(header.id, r)) for r in readings]
    relation_after = members.after(header.id, relation) if has_met else None
    touched = [(before, after) for before, after in pairs if len(after.effects) > len(before.effects)]
    last_position_of_round = max(
        (effect.position for before, after in touched for effect in _since(before, after)), default=round.position
    )
    items = tuple(_item(before, after, members) for before, after in touched)
    untouched = (
        after
        for before, after in pairs
        if len(after.effects) == len(before.effects) and _is_known(after, last_position_of_round)
    )
    out_of_scope = tuple(registers.scope(relation_after)) if relation_after else ()
    no_comment = _no_comment(relation_after) if relation_after else ()
    return SheetDocument(
        id=header.id,
        relation=header.relation,
        title=relation.state.title,
        parties=relation.state.parties,
        round=header,
        read_to=members.covered_until(header.id) if has_met else None,
        items=items,
        untouched=tuple(map(_untouched, untouched)),
        out_of_scope=out_of_scope,
        no_comment=no_comment,
        sources=tuple(_sources(cited_in((header, items, out_of_scope, no_comment)), cited_sources)),
        names=names_in(round, relation, *readings),
        position=last_position(round, relation, *readings, *cited_sources),
    )


def _since(before: StreamAtPoint[Irritant], after: StreamAtPoint[Irritant]) -> list[EffectiveEvent]:
    """Return the events that are only in `after`."""
    earlier = {effect.id for effect in before.effects}
    return [effect for effect in after.effects if effect.id not in earlier]


def _is_known(reading: StreamAtPoint[Irritant], position: int) -> bool:
    """Return whether the irritant was on record at this position, or has an assertion."""
    return any(effect.position <= position or effect.assertion for effect in reading.effects)


def _item(before: StreamAtPoint[Irritant], after: StreamAtPoint[Irritant], members: Membership) -> SheetItem:
    """Return what the round changed for one irritant."""
    earlier = {effect.id for effect in before.effects}
    # Use the same names on both sides, because a new name of an actor is no change.
    standing_before = standing_in(before.state, after.names) if earlier else None
    standing_after = standing_in(after.state, after.names)
    voices = {voice: tuple(s for s in said if s.event not in earlier) for voice, said in columns(after).items()}
    was_open = {step.step: step.open for step in undertakings.agreements(before.state)}
    return SheetItem(
        irritant=after.stream.partition("/")[2],
        title=after.state.title,
        before=standing_before,
        after=standing_after,
        changed=changed(standing_before, standing_after),
        voices=voices,
        next_steps=tuple(step for step in steps_of(after, members) if was_open.get(step.step) is not step.open),
        proposals=tuple(p for p in proposals_of(after, members) if p.event not in earlier),
        uncorroborated=tuple(needs_confirmation.of_irritant(after)),
        silent=tuple(party for party in after.state.parties if standing.silent(after.state, party)),
    )


def _untouched(reading: StreamAtPoint[Irritant]) -> Untouched:
    document = irritant.view(reading)
    return Untouched(irritant=document.id, title=document.title, standing=standing_of(document))


def _no_comment(relation: StreamAtPoint[Relation]) -> tuple[NoComment, ...]:
    effects = effects_by_id(relation.effects)
    return tuple(
        NoComment(organs=claim.data.organs, about=claim.data.about, backing=backing(effects, claim))
        for claim in relation.state.claims_of_type(NoCommentRecorded)
    )


def _sources(cited: Iterable[Cited], sources: Iterable[StreamAtPoint[Source]]) -> Iterator[SheetSource]:
    """Yield each cited document, with a number by which Markdown cites it."""
    evidence = list(cited)
    states = {source.stream.partition("/")[2]: source.state for source in sources}
    for number, place in enumerate(places(evidence), 1):
        origins = {t.source.origin for t in evidence if t.source.document == place.document}
        state = states.get(place.document)
        yield SheetSource(
            number=number,
            document=place.document,
            name=document_name(state),
            publisher=state.publisher if state else None,
            paragraphs=place.paragraphs,
            origins=tuple(sorted(origins)),
        )
