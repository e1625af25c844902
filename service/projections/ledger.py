"""The ledger of a relation: who is to do what, by when, who says that it was agreed and who confirms it.

Agreed next steps, rounds to come, which are steps of both sides, and proposals. Nothing in it is overdue by itself:
that follows from the day that is handed in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal, cast

from service.domain.assertion import when
from service.domain.claims import MEDIA, Claims, ClaimStatement
from service.domain.history import Reading
from service.domain.irritant.events import ProposalAnswered
from service.domain.irritant.state import REVERSAL, Irritant, Proposal, SideStatement, Step, by_parties, live
from service.domain.relation.state import Relation
from service.domain.round.events import RoundAnnounced, RoundCancelled, RoundConcluded, RoundConvened, RoundScheduled
from service.domain.round.state import Round
from service.projections.assertions import claims_of
from service.projections.document import Document, last_position
from service.projections.evidence import Backing, Cited, Placed, backing, cite, placed
from service.projections.tables import as_csv

NAME: Final = "ledger"
REPRESENTATION: Final = 1

RoundOf = Mapping[str, str]
"""The round that each report was filed on, by the report's id; reports on none are not there."""

Outcome = Literal["done", "lapsed", "dropped"]
Answer = Literal["accepted", "rejected", "deferred", "countered"]
ClosedAs = Literal["accepted", "rejected", "countered", "understanding"]


class Due(Document):
    """By when, as EDTF, and the days that this can mean."""

    edtf: str
    earliest: date | None
    latest: date | None


class StepDocument(Document):
    """A next step: one agreed on an irritant, or a round to come, of which `irritant` is null.

    `claimed_by`: the parties that say it was agreed. `confirmed_by`: those that say so beside whoever said it first.
    `agreed_in`: the round that the first report of it was filed on, where it was on one. `outcome` is null while the
    step is open; `closed_by` are the parties that said so, nobody where a reversal lapsed it, which `closing` then
    shows. `overdue` is null where no day was handed in.
    """

    irritant: str | None
    round: str | None
    step: str
    action: str
    owner: str
    due: Due | None
    timing: str | None
    preliminary: bool
    open: bool
    outcome: Outcome | None
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
    open: bool
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
class _Lookup:
    """What is stated in a reading, by event."""

    member: str
    effects: Placed
    claims: Claims
    round_of: RoundOf

    def backing(self, statements: Iterable[SideStatement]) -> Backing:
        """Who stands behind what these say."""
        roots = dict.fromkeys(statement.root for statement in statements)
        return backing(self.effects, *(self.claims[root] for root in roots))

    def filed_on(self, statements: Sequence[SideStatement] | Sequence[ClaimStatement]) -> str | None:
        """The round that the first of these was reported on, a party's before any other's."""
        first = next((t for t in statements if t.holder != MEDIA), statements[0] if statements else None)
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


def _lookup(reading: Reading[Irritant] | Reading[Round], round_of: RoundOf | None) -> _Lookup:
    member = reading.stream.partition("/")[2]
    return _Lookup(member, placed(reading.effects), claims_of(reading), round_of or {})


def steps_of(
    reading: Reading[Irritant], round_of: RoundOf | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """The next steps of an irritant, in the order of the world."""
    lookup = _lookup(reading, round_of)
    return tuple(_step(lookup, step, on) for step in reading.state.steps.values())


def _step(lookup: _Lookup, step: Step, on: date | None) -> StepDocument:
    due, claiming = _due(step.due), by_parties(step.statements)
    closings = by_parties(step.closings) or live(step.closings)
    return StepDocument(
        irritant=lookup.member,
        round=None,
        step=step.step,
        action=step.action,
        owner=step.owner,
        due=due,
        timing=None,
        preliminary=False,
        open=step.open,
        outcome=None if step.open else cast(Outcome, closings[-1].value),
        closed_by=() if step.open else _holders(t for t in closings if t.holder != REVERSAL),
        claimed_by=_holders(claiming),
        confirmed_by=_confirming(claiming),
        agreed_in=lookup.filed_on(live(step.statements)),
        overdue=_overdue(due, open=step.open, on=on),
        backing=lookup.backing(step.statements),
        closing=lookup.backing(step.closings),
    )


def to_come(
    reading: Reading[Round], round_of: RoundOf | None = None, on: date | None = None
) -> tuple[StepDocument, ...]:
    """A round that was announced, as the step that it is; nothing for one that is only known to have met."""
    state, lookup = reading.state, _lookup(reading, round_of)
    announced = (*state.of(RoundAnnounced), *state.of(RoundScheduled))
    if not announced:
        return ()
    statements = [statement for claim in announced for statement in claim.live]
    claiming = [statement for statement in statements if statement.holder != MEDIA]
    held, due = state.phase in ("convened", "concluded"), _due(state.date)
    ended = state.of(RoundConvened, RoundConcluded) if held else state.of(RoundCancelled)
    open = not held and state.phase != "cancelled"
    closing = backing(lookup.effects, *ended)
    return (
        StepDocument(
            irritant=None,
            round=lookup.member,
            step=lookup.member.partition("/")[2],
            action=f"Hold the next round in {state.place}" if state.place else "Hold the next round",
            owner="both",
            due=due,
            timing=state.timing,
            preliminary=state.preliminary,
            open=open,
            outcome=None if open else "done" if held else "dropped",
            closed_by=() if open else closing.said_by,
            claimed_by=_holders(claiming),
            confirmed_by=_confirming(claiming),
            agreed_in=lookup.filed_on(statements),
            overdue=_overdue(due, open=open, on=on),
            backing=backing(lookup.effects, *announced),
            closing=closing,
        ),
    )


def proposals_of(reading: Reading[Irritant], round_of: RoundOf | None = None) -> tuple[ProposalDocument, ...]:
    """The proposals on an irritant, in the order of the world."""
    lookup = _lookup(reading, round_of)
    return tuple(_proposal(lookup, proposal) for proposal in reading.state.proposals.values())


def _proposal(lookup: _Lookup, proposal: Proposal) -> ProposalDocument:
    closings = by_parties(proposal.closings)
    return ProposalDocument(
        irritant=lookup.member,
        event=proposal.root,
        kind=cast(Literal["offer", "request", "demand"], proposal.kind),
        terms=proposal.terms,
        addressee=proposal.addressee,
        open=proposal.open,
        closed_as=cast(ClosedAs, closings[-1].value) if closings else None,
        closed_by=_holders(closings),
        tabled_by=_holders(by_parties(proposal.statements)),
        tabled_in=lookup.filed_on(live(proposal.statements)),
        answers=tuple(lookup.answers.get(proposal.root, ())),
        backing=lookup.backing(proposal.statements),
    )


def _holders(statements: Iterable[SideStatement] | Iterable[ClaimStatement]) -> tuple[str, ...]:
    return tuple(sorted({t.holder for t in statements}))


def _confirming(claiming: Sequence[SideStatement] | Sequence[ClaimStatement]) -> tuple[str, ...]:
    """Who says the same beside whoever said it first; of a text of both each half confirms the other."""
    first = {t.holder for t in claiming if t.event == claiming[0].event}
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
