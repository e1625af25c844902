"""The ledger of a relation: its next steps, coming rounds and proposals, with who is to act and by when.

`GET /v1/relations/{relation}/ledger` returns it as JSON or CSV. The page of a relation and `irritants ledger` show it.
A round that was announced is a step of both sides: "Hold the round". Whether a step is overdue depends on the day that
the reader gives (`on`), not on today's date.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal, cast

from service.domain.assertion import when
from service.domain.claims import Claims, ClaimStatement
from service.domain.corrections import EffectiveEvent, is_surely_before
from service.domain.history import StreamAtPoint
from service.domain.irritant import disputes, undertakings
from service.domain.irritant.events import ProposalAnswered, Quantity
from service.domain.irritant.state import ActorStatement, Irritant, Step
from service.domain.irritant.undertakings import Agreement, Offer
from service.domain.relation.state import Relation
from service.domain.round.events import RoundAnnounced, RoundCancelled, RoundConcluded, RoundConvened, RoundScheduled
from service.domain.round.membership import MemberBy, Membership
from service.domain.round.state import Round
from service.projections.assertions import claims_of
from service.projections.document import Document, last_position
from service.projections.evidence import Backing, Cited, EffectsById, backing, cite, effects_by_id
from service.projections.formats.tables import as_csv
from service.projections.words.speakers import names_in

NAME: Final = "ledger"
REPRESENTATION: Final = 6

Outcome = Literal["done", "lapsed", "dropped"]
Answer = Literal["accepted", "rejected", "deferred", "countered"]
ClosedAs = Literal["accepted", "rejected", "countered", "understanding", "lapsed"]


class Due(Document):
    """A due date as EDTF, with the first and the last day that it can mean."""

    edtf: str
    earliest: date | None
    latest: date | None


class QuantityDocument(Document):
    """The quantity of a step, as filed."""

    value: int | str
    unit: str
    qualifier: Literal["exact", "at_least", "at_most", "about"]


class TermsDocument(Document):
    """The terms of a next step to which one side agrees."""

    owner: str
    due: str | None
    quantity: QuantityDocument | None


class StepDocument(Document):
    """A next step on an irritant, or a coming round, for which `irritant` is null.

    `owner` and `due` are the terms that both sides agreed to last (`terms_confirmed`), else the terms last claimed.
    `terms` has the terms to which each side agrees. `claimed_by` are the sides that say that the step was agreed, or
    for a round, that announced it or set its day. `confirmed_by` are those of them that did not say so first: both, if
    the dates do not show which was first. `agreed_in` is the round of the first report of it, and `agreed_in_by` says
    why it is of this round.

    A step is open, with a null `outcome`, until each side that agreed reports the same outcome. `outcomes` has the
    outcome by each side, and `closed_by` the sides that closed the step. `disputed` has `terms` or `outcome` if the
    sides differ on them. `overdue` is null if the request gave no day.
    """

    irritant: str | None
    round: str | None
    step: str
    action: str
    owner: str
    due: Due | None
    timing: str | None
    preliminary: bool
    quantity: QuantityDocument | None
    terms: dict[str, TermsDocument]
    terms_confirmed: bool
    open: bool
    outcome: Outcome | None
    outcomes: dict[str, Outcome]
    disputed: tuple[disputes.Kind, ...]
    closed_by: tuple[str, ...]
    claimed_by: tuple[str, ...]
    confirmed_by: tuple[str, ...]
    agreed_in: str | None
    agreed_in_by: MemberBy | None
    overdue: bool | None
    backing: Backing
    closing: Backing


class AnswerDocument(Document):
    """An answer to a proposal, with the statement that reports it."""

    event: str
    answer: Answer
    told: Cited


class ProposalDocument(Document):
    """A proposal. `closed_as` is the answer, or `understanding` if its addressees have reached that rung since.

    `closed_by` gave that answer, or reached the understanding. `tabled_in` is the round of its first report, and
    `tabled_in_by` says why it is of this round.
    """

    irritant: str
    event: str
    kind: Literal["offer", "request", "demand"]
    terms: str
    addressee: str
    due: Due | None
    open: bool
    awaiting: tuple[str, ...]
    closed_as: ClosedAs | None
    closed_by: tuple[str, ...]
    tabled_by: tuple[str, ...]
    tabled_in: str | None
    tabled_in_by: MemberBy | None
    answers: tuple[AnswerDocument, ...]
    backing: Backing


class LedgerDocument(Document):
    """The next steps and proposals of a relation, by irritant and date. Coming rounds are last."""

    relation: str
    position: int
    on: date | None
    steps: tuple[StepDocument, ...]
    proposals: tuple[ProposalDocument, ...]
    names: dict[str, str]


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
    members: Membership | None = None,
    on: date | None = None,
) -> LedgerDocument:
    """Return the ledger of a relation. Total.

    `members` decides which event belongs to which round. `on` is the day from which steps are overdue.
    """
    agreed = (step for reading in irritants for step in steps_of(reading, members, on))
    to_be_held = (step for reading in rounds for step in to_come(reading, members, on))
    return LedgerDocument(
        relation=relation.stream.partition("/")[2],
        position=last_position(relation, *irritants, *rounds),
        on=on,
        steps=(*agreed, *to_be_held),
        proposals=tuple(proposal for reading in irritants for proposal in proposals_of(reading, members)),
        names=names_in(relation, *irritants, *rounds),
    )


@dataclass(frozen=True)
class _Lookup:
    """The events and claims of one irritant or round, to look up who says what."""

    member: str
    effects: EffectsById
    claims: Claims
    members: Membership

    def backing(self, statements: Iterable[ActorStatement]) -> Backing:
        """Return the evidence for the claims of these statements."""
        roots = dict.fromkeys(statement.root for statement in statements)
        return backing(self.effects, *(self.claims[root] for root in roots))

    def round_of(
        self, statements: Sequence[ActorStatement] | Sequence[ClaimStatement], sides: Collection[str]
    ) -> tuple[str | None, MemberBy | None]:
        """Return the round of the first statement by a side, else of the first statement, and why it is of this round.

        Both are None if it is of no round.
        """
        first = next((t for t in statements if t.holder in sides), statements[0] if statements else None)
        effect = self.effects[first.event] if first else None
        return (self.members.round_of(effect), self.members.why(effect)) if effect else (None, None)

    @cached_property
    def answers(self) -> Mapping[str, Sequence[AnswerDocument]]:
        """The answers to each proposal."""
        answers: dict[str, list[AnswerDocument]] = {}
        for effect in self.effects.values():
            if isinstance(effect.data, ProposalAnswered):
                answer = AnswerDocument(event=effect.id, answer=effect.data.answer, told=cite(effect))
                answers.setdefault(effect.data.proposal, []).append(answer)
        return answers


def _lookup_in(reading: StreamAtPoint[Irritant] | StreamAtPoint[Round], members: Membership | None) -> _Lookup:
    member = reading.stream.partition("/")[2]
    return _Lookup(member, effects_by_id(reading.effects), claims_of(reading), members or Membership())


def steps_of(
    reading: StreamAtPoint[Irritant], members: Membership | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """Return the next steps of an irritant, by date."""
    lookup, state = _lookup_in(reading, members), reading.state
    disputed: dict[str, list[disputes.Kind]] = {}
    for dispute in disputes.disputes(state):
        disputed.setdefault(dispute.event, []).append(dispute.kind)
    return tuple(_step(lookup, state, step, disputed, on) for step in state.steps.values())


def _step(
    lookup: _Lookup, state: Irritant, step: Step, disputed: Mapping[str, list[disputes.Kind]], on: date | None
) -> StepDocument:
    agreed = undertakings.agreement(state, step)
    due, claiming = _due(agreed.terms.due), state.live_by_sides(step.statements)
    outcomes = {party: cast(Outcome, t.data.outcome) for party, t in agreed.outcomes.items()}
    agreed_in, agreed_in_by = lookup.round_of(state.only_live(step.statements), state.parties)
    return StepDocument(
        irritant=lookup.member,
        round=None,
        step=step.step,
        action=agreed.last.data.action,
        owner=agreed.terms.owner,
        due=due,
        timing=None,
        preliminary=False,
        quantity=_quantity(agreed.terms.quantity),
        terms={party: _terms(terms) for party, (terms, _) in agreed.held.items()},
        terms_confirmed=agreed.confirmed,
        open=agreed.open,
        outcome=cast("Outcome | None", agreed.outcome),
        outcomes=outcomes,
        disputed=_disputes_of(agreed, disputed),
        closed_by=() if agreed.open else tuple(sorted(outcomes)),
        claimed_by=agreed.agreed_by,
        confirmed_by=_confirming(lookup.effects, [t for t in claiming if t.holder in agreed.held]),
        agreed_in=agreed_in,
        agreed_in_by=agreed_in_by,
        overdue=_overdue(due, open=agreed.open, on=on),
        backing=lookup.backing(step.statements),
        closing=lookup.backing(step.closings),
    )


def _disputes_of(agreed: Agreement, disputed: Mapping[str, list[disputes.Kind]]) -> tuple[disputes.Kind, ...]:
    """Return the disputes on the terms or the outcome of a step."""
    events = [*(t.event for _, t in agreed.held.values()), *(t.event for t in agreed.outcomes.values())]
    kinds = (kind for event in dict.fromkeys(events) for kind in disputed.get(event, ()))
    return tuple(kind for kind in dict.fromkeys(kinds) if kind in ("terms", "outcome"))


def _terms(terms: undertakings.Terms) -> TermsDocument:
    return TermsDocument(owner=terms.owner, due=terms.due, quantity=_quantity(terms.quantity))


def _quantity(quantity: Quantity | None) -> QuantityDocument | None:
    if quantity is None:
        return None
    return QuantityDocument(value=quantity.value, unit=quantity.unit, qualifier=quantity.qualifier)


def to_come(
    reading: StreamAtPoint[Round], members: Membership | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """Return a round as a step to hold it. Return nothing for a round that was not announced before it met."""
    state, lookup = reading.state, _lookup_in(reading, members)
    announced = (*state.claims_of_type(RoundAnnounced), *state.claims_of_type(RoundScheduled))
    if not announced:
        return ()
    statements = [statement for claim in announced for statement in claim.live_statements]
    claiming = [statement for statement in statements if statement.is_side]
    met, due = state.met, _due(state.date)
    ending = state.claims_of_type(RoundConvened, RoundConcluded) if met else state.claims_of_type(RoundCancelled)
    open = not met and state.phase != "cancelled"
    closing = backing(lookup.effects, *ending)
    agreed_in, agreed_in_by = lookup.round_of(statements, state.parties)
    return (
        StepDocument(
            irritant=None,
            round=lookup.member,
            step=lookup.member.partition("/")[2],
            action=f"Hold the round in {state.place}" if state.place else "Hold the round",
            owner="both",
            due=due,
            timing=state.timing,
            preliminary=state.preliminary,
            quantity=None,
            terms={},
            terms_confirmed=False,
            open=open,
            outcome=None if open else "done" if met else "dropped",
            outcomes={},
            disputed=(),
            closed_by=() if open else closing.said_by,
            claimed_by=_holders(claiming),
            confirmed_by=_confirming(lookup.effects, claiming),
            agreed_in=agreed_in,
            agreed_in_by=agreed_in_by,
            overdue=_overdue(due, open=open, on=on),
            backing=backing(lookup.effects, *announced),
            closing=closing,
        ),
    )


def proposals_of(reading: StreamAtPoint[Irritant], members: Membership | None = None) -> tuple[ProposalDocument, ...]:
    """Return the proposals on an irritant, by date."""
    lookup = _lookup_in(reading, members)
    return tuple(_proposal(lookup, reading.state, offer) for offer in undertakings.offers(reading.state))


def _proposal(lookup: _Lookup, state: Irritant, offer: Offer) -> ProposalDocument:
    proposal = offer.proposal
    answers = [t for t in offer.answered.values() if t is not None and t.data.answer == offer.closed_as]
    tabled_in, tabled_in_by = lookup.round_of(state.only_live(proposal.statements), state.parties)
    return ProposalDocument(
        irritant=lookup.member,
        event=proposal.root,
        kind=cast(Literal["offer", "request", "demand"], proposal.data.kind),
        terms=proposal.data.terms,
        addressee=proposal.data.addressee,
        due=_due(proposal.data.due),
        open=offer.open,
        awaiting=offer.awaited,
        closed_as=None if offer.open else cast("ClosedAs | None", offer.closed_as),
        closed_by=() if offer.open else _holders(answers) or tuple(sorted(offer.answered)),
        tabled_by=offer.tabled_by,
        tabled_in=tabled_in,
        tabled_in_by=tabled_in_by,
        answers=tuple(lookup.answers.get(proposal.root, ())),
        backing=lookup.backing(proposal.statements),
    )


def _holders(statements: Iterable[ActorStatement] | Iterable[ClaimStatement]) -> tuple[str, ...]:
    return tuple(sorted({t.holder for t in statements}))


def _confirming(effects: EffectsById, claiming: Sequence[ActorStatement] | Sequence[ClaimStatement]) -> tuple[str, ...]:
    """Return the sides that confirm the first side. If it is not sure which is the first, each confirms the other."""
    sides = _holders(claiming)
    said = {side: [effects[t.event] for t in claiming if t.holder == side] for side in sides}
    first = [side for side in sides if all(_is_first(said[side], said[other]) for other in sides if other != side)]
    return tuple(side for side in sides if side not in first)


def _is_first(own: Sequence[EffectiveEvent], others: Sequence[EffectiveEvent]) -> bool:
    """Return whether one of these statements surely came before each of the others."""
    return any(all(is_surely_before(one, another) for another in others) for one in own)


def _due(edtf: str | None) -> Due | None:
    span = when(edtf)
    return Due(edtf=edtf, earliest=span.earliest, latest=span.latest) if edtf else None


def _overdue(due: Due | None, *, open: bool, on: date | None) -> bool | None:
    """Return whether the last day that the due date can mean is before `on`. Return None without `on`."""
    if on is None:
        return None
    return open and due is not None and due.latest is not None and due.latest < on


_HEADING: Final = (
    "kind",
    "irritant",
    "round",
    "what",
    "owner or addressee",
    "due",
    "open",
    "closed as",
    "by",
    "confirmed by",
    "from round",
    "overdue",
    "origins",
)


def csv(ledger: LedgerDocument, reading: str = "") -> str:
    """Return the ledger as CSV, in one table. `reading` is the sentence on a reading of the past."""
    return as_csv(_HEADING, [*map(_step_row, ledger.steps), *map(_proposal_row, ledger.proposals)], reading)


def _step_row(step: StepDocument) -> tuple[object, ...]:
    return (
        "step",
        step.irritant,
        step.round,
        step.action,
        step.owner,
        step.due and step.due.edtf,
        step.open,
        step.outcome,
        step.claimed_by,
        step.confirmed_by,
        step.agreed_in,
        step.overdue,
        step.backing.origins,
    )


def _proposal_row(proposal: ProposalDocument) -> tuple[object, ...]:
    return (
        proposal.kind,
        proposal.irritant,
        None,
        proposal.terms,
        proposal.addressee,
        None,
        proposal.open,
        proposal.closed_as,
        proposal.tabled_by,
        None,
        proposal.tabled_in,
        None,
        proposal.backing.origins,
    )
