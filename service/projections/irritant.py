"""The status of one irritant: its three statuses, the rung of each side, disputes, and what is awaited.

`GET /v1/irritants/{relation}/{slug}` returns this document, and `GET /v1/irritants` lists such documents. The board,
the dossier and the position matrix are made from it. So is the headline (`headline.py`), which says nothing that is not
in the document.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from types import SimpleNamespace
from typing import Any, Final, Literal, cast

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.actors import BOTH, JOINT, MEDIA
from service.domain.assertion import OWN_WORDS, when
from service.domain.corrections import END
from service.domain.history import StreamAtPoint
from service.domain.irritant import disputes, remarks, standing, undertakings
from service.domain.irritant.remarks import Remark
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import (
    ActorStatement,
    Hold,
    Irritant,
    LastStatement,
    Lifecycle,
    StatusChange,
    Trend,
    merged_by_place,
)
from service.domain.ladder import RUNGS, Rung
from service.domain.streams import parse_stream
from service.projections import headline
from service.projections.document import Document
from service.projections.words.names import named

NAME: Final = "irritant"
REPRESENTATION: Final = 6

Stance = Literal["none", "priority", "open", "conditional", "red_line", "no_comment"]


class LatestWord(Document):
    """The last assertion of an actor, by the date of what it reports.

    `certain` is false if the dates do not show that it is the last: another assertion of the actor can be as late.
    """

    type: str
    occurred: str | None
    event: str
    certain: bool


class InEffect(Document):
    """A statement in effect that is not a rung: a hold, a reversal, a red line, a denial or a rejection.

    The actor has not taken it back. `target` and `of` are the denied event and its type. `about` are the actors that
    made the denied claim or the rejected proposal, and `about_attributed` is true if they are not quoted or paraphrased
    in it. `rung` is the rung of the denied event, or the rung to which the
    actor went back. `attributed`: the actor is not quoted or paraphrased.
    """

    kind: remarks.Kind
    event: str
    occurred: str | None
    attributed: bool
    target: str | None
    of: str | None
    about: tuple[str, ...]
    about_attributed: bool
    rung: Rung
    wording: str | None
    summary: str


class Side(Document):
    """One side of an irritant. `event` put it on its rung, at the date `since`. Both are null for a side on no rung.

    `says` is the type of the assertion that supports the rung, and `wording` the side's own words at this rung.
    `attributed`: only words attributed to it support the rung. `instrument_with` are the partners of its instrument, if
    they are not the other side. `silent`: no assertion of it is on record. `latest` is its last assertion of any type.
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
    """A third party that has spoken. `rung` is the highest rung that it still reports.

    `says` is the type of its latest assertion at this rung, of those in its own words if there are any.
    """

    actor: str
    rung: Rung
    says: str | None
    attributed: bool
    latest: LatestWord
    in_effect: tuple[InEffect, ...]


class DisputeDocument(Document):
    """A dispute: `alleged_by` says something of `about` that `about` has not confirmed, or denies (`denied`).

    `attributed`, `denial_attributed`: the allegation or the denial is only attributed to the side that makes it.
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
    """Countable items of an irritant, such as detained persons: how many there are, and how many are settled."""

    settled: int
    total: int


class ExtentDocument(Document):
    """How much is done, by the latest count of the sides at the claimed status: 34 of 57 persons. Numbers as filed.

    `by` are the sides that give this count. `attributed`: none of them is quoted or paraphrased.
    """

    done: int | str
    of: int | str
    unit: str
    by: tuple[str, ...]
    attributed: bool


class StatedOutcome(Document):
    """The outcome of an open step as one side states it. `attributed`: the side is not quoted or paraphrased."""

    by: str
    outcome: Literal["done", "lapsed", "dropped"]
    attributed: bool


class AwaitedAct(Document):
    """An act that is awaited of the sides in `of`: a next `step`, an `answer` to a proposal, or a `reply` to a counter.

    `by` are the sides that agreed to the step, or the actors that tabled the proposal or countered it. `attributed` are
    those of them that are not quoted or paraphrased. `confirmed`: both sides agreed to these terms. `terms_of` are the
    sides that give them now for a step, and `differing`: the other gives terms that contradict them. `what` is the act,
    or the terms of the proposal. `outcomes`: what sides say became of a step that is still open, as not all say so.
    """

    kind: Literal["step", "answer", "reply"]
    of: tuple[str, ...]
    what: str
    due: str | None
    by: tuple[str, ...]
    attributed: tuple[str, ...]
    confirmed: bool
    terms_of: tuple[str, ...]
    differing: bool
    outcomes: tuple[StatedOutcome, ...]


class Linked(Document):
    """Another irritant that an actor links with this one."""

    irritant: str
    kind: Literal["conditional_on", "package", "part_of", "continues"]
    by: str


class LastMoved(Document):
    """When the rung of a side or the reported status last changed, as EDTF. `position` is the event that changed it.

    If other changes can be later than that event, `occurred` includes their days. Both are null if nothing changed.
    """

    occurred: str | None
    position: int | None


class IrritantDocument(Document):
    """One irritant with its statuses. `assertions` is the number of assertions on record about it.

    `names` has the name of each actor in the document, by code or slug, as it stands within a sentence.
    """

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
    names: dict[str, str]


def view(reading: StreamAtPoint[Irritant]) -> IrritantDocument:
    """Return the document of an irritant. Total."""
    name = parse_stream(reading.stream)
    assert name is not None
    assert name.relation is not None
    fields = {
        **fields_of(reading.state, reading.names),
        "id": name.member,
        "relation": name.relation,
        "slug": name.slug,
        "recorded_at": reading.recorded_at,
        "version": reading.version,
        "position": reading.position,
    }
    return IrritantDocument(**fields, names=named(_actors(fields), reading.names))


def renamed(document: IrritantDocument, names: ActorNames) -> IrritantDocument:
    """Return the document with newer names of actors, in `names` and in the headline."""
    fields = vars(document)
    new = {"headline": headline.of(document, names), "names": named(_actors(fields), names)}
    return IrritantDocument.model_construct(**{**fields, **new})


def _actors(fields: dict[str, Any]) -> set[str]:
    """Return every actor in the document and its headline, except `both`, JOINT and MEDIA."""
    actors = {*fields["parties"], *(third.actor for third in fields["third_parties"])}
    for side in fields["parties"].values():
        actors.update(side.instrument_with, *(remark.about for remark in side.in_effect))
    for awaited in fields["awaited"]:
        actors.update(awaited.of, awaited.by)
    actors.update(link.by for link in fields["linked"])
    return actors - {JOINT, MEDIA, BOTH}


def fields_of(state: Irritant, names: ActorNames = NO_NAMES) -> dict[str, Any]:
    """Return the fields that depend on the state alone. The headline is one of them."""
    fields = {
        **_statuses(state),
        "category": state.category,
        "stands": standing.sides_at_status(state),
        "reported_by": standing.reported_by(state),
        "high_water_mark": RUNGS[state.high_water_mark],
        "disputes": tuple(DisputeDocument(**vars(dispute)) for dispute in disputes.disputes(state)),
        "awaited": tuple(_awaited(state)),
        "extent": _extent(state),
        "valid_until": standing.valid_until(state),
        "linked": tuple(
            Linked(irritant=t.data.with_, kind=t.data.kind, by=t.holder) for t in state.only_live(state.linkages)
        ),
        "parties": {party: _side(state, party) for party in state.parties},
        "third_parties": tuple(_third_party(state, a) for a in state.last_statements if a not in state.parties),
        "last_moved": _last_moved(state.moved),
        "assertions": state.count,
    }
    # The headline is a field of the document and is made from the others, so it gets an object with these alone.
    return {**fields, "headline": headline.of(cast(IrritantDocument, SimpleNamespace(**fields)), names)}


def _statuses(state: Irritant) -> dict[str, Any]:
    """Return the statuses and counts of an irritant, without positions in the record."""
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
        hold=placed.kind if placed else "none",
        in_effect=tuple(map(_in_effect, remarks.of_side(state, party))),
    )


def _latest(last: LastStatement | None) -> LatestWord | None:
    if last is None:
        return None
    return LatestWord(type=last.type, occurred=last.occurred, event=last.event, certain=last.certain)


def _last_moved(moved: StatusChange | None) -> LastMoved:
    if moved is None:
        return LastMoved(occurred=None, position=None)
    is_last = moved.latest is None or moved.reach <= moved.latest
    # A denial can be dated before the event that it denies. It cannot have moved anything before that event.
    is_dated_too_early = moved.earliest is not None and (when(moved.occurred).latest or END) < moved.earliest
    occurred = moved.occurred if is_last and not is_dated_too_early else edtf.between(moved.earliest, moved.reach)
    return LastMoved(occurred=occurred, position=moved.position)


def _in_effect(remark: Remark) -> InEffect:
    return InEffect(
        kind=remark.kind,
        event=remark.event,
        occurred=remark.occurred,
        attributed=not remark.spoken,
        target=remark.target,
        of=remark.of,
        about=remark.about,
        about_attributed=not remark.about_spoken,
        rung=RUNGS[remark.rung],
        wording=remark.wording,
        summary=remark.summary,
    )


def _third_party(state: Irritant, actor: str) -> ThirdParty:
    rung = standing.reported_rung(state, actor)
    at_rung = [s for s, _ in takewhile(lambda pair: pair[1] == rung, standing.reported_positions_of(state, actor))]
    named = merged_by_place(s for s in at_rung if s.rung == rung)
    speaking = [s for s in named if s.spoken] or named
    latest = _latest(state.last_statements[actor])
    assert latest is not None
    return ThirdParty(
        actor=actor,
        rung=RUNGS[rung],
        says=speaking[-1].data.type if speaking else None,
        attributed=not any(s.spoken for s in at_rung),
        latest=latest,
        in_effect=tuple(map(_in_effect, remarks.of_third_party(state, actor))),
    )


def _awaited(state: Irritant) -> list[AwaitedAct]:
    """Return the acts that are awaited of the sides: their open steps, or if there are none, their open answers."""
    if state.lifecycle in undertakings.ENDED:
        return []
    open_steps = [step for step in undertakings.agreements(state) if step.open and step.held]
    of_sides = [step for step in open_steps if step.terms.owner == BOTH or state.is_side(step.terms.owner)]
    if of_sides:
        return [_awaited_step(state, step) for step in of_sides]
    return [act for offer in undertakings.offers(state) for act in _awaited_answers(state, offer)]


def _awaited_answers(state: Irritant, offer: undertakings.Offer) -> Iterator[AwaitedAct]:
    """Yield the answer that is awaited to a proposal, and the reply to each counter-proposal."""
    proposed = offer.proposal.data
    if offer.unanswered:
        # An addressee can confirm that the proposal was made. It does not answer itself.
        by = tuple(p for p in offer.tabled_by if p not in offer.unanswered) or offer.tabled_by
        yield AwaitedAct(
            kind="answer",
            of=offer.unanswered,
            what=proposed.terms,
            due=proposed.due,
            by=by,
            attributed=_not_spoken(by, state.only_live(offer.proposal.statements)),
            confirmed=False,
            terms_of=(),
            differing=False,
            outcomes=(),
        )
    for proposer, counters in offer.countered.items():
        by = tuple(sorted(counter.holder for counter in counters))
        yield AwaitedAct(
            kind="reply",
            of=(proposer,),
            what=proposed.terms,
            due=None,  # the due date of the proposal was that of its answer, which was given
            by=by,
            attributed=_not_spoken(by, counters),
            confirmed=False,
            terms_of=(),
            differing=False,
            outcomes=(),
        )


def _awaited_step(state: Irritant, step: undertakings.Agreement) -> AwaitedAct:
    owner = step.terms.owner
    return AwaitedAct(
        kind="step",
        of=state.parties if owner == BOTH else (owner,),
        what=step.last.data.action,
        due=step.terms.due,
        by=step.agreed_by,
        attributed=_not_spoken(step.agreed_by, [statement for _, statement in step.held.values()]),
        confirmed=step.confirmed,
        terms_of=step.terms_of,
        differing=step.differs,
        outcomes=tuple(
            StatedOutcome(by=party, outcome=said.data.outcome, attributed=bool(_not_spoken((party,), [said])))
            for party, said in sorted(step.outcomes.items())
        ),
    )


def _not_spoken(actors: tuple[str, ...], statements: Iterable[ActorStatement]) -> tuple[str, ...]:
    """Return those actors that make none of these statements in their own words."""
    spoken = {t.holder for t in statements if t.data.asserted_by.channel in OWN_WORDS}
    return tuple(actor for actor in actors if actor not in spoken)


def _extent(state: Irritant) -> ExtentDocument | None:
    count = standing.count(state)
    if count is None:
        return None
    done, of, unit = count.extent.done, count.extent.of, count.extent.unit
    return ExtentDocument(done=done, of=of, unit=unit, by=count.by, attributed=not count.spoken)


def facets(document: IrritantDocument) -> dict[str, object]:
    """Return the fields by which a list can be filtered."""
    fields = vars(document)
    return {name: fields[name] for name in ("status", "basis", "lifecycle", "awaiting")}
