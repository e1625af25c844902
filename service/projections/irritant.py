"""The status of one irritant: where each side is and by which words, what both confirm, what is disputed or awaited.

The headline is written from this document alone (`headline.py`), so whatever it says is in the document too.
"""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, Literal, cast

from service.domain.history import Reading
from service.domain.irritant import disputes, remarks, standing, undertakings
from service.domain.irritant.remarks import Remark
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import Hold, Irritant, LastStatement, Lifecycle, Trend
from service.domain.ladder import RUNGS, Rung
from service.domain.streams import parse_stream
from service.projections import headline
from service.projections.document import Document

NAME: Final = "irritant"
REPRESENTATION: Final = 2

Stance = Literal["none", "priority", "open", "conditional", "red_line", "no_comment"]


class LatestWord(Document):
    """The last assertion of an actor, in the order of the world."""

    type: str
    occurred: str | None
    event: str


class InEffect(Document):
    """What an actor has said and not taken back beside its rung: a hold, a reversal, a red line, a denial, a rejection.

    `target` and `of`: the event that is denied, and its type. `about`: who says what is denied, or tabled the proposal.
    `rung`: what the denied event speaks of, or what the actor went back to. `attributed`: these are not its own words.
    """

    kind: remarks.Kind
    event: str
    occurred: str | None
    attributed: bool
    target: str | None
    of: str | None
    about: tuple[str, ...]
    rung: Rung
    wording: str | None
    summary: str


class Side(Document):
    """One side. `since` and `event`: what put it on its rung, and when; null where nothing did.

    `says`: the type of the word that holds it there. `wording`: its own words at this rung. `attributed`: no word of
    its own holds it there, only what is attributed to it. `instrument_with`: the actors with whom its instrument is,
    where that is not the other side. `silent`: nothing at all by it is on record. `latest`: its last word, of whatever
    kind.
    """

    rung: Rung
    since: str | None
    event: str | None
    says: str | None
    wording: str | None
    attributed: bool
    valid_until: str | None
    instrument_with: tuple[str, ...]
    silent: bool
    latest: LatestWord | None
    stance: Stance
    hold: Hold
    in_effect: tuple[InEffect, ...]


class ThirdParty(Document):
    """A state or organisation beside the sides that has spoken. `rung`: what it still reports."""

    actor: str
    rung: Rung
    attributed: bool
    latest: LatestWord
    in_effect: tuple[InEffect, ...]


class DisputeDocument(Document):
    """What `alleged_by` says of `about`, and `about` has not confirmed; `denied`: it denies it.

    `attributed`, `denial_attributed`: the allegation, or the denial, is not in its own words.
    """

    kind: disputes.Kind
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool
    attributed: bool
    denial_attributed: bool


class Items(Document):
    """Countable things: how many there are, and how many a side says are settled."""

    settled: int
    total: int


class ExtentDocument(Document):
    """How much is done by the latest count of the sides at the claimed rung. Numbers are as filed."""

    done: int | str
    of: int | str
    unit: str


class AwaitedAct(Document):
    """What an actor is awaited for: an agreed step, or an answer to a proposal.

    `by`: the sides that agreed to the step, or who tabled the proposal. `confirmed`: both sides agreed to these terms.
    """

    kind: Literal["step", "answer"]
    of: tuple[str, ...]
    what: str
    due: str | None
    by: tuple[str, ...]
    confirmed: bool


class Linked(Document):
    """Another irritant that an actor links with this one."""

    irritant: str
    kind: Literal["conditional_on", "package", "part_of", "continues"]
    by: str


class LastMoved(Document):
    """The last event, in the order of the world, that changed a side's rung or the reported status; else null."""

    occurred: str | None
    position: int | None


class IrritantDocument(Document):
    """One irritant as it stands on record. `assertions`: how many are on record about it."""

    id: str
    relation: str
    slug: str
    title: str
    category: str
    headline: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung
    stands: tuple[str, ...]
    reported_by: tuple[str, ...]
    basis: Basis
    origins: int
    lifecycle: Lifecycle
    hold: Hold
    trend: Trend
    high_water_mark: Rung
    regressions: int
    disputes: tuple[DisputeDocument, ...]
    reversible: Literal["true", "false", "unknown"]
    awaiting: str
    awaited: tuple[AwaitedAct, ...]
    items: Items
    extent: ExtentDocument | None
    valid_until: str | None
    linked: tuple[Linked, ...]
    parties: dict[str, Side]
    third_parties: tuple[ThirdParty, ...]
    last_moved: LastMoved
    assertions: int
    recorded_at: datetime | None
    version: int
    position: int


def view(reading: Reading[Irritant]) -> IrritantDocument:
    """The document of a reading. Total: any history has one."""
    name = parse_stream(reading.stream)
    assert name is not None
    assert name.relation is not None
    fields = {
        **fields_of(reading.state),
        "id": name.member,
        "relation": name.relation,
        "slug": name.slug,
        "recorded_at": reading.recorded_at,
        "version": reading.version,
        "position": reading.position,
    }
    return with_headline(fields)


def with_headline(fields: dict[str, Any]) -> IrritantDocument:
    """A document of these fields, with the sentence that follows from them. What needs no record may be absent."""
    said = headline.of(cast(IrritantDocument, SimpleNamespace(**fields)))
    return IrritantDocument.model_construct(**fields, headline=said)


def fields_of(state: Irritant) -> dict[str, Any]:
    """What follows from the state alone."""
    moved = state.moved
    return {
        **stands(state),
        "category": state.category,
        "stands": standing.stands(state),
        "reported_by": standing.reported_by(state),
        "high_water_mark": RUNGS[state.high_water_mark],
        "disputes": tuple(DisputeDocument(**vars(dispute)) for dispute in disputes.disputes(state)),
        "awaited": tuple(_awaited(state)),
        "extent": _extent(state),
        "valid_until": standing.valid_until(state),
        "linked": tuple(
            Linked(irritant=t.data.with_, kind=t.data.kind, by=t.holder) for t in state.live(state.linkages)
        ),
        "parties": {party: _side(state, party) for party in state.parties},
        "third_parties": tuple(_third_party(state, a) for a in state.last_statements if a not in state.parties),
        "last_moved": LastMoved(occurred=moved.occurred if moved else None, position=moved.position if moved else None),
        "assertions": state.count,
    }


def stands(state: Irritant) -> dict[str, Any]:
    """How it stands, without where that is on record: what a change compares (`change.StandingDocument`)."""
    settled = sum(undertakings.item_status(state, i) == "settled" for i in state.items.values())
    return {
        "title": state.title,
        "status": RUNGS[state.status],
        "confirmed_status": RUNGS[state.confirmed],
        "reported_status": RUNGS[state.reported],
        "basis": standing.basis(state),
        "origins": standing.origins(state),
        "lifecycle": state.lifecycle,
        "hold": undertakings.hold(state),
        "trend": state.trend,
        "regressions": state.regressions,
        "reversible": standing.reversible(state),
        "awaiting": undertakings.awaiting(state),
        "items": Items(settled=settled, total=len(state.items)),
    }


def _side(state: Irritant, party: str) -> Side:
    position = standing.position(state, party)
    stance = standing.stance(state, party)
    placed = undertakings.holds(state).get(party)
    return Side(
        rung=RUNGS[position.rung],
        since=position.since,
        event=position.event,
        says=position.says,
        wording=position.wording,
        attributed=position.attributed,
        valid_until=position.valid_until,
        instrument_with=standing.instrument_with(state, party),
        silent=standing.silent(state, party),
        latest=_latest(position.latest),
        stance=stance.data.stance if stance else "none",
        hold=placed[0] if placed else "none",
        in_effect=tuple(map(_in_effect, remarks.of_side(state, party))),
    )


def _latest(word: LastStatement | None) -> LatestWord | None:
    return LatestWord(type=word.type, occurred=word.occurred, event=word.event) if word else None


def _in_effect(remark: Remark) -> InEffect:
    return InEffect(
        kind=remark.kind,
        event=remark.event,
        occurred=remark.occurred,
        attributed=not remark.spoken,
        target=remark.target,
        of=remark.of,
        about=remark.about,
        rung=RUNGS[remark.rung],
        wording=remark.wording,
        summary=remark.summary,
    )


def _third_party(state: Irritant, actor: str) -> ThirdParty:
    words = [(level, s.spoken) for s, level in standing.reports(state, 1) if s.holder == actor]
    rung = max((level for level, _ in words), default=0)
    latest = _latest(state.last_statements[actor])
    assert latest is not None
    return ThirdParty(
        actor=actor,
        rung=RUNGS[rung],
        attributed=not any(spoken for level, spoken in words if level == rung),
        latest=latest,
        in_effect=tuple(map(_in_effect, remarks.of_third_party(state, actor))),
    )


def _awaited(state: Irritant) -> list[AwaitedAct]:
    if state.lifecycle in undertakings.ENDED:
        return []
    steps = [a for a in undertakings.agreements(state) if a.open and a.held]
    if any(a.terms.owner == "both" or state.is_side(a.terms.owner) for a in steps):
        return [_awaited_step(state, a) for a in steps if a.terms.owner == "both" or state.is_side(a.terms.owner)]
    return [
        AwaitedAct(
            kind="answer",
            of=offer.awaited,
            what=offer.proposal.data.terms,
            due=offer.proposal.data.due,
            by=offer.tabled_by,
            confirmed=False,
        )
        for offer in undertakings.offers(state)
        if offer.awaited
    ]


def _awaited_step(state: Irritant, agreed: undertakings.Agreement) -> AwaitedAct:
    owner = agreed.terms.owner
    return AwaitedAct(
        kind="step",
        of=state.parties if owner == "both" else (owner,),
        what=agreed.last.data.action,
        due=agreed.terms.due,
        by=agreed.agreed_by,
        confirmed=agreed.confirmed,
    )


def _extent(state: Irritant) -> ExtentDocument | None:
    count = standing.extent(state)
    return ExtentDocument(done=count.done, of=count.of, unit=count.unit) if count else None


def facets(document: IrritantDocument) -> dict[str, object]:
    """What a list can be filtered by."""
    fields = vars(document)
    return {name: fields[name] for name in ("status", "basis", "lifecycle", "awaiting")}
