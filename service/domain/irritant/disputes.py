"""List the disputes of an irritant: what one side says about the other and the other has not confirmed.

A dispute moves no rung. It is listed until the side that it is about confirms it, or the side that alleges it takes it
back (see "dispute" in `docs/glossary.md`). Allegations by third parties and media are not disputes. They are listed as
needing confirmation.
"""

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.actors import BOTH, other
from service.domain.assertion import OWN_WORDS
from service.domain.irritant import undertakings
from service.domain.irritant.events import HoldLifted
from service.domain.irritant.state import (
    ActorPosition,
    ActorStatement,
    Denial,
    Irritant,
    cached_for_state,
    merged_by_place,
)
from service.domain.irritant.undertakings import Agreement, differ
from service.domain.ladder import RUNGS

Kind = Literal["reversal", "breach", "claim", "terms", "outcome", "answer", "hold", "item"]


@dataclass(frozen=True)
class Dispute:
    """An allegation by the side `alleged_by` about the side `about`, in `event`.

    `denied`: `about` denies it. `attributed`, `denial_attributed`: the allegation, or the denial, is not in the side's
    own words.
    """

    kind: Kind
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool
    attributed: bool
    denial_attributed: bool


@cached_for_state
def disputes(state: Irritant) -> list[Dispute]:
    """Return all open disputes, by kind, and within a kind in order of occurrence."""
    return [
        *_reversals(state),
        *(_breaches(state) if state.breaches else ()),
        *(_claims(state) if state.denials else ()),
        *(_steps(state) if state.steps else ()),
        *(_answers(state) if state.proposals else ()),
        *(_holds(state) if state.holds else ()),
        *(_items(state) if state.items else ()),
    ]


def _dispute(state: Irritant, kind: Kind, allegation: ActorPosition | ActorStatement) -> Dispute:
    """Return the dispute about what a side alleges of the other side."""
    about = other(state.parties, allegation.holder)
    denials = [d.data for event in {allegation.event, allegation.root} for d in _denials(state).get((about, event), ())]
    denied = bool(denials)
    attributed = allegation.data.asserted_by.channel not in OWN_WORDS
    denial_attributed = denied and not any(d.asserted_by.channel in OWN_WORDS for d in denials)
    return Dispute(
        kind=kind,
        about=about,
        alleged_by=allegation.holder,
        event=allegation.event,
        occurred=allegation.data.occurred,
        denied=denied,
        attributed=attributed,
        denial_attributed=denial_attributed,
    )


@cached_for_state
def _denials(state: Irritant) -> dict[tuple[str, str], list[Denial]]:
    """Return the denials by denier and target."""
    found: dict[tuple[str, str], list[Denial]] = {}
    for denial in state.denials:
        found.setdefault((denial.denier, denial.target), []).append(denial)
    return found


def _reversals(state: Irritant) -> Iterator[Dispute]:
    """Yield the reversals that one side blames on the other, unless the other has itself gone back that far."""
    by_side: dict[str, _RisesAndFalls] = {}
    for allegation in state.turns_of_sides("reverse"):
        about = other(state.parties, allegation.holder)
        if allegation.joint or allegation.data.by not in (about, BOTH) or not state.is_live(allegation):
            continue
        if about not in by_side:
            by_side[about] = _RisesAndFalls(state, about)
        if not by_side[about].confirms(allegation):
            yield _dispute(state, "reversal", allegation)


class _RisesAndFalls:
    """When one side rose and fell by its own assertions.

    `_rose`, `_fell`: for each rung the places at which it rose or fell to it. `_by_itself`: for each rung the place of
    its last fall that it does not blame on the other side, 0 without one.
    """

    def __init__(self, state: Irritant, party: str) -> None:
        self._state, self._party = state, party
        self._rose: list[list[int]] = [[] for _ in RUNGS]
        self._fell: list[list[int]] = [[] for _ in RUNGS]
        self._by_itself = [0] * len(RUNGS)
        positions = state.positions_of(party)
        for s in state.only_live(positions.in_order):
            if s.does in ("advance", "restore"):
                self._rose[s.rung].append(s.place)
        for fall in state.falls:
            if fall.holder == party:
                self._fell[fall.to].append(fall.place)
        reversals = (s for s in positions.turns if s.does == "reverse" and s.data.by == party and state.is_live(s))
        own = [(s.rung, s.place) for s in reversals]
        own += [(fall.to, fall.place) for fall in state.falls if fall.holder == fall.by == party]
        for rung, place in own:
            self._by_itself[rung] = max(self._by_itself[rung], place)

    def confirms(self, allegation: ActorPosition) -> bool:
        """Return whether the side confirms an alleged reversal.

        It does so if it had itself gone back to that rung or lower and not risen since. It also does so if it goes back
        that far later, without blaming the other side and without denying the allegation.
        """
        fell = _last(self._fell[: allegation.rung + 1], allegation.place)
        rose = _last(self._rose[allegation.rung + 1 :], allegation.place)
        if fell > rose:
            return True
        if self._state.denies(self._party, allegation.event, allegation.root):
            return False
        return max(self._by_itself[: allegation.rung + 1]) > allegation.place


def _last(places: Iterable[Sequence[int]], before: int) -> int:
    """Return the last of these places before a place, 0 without one. Each list is sorted."""
    return max((row[n - 1] for row in places if (n := bisect_left(row, before))), default=0)


def _breaches(state: Irritant) -> Iterator[Dispute]:
    """Yield the alleged breaches that the other side does not confirm by evidence of its own."""
    statements = state.live_by_sides(state.breaches)
    said = {(t.holder, t.root) for t in statements}
    for statement in statements:
        about = other(state.parties, statement.holder)
        if statement.data.by in (about, BOTH) and (about, statement.root) not in said:
            yield _dispute(state, "breach", statement)


def _claims(state: Irritant) -> Iterator[Dispute]:
    """Yield the positions that still count for one side and that the other denies.

    They are listed even if other assertions have raised the status since, because these do not end the denial.
    """
    denied: dict[str, set[str]] = {}
    for denial in state.denials:
        if denial.denier in state.parties and denial.rung and not state.is_ended(denial):
            denied.setdefault(other(state.parties, denial.denier), set()).add(denial.target)
    seen: set[tuple[str, str]] = set()
    positions = (_on_its_rung(state, party, denied[party]) for party in state.parties if party in denied)
    for allegation in merged_by_place(*positions):
        if (allegation.root, allegation.holder) not in seen:
            seen.add((allegation.root, allegation.holder))
            yield _dispute(state, "claim", allegation)


def _on_its_rung(state: Irritant, party: str, events: Container[str]) -> Iterator[ActorPosition]:
    """Yield the positions of a side from these events that still count at the rung they name."""
    positions = state.positions_of(party).with_levels()
    of_these = ((s, level) for s, level in positions if s.root in events or s.event in events)
    return (s for s, level in of_these if level == s.rung and s.does != "reverse")


def _steps(state: Irritant) -> Iterator[Dispute]:
    """Yield the differences of the sides on the terms and the outcomes of next steps."""
    for agreement in undertakings.agreements(state):
        yield from _terms(state, agreement)
        if len(agreement.outcomes) == 2:
            first, last = sorted(agreement.outcomes.values(), key=lambda t: t.place)
            if first.data.outcome != last.data.outcome:
                yield _dispute(state, "outcome", last)


def _terms(state: Irritant, agreement: Agreement) -> Iterator[Dispute]:
    """Yield a dispute for each side whose terms differ from the confirmed terms, or else from the other side's."""
    held = sorted(agreement.held.values(), key=lambda own: own.statement.place)
    if agreement.confirmed:
        differing = (own for own in held if differ(own.terms, agreement.terms))
        yield from (_dispute(state, "terms", own.statement) for own in differing)
    elif len(held) == 2 and differ(held[0].terms, held[1].terms):
        yield _dispute(state, "terms", held[1].statement)


def _answers(state: Irritant) -> Iterator[Dispute]:
    """Yield what one side says about an answer of the other, unless the other gave that answer itself."""
    for offer in undertakings.offers(state):
        answers = state.live_by_sides(offer.proposal.answers)
        own = {t.holder: t for t in answers if t.holder in offer.addressees}
        for statement in answers:
            about = other(state.parties, statement.holder)
            if statement.holder in offer.addressees or about not in offer.addressees:
                continue
            given = own.get(about)
            replies = given is not None and given.data.answer == "countered" and given.place < statement.place
            if replies or (given is not None and given.data.answer == statement.data.answer):
                continue
            yield _dispute(state, "answer", statement)


def _holds(state: Irritant) -> Iterator[Dispute]:
    """Yield the holds that one side alleges of the other, until the other places a hold or the first reports it lifted.

    They end when the irritant is resolved or withdrawn.
    """
    alleged: dict[str, ActorStatement] = {}
    own: set[str] = set()
    for statement in state.live_by_sides(state.holds):
        about = other(state.parties, statement.holder)
        if isinstance(statement.data, HoldLifted):
            # The holder lifts its own hold if it has one, else the hold that it alleged of the other side.
            if statement.holder not in own or statement.data.asserted_by.party == "JOINT":
                alleged.pop(statement.holder, None)
            own.discard(statement.holder)
            continue
        if statement.data.by in (None, BOTH, statement.holder):
            own.add(statement.holder)
            alleged.pop(about, None)
        if statement.data.by in (BOTH, about) and statement.data.asserted_by.party != "JOINT" and about not in own:
            alleged[statement.holder] = statement
    if state.lifecycle not in undertakings.ENDED:
        yield from (_dispute(state, "hold", statement) for statement in alleged.values())


def _items(state: Irritant) -> Iterator[Dispute]:
    """Yield the items that one side calls settled and about which the other has since said otherwise."""
    for item in state.items.values():
        last = sorted({t.holder: t for t in state.only_live(item.statuses)}.values(), key=lambda t: t.place)
        if len(last) == 2 and last[0].data.status == "settled" != last[1].data.status:
            yield _dispute(state, "item", last[1])
