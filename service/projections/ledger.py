"""The ledger of a relation: who is to do what, by when, who says that it was agreed and who confirms it.

Agreed next steps, rounds to come, which are steps of both sides, and proposals. Nothing in it is overdue by itself:
that follows from the day that is handed in.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal, cast

from service.domain.assertion import when
from service.domain.claims import Claims, ClaimStatement
from service.domain.history import Reading
from service.domain.irritant import disputes, undertakings
from service.domain.irritant.events import ProposalAnswered, Quantity
from service.domain.irritant.state import Irritant, SideStatement, Step
from service.domain.irritant.undertakings import Agreement, Offer
from service.domain.relation.state import Relation
from service.domain.round.events import RoundAnnounced, RoundCancelled, RoundConcluded, RoundConvened, RoundScheduled
from service.domain.round.state import Round
from service.projections.assertions import claims_of
from service.projections.document import Document, last_position
from service.projections.evidence import Backing, Cited, Placed, backing, cite, placed
from service.projections.tables import as_csv

NAME: Final = "ledger"
REPRESENTATION: Final = 2

RoundOf = Mapping[str, str]
"""The round that each report was filed on, by the report's id; reports on none are not there."""

Outcome = Literal["done", "lapsed", "dropped"]
Answer = Literal["accepted", "rejected", "deferred", "countered"]
ClosedAs = Literal["accepted", "rejected", "countered", "understanding", "lapsed"]


class Due(Document):
    """By when, as EDTF, and the days that this can mean."""

    edtf: str
    earliest: date | None
    latest: date | None


class QuantityDocument(Document):
    """How much a step is about, as filed."""

    value: int | str
    unit: str
    qualifier: Literal["exact", "at_least", "at_most", "about"]


class TermsDocument(Document):
    """What one side agrees to in a step."""

    owner: str
    due: str | None
    quantity: QuantityDocument | None


class StepDocument(Document):
    """A next step: one agreed on an irritant, or a round to come, of which `irritant` is null.

    `owner` and `due` are the terms that both sides agreed to last where `terms_confirmed`, else those last claimed;
    `terms`: what each side agrees to. `claimed_by`: the sides that say it was agreed. `confirmed_by`: those that say so
    beside whoever said it first. `agreed_in`: the round that the first report of it was filed on, where it was on one.
    `outcome` is null while the step is open: until every side that agreed says the same; `outcomes`: what each side
    says. `closed_by` are the sides that said so. `disputed`: the sides give other terms or outcomes. `overdue` is null
    where no day was handed in.
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
    overdue: bool | None
    backing: Backing
    closing: Backing


class AnswerDocument(Document):
    """An answer to a proposal, and who gives it."""

    event: str
    answer: Answer
    told: Cited


class ProposalDocument(Document):
    """A remedy put forward. `closed_as`: how it was answered, or that its addressees came to an understanding since."""

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
    answers: tuple[AnswerDocument, ...]
    backing: Backing


class LedgerDocument(Document):
    """The steps and proposals of a relation, by irritant and in the order of the world; rounds to come last."""

    relation: str
    position: int
    on: date | None
    steps: tuple[StepDocument, ...]
    proposals: tuple[ProposalDocument, ...]


def view(
    *,
    irritants: Sequence[Reading[Irritant]],
    rounds: Sequence[Reading[Round]],
    relation: Reading[Relation],
    round_of: RoundOf | None = None,
    on: date | None = None,
) -> LedgerDocument:
    """The ledger at these readings. Total."""
    agreed = (step for reading in irritants for step in steps_of(reading, round_of, on))
    to_be_held = (step for reading in rounds for step in to_come(reading, round_of, on))
    return LedgerDocument(
        relation=relation.stream.partition("/")[2],
        position=last_position(relation, *irritants, *rounds),
        on=on,
        steps=(*agreed, *to_be_held),
        proposals=tuple(proposal for reading in irritants for proposal in proposals_of(reading, round_of)),
    )


@dataclass(frozen=True)
class _Told:
    """What is told in a reading, by event."""

    member: str
    effects: Placed
    claims: Claims
    round_of: RoundOf

    def backing(self, statements: Iterable[SideStatement]) -> Backing:
        """Who stands behind what these say."""
        roots = dict.fromkeys(statement.root for statement in statements)
        return backing(self.effects, *(self.claims[root] for root in roots))

    def filed_on(
        self, statements: Sequence[SideStatement] | Sequence[ClaimStatement], sides: Collection[str]
    ) -> str | None:
        """The round that the first of these was reported on, a side's before any other's."""
        first = next((t for t in statements if t.holder in sides), statements[0] if statements else None)
        return self.round_of.get(self.effects[first.event].report) if first else None

    @cached_property
    def answers(self) -> Mapping[str, Sequence[AnswerDocument]]:
        """By proposal."""
        found: dict[str, list[AnswerDocument]] = {}
        for effect in self.effects.values():
            if isinstance(effect.data, ProposalAnswered):
                answer = AnswerDocument(event=effect.id, answer=effect.data.answer, told=cite(effect))
                found.setdefault(effect.data.proposal, []).append(answer)
        return found


def _told(reading: Reading[Irritant] | Reading[Round], round_of: RoundOf | None) -> _Told:
    member = reading.stream.partition("/")[2]
    return _Told(member, placed(reading.effects), claims_of(reading), round_of or {})


def steps_of(
    reading: Reading[Irritant], round_of: RoundOf | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """The next steps of an irritant, in the order of the world."""
    told, state = _told(reading, round_of), reading.state
    disputed: dict[str, list[disputes.Kind]] = {}
    for dispute in disputes.disputes(state):
        disputed.setdefault(dispute.event, []).append(dispute.kind)
    return tuple(_step(told, state, step, disputed, on) for step in state.steps.values())


def _step(
    told: _Told, state: Irritant, step: Step, disputed: Mapping[str, list[disputes.Kind]], on: date | None
) -> StepDocument:
    agreed = undertakings.agreement(state, step)
    due, claiming = _due(agreed.terms.due), state.by_sides(step.statements)
    outcomes = {party: cast(Outcome, t.data.outcome) for party, t in agreed.outcomes.items()}
    return StepDocument(
        irritant=told.member,
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
        confirmed_by=_confirming([t for t in claiming if t.holder in agreed.held]),
        agreed_in=told.filed_on(state.live(step.statements), state.parties),
        overdue=_overdue(due, open=agreed.open, on=on),
        backing=told.backing(step.statements),
        closing=told.backing(step.closings),
    )


def _disputes_of(agreed: Agreement, disputed: Mapping[str, list[disputes.Kind]]) -> tuple[disputes.Kind, ...]:
    events = [*(t.event for _, t in agreed.held.values()), *(t.event for t in agreed.outcomes.values())]
    found = (kind for event in dict.fromkeys(events) for kind in disputed.get(event, ()))
    return tuple(kind for kind in dict.fromkeys(found) if kind in ("terms", "outcome"))


def _terms(terms: undertakings.Terms) -> TermsDocument:
    return TermsDocument(owner=terms.owner, due=terms.due, quantity=_quantity(terms.quantity))


def _quantity(quantity: Quantity | None) -> QuantityDocument | None:
    if quantity is None:
        return None
    return QuantityDocument(value=quantity.value, unit=quantity.unit, qualifier=quantity.qualifier)


def to_come(
    reading: Reading[Round], round_of: RoundOf | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """A round that was announced, as the step that it is; nothing for one that is only known to have met."""
    state, told = reading.state, _told(reading, round_of)
    announced = (*state.of(RoundAnnounced), *state.of(RoundScheduled))
    if not announced:
        return ()
    statements = [statement for claim in announced for statement in claim.live]
    claiming = [statement for statement in statements if statement.is_side]
    held, due = state.phase in ("convened", "concluded"), _due(state.date)
    ended = state.of(RoundConvened, RoundConcluded) if held else state.of(RoundCancelled)
    open = not held and state.phase != "cancelled"
    closing = backing(told.effects, *ended)
    return (
        StepDocument(
            irritant=None,
            round=told.member,
            step=told.member.partition("/")[2],
            action=f"Hold the next round in {state.place}" if state.place else "Hold the next round",
            owner="both",
            due=due,
            timing=state.timing,
            preliminary=state.preliminary,
            quantity=None,
            terms={},
            terms_confirmed=False,
            open=open,
            outcome=None if open else "done" if held else "dropped",
            outcomes={},
            disputed=(),
            closed_by=() if open else closing.said_by,
            claimed_by=_holders(claiming),
            confirmed_by=_confirming(claiming),
            agreed_in=told.filed_on(statements, state.parties),
            overdue=_overdue(due, open=open, on=on),
            backing=backing(told.effects, *announced),
            closing=closing,
        ),
    )


def proposals_of(reading: Reading[Irritant], round_of: RoundOf | None = None) -> tuple[ProposalDocument, ...]:
    """The proposals on an irritant, in the order of the world."""
    told = _told(reading, round_of)
    return tuple(_proposal(told, reading.state, offer) for offer in undertakings.offers(reading.state))


def _proposal(told: _Told, state: Irritant, offer: Offer) -> ProposalDocument:
    proposal, answers = offer.proposal, [t for t in offer.answered.values() if t is not None]
    return ProposalDocument(
        irritant=told.member,
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
        tabled_in=told.filed_on(state.live(proposal.statements), state.parties),
        answers=tuple(told.answers.get(proposal.root, ())),
        backing=told.backing(proposal.statements),
    )


def _holders(statements: Iterable[SideStatement] | Iterable[ClaimStatement]) -> tuple[str, ...]:
    return tuple(sorted({t.holder for t in statements}))


def _confirming(claiming: Sequence[SideStatement] | Sequence[ClaimStatement]) -> tuple[str, ...]:
    """Who says the same beside whoever said it first; of a text of both each half confirms the other."""
    first = {t.holder for t in claiming if t.event == claiming[0].event} if claiming else set[str]()
    return tuple(holder for holder in _holders(claiming) if len(first) > 1 or holder not in first)


def _due(edtf: str | None) -> Due | None:
    span = when(edtf)
    return Due(edtf=edtf, earliest=span.earliest, latest=span.latest) if edtf else None


def _overdue(due: Due | None, *, open: bool, on: date | None) -> bool | None:
    """Whether the last day that it can mean is gone by; never where that is unknown."""
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


def csv(ledger: LedgerDocument) -> str:
    """The ledger as one table."""
    return as_csv(_HEADING, [*map(_step_row, ledger.steps), *map(_proposal_row, ledger.proposals)])


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
