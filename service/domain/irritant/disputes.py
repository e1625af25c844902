"""What one side says of the other and the other has not confirmed, in one list.

A dispute moves nobody. It is listed until the side that it is about confirms it, or the side that alleges it takes it
back. What third parties and media allege is no dispute: it needs confirmation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.domain.actors import BOTH, other
from service.domain.assertion import OWN_WORDS
from service.domain.irritant import undertakings
from service.domain.irritant.events import HoldLifted
from service.domain.irritant.state import Irritant, SidePosition, SideStatement, kept
from service.domain.irritant.undertakings import Agreement, differ

Kind = Literal["reversal", "breach", "claim", "terms", "outcome", "answer", "hold", "item"]


@dataclass(frozen=True)
class Dispute:
    """`alleged_by` says something of `about`, in `event`; `denied`: whether `about` denies it.

    `attributed`, `denial_attributed`: the allegation, or the denial, is not in its own words.
    """

    kind: Kind
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool
    attributed: bool
    denial_attributed: bool


@kept
def disputes(state: Irritant) -> list[Dispute]:
    """Every open dispute, by kind and in the order of the world."""
    return [
        *_reversals(state),
        *_breaches(state),
        *_claims(state),
        *_steps(state),
        *_answers(state),
        *_holds(state),
        *_items(state),
    ]


def _dispute(state: Irritant, kind: Kind, said: SidePosition | SideStatement) -> Dispute:
    about = other(state.parties, said.holder)
    denials = [d.data for d in state.denials if d.denier == about and d.target in (said.event, said.root)]
    denied = bool(denials)
    attributed = said.data.asserted_by.channel not in OWN_WORDS
    denial_attributed = denied and not any(d.asserted_by.channel in OWN_WORDS for d in denials)
    return Dispute(kind, about, said.holder, said.event, said.data.occurred, denied, attributed, denial_attributed)


def _reversals(state: Irritant) -> Iterator[Dispute]:
    for said in state.of("reverse"):
        about = other(state.parties, said.holder)
        alleges = not said.joint and said.data.by in (about, BOTH) and state.says(said)
        if alleges and not _went_back(state, about, said):
            yield _dispute(state, "reversal", said)


def _went_back(state: Irritant, about: str, said: SidePosition) -> bool:
    """Whether that side says itself that it went back so far: before and without rising since, or later.

    It confirms nothing by a word that blames the other side, nor while it denies what is alleged.
    """
    before = [f for f in state.falls if f.holder == about and f.place < said.place and f.to <= said.rung]
    if before and not _rose(state, about, before[-1].place, said):
        return True
    if state.denies(about, said.event, said.root):
        return False
    fell = any(f.holder == about and f.place > said.place and f.to <= said.rung and f.by == about for f in state.falls)
    return fell or any(
        s.holder == about and s.place > said.place and s.rung <= said.rung and state.says(s) and s.data.by == about
        for s in state.of("reverse")
    )


def _rose(state: Irritant, party: str, after: int, said: SidePosition) -> bool:
    """Whether the side stood above the rung by a word between that place and this one."""
    return any(
        s.holder == party
        and after < s.place < said.place
        and s.rung > said.rung
        and s.does in ("advance", "restore")
        and state.says(s)
        for s in state.side_positions
    )


def _breaches(state: Irritant) -> Iterator[Dispute]:
    said = state.by_sides(state.breaches)
    for statement in said:
        about = other(state.parties, statement.holder)
        confirmed = any(t.holder == about and t.root == statement.root for t in said)
        if statement.data.by in (about, BOTH) and not confirmed:
            yield _dispute(state, "breach", statement)


def _claims(state: Irritant) -> Iterator[Dispute]:
    """What one side says of the ladder and the other denies, while both do.

    Listed also where something else has raised the status since: the denial is not taken back by that.
    """
    denied = {
        (other(state.parties, d.denier), d.target)
        for d in state.denials
        if d.denier in state.parties and d.rung and not d.ended
    }
    if not denied:
        return
    seen: set[tuple[str, str]] = set()
    for said, level in state.with_levels:
        key = (said.root, said.holder)
        if level != said.rung or not level or said.does == "reverse" or key in seen:
            continue
        if (said.holder, said.event) in denied or (said.holder, said.root) in denied:
            seen.add(key)
            yield _dispute(state, "claim", said)


def _steps(state: Irritant) -> Iterator[Dispute]:
    for agreement in undertakings.agreements(state):
        yield from _terms(state, agreement)
        said = sorted(agreement.outcomes.values(), key=lambda t: t.place)
        if len(said) == 2 and said[0].data.outcome != said[1].data.outcome:
            yield _dispute(state, "outcome", said[1])


def _terms(state: Irritant, agreement: Agreement) -> Iterator[Dispute]:
    held = sorted(agreement.held.values(), key=lambda one: one[1].place)
    if agreement.confirmed:
        yield from (_dispute(state, "terms", t) for terms, t in held if differ(terms, agreement.terms))
    elif len(held) == 2 and differ(held[0][0], held[1][0]):
        yield _dispute(state, "terms", held[1][1])


def _answers(state: Irritant) -> Iterator[Dispute]:
    """That the other side answered, as its proposer says: unless it gave that answer itself."""
    for offer in undertakings.offers(state):
        answers = state.by_sides(offer.proposal.answers)
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
    """A hold of the other side, until that places its own or the statement reports it lifted."""
    alleged: dict[str, SideStatement] = {}
    own: set[str] = set()
    for statement in state.by_sides(state.holds):
        about = other(state.parties, statement.holder)
        if isinstance(statement.data, HoldLifted):
            # It lifts the statement's own hold, where there is one; else what the statement says of the other side.
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
    """An item that one side calls settled, and of which the other has said otherwise since."""
    for item in state.items.values():
        last = sorted({t.holder: t for t in state.live(item.statuses)}.values(), key=lambda t: t.place)
        if len(last) == 2 and last[0].data.status == "settled" != last[1].data.status:
            yield _dispute(state, "item", last[1])
