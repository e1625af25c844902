"""What an actor has said and not taken back that its rung does not tell: holds, reversals, red lines, denials.

Derived from the state alone and total. A reader must know of each while it is in effect, so the headline names each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.domain.assertion import OWN_WORDS
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import RAISES, Denial, Fall, Irritant, SidePosition, SideStatement
from service.domain.ladder import PROPOSED, UNSTATED

Kind = Literal[
    "stalled",
    "suspended_talks",
    "suspended_instrument",
    "terminated_instrument",
    "expired_instrument",
    "went_back",
    "withdrew",
    "red_line",
    "denies",
    "takes_back",
    "rejects",
    "raises_concern",
]


@dataclass(frozen=True)
class Remark:
    """One such thing. `target`, `of`: the event that is denied, and its type.

    `about`: who said what is denied, or tabled the proposal. `rung`: what the denied event speaks of, or what the actor
    went back to; `wording`: the actor's own words.
    """

    kind: Kind
    event: str
    occurred: str | None
    spoken: bool
    target: str | None = None
    of: str | None = None
    about: tuple[str, ...] = ()
    rung: int = UNSTATED
    wording: str | None = None
    summary: str = ""


def of_side(state: Irritant, party: str) -> list[Remark]:
    """What one side has in effect, what moved its rung first."""
    return [
        *_went_back(state, party),
        *_instruments(state, party),
        *_holds(state, party),
        *_red_line(state, party),
        *_denials(state, party),
        *_rejections(state, party),
    ]


def of_third_party(state: Irritant, actor: str) -> list[Remark]:
    """The latest denial of a third party and its latest concern, unless it has taken that back."""
    denials = list(_denials(state, actor))
    concerns = [
        _remark("raises_concern", s)
        for s in state.side_positions
        if s.holder == actor and s.data.type == "ConcernRaised" and state.says(s)
    ]
    return [*denials[-1:], *concerns[-1:]]


def _went_back(state: Irritant, party: str) -> Iterator[Remark]:
    """Its own last reversal, reopening or withdrawal, until it rises again."""
    fall = next((f for f in reversed(state.falls) if f.holder == party), None)
    if fall is None or state.rung_of(party) > fall.to or _rose_since(state, party, fall):
        return
    if fall.does in ("reverse", "reopen"):
        yield _remark("went_back", fall, rung=fall.to)
    elif fall.does == "withdraw":
        yield _remark("withdrew", fall)


def _remark(
    kind: Kind, said: Fall | SidePosition | SideStatement | Denial, *, rung: int = UNSTATED, about: tuple[str, ...] = ()
) -> Remark:
    data = said.data
    spoken = data.asserted_by.channel in OWN_WORDS
    target, of = (said.target, said.of) if isinstance(said, Denial) else (None, None)
    type = of.type if of is not None else None
    return Remark(kind, said.event, data.occurred, spoken, target, type, about, rung, data.wording, data.summary)


def _rose_since(state: Irritant, party: str, fall: Fall) -> bool:
    return any(
        s.place > fall.place and s.holder == party and s.rung > fall.to and s.does in RAISES and level > fall.to
        for s, level in state.with_levels
    )


def _instruments(state: Irritant, party: str) -> Iterator[Remark]:
    """A suspension, a termination or an expiry that it has stated of an instrument and not taken back."""
    last: dict[str, SidePosition] = {}
    for s in state.side_positions:
        if s.holder == party and s.does in ("suspend", "end", "expire", "restore") and state.says(s):
            last[state.instrument(s.text or "")] = s
    kinds: dict[str, Kind] = {
        "suspend": "suspended_instrument",
        "end": "terminated_instrument",
        "expire": "expired_instrument",
    }
    for s in last.values():
        if s.does in kinds:
            yield _remark(kinds[s.does], s)


def _holds(state: Irritant, party: str) -> Iterator[Remark]:
    if (placed := undertakings.holds(state).get(party)) is not None:
        yield _remark("suspended_talks" if placed[0] == "suspended" else "stalled", placed[1])


def _red_line(state: Irritant, party: str) -> Iterator[Remark]:
    stance = standing.stance(state, party)
    if stance is not None and stance.data.stance == "red_line":
        yield _remark("red_line", stance)


def _denials(state: Irritant, actor: str) -> Iterator[Remark]:
    """Its denials, until it stands there; a denial of its own words takes them back."""
    for denial in state.denials:
        if denial.denier != actor or (denial.rung > UNSTATED and denial.ended):
            continue
        about = state.holders(denial.of.asserted_by.party) if denial.of is not None else ()
        others = tuple(a for a in about if a != actor)
        yield _remark("takes_back" if about == (actor,) else "denies", denial, rung=denial.rung, about=others)


def _rejections(state: Irritant, party: str) -> Iterator[Remark]:
    """Proposals that it has rejected, until it comes to an understanding or the proposal is put forward no more."""
    for offer in undertakings.offers(state):
        answer = offer.answered.get(party)
        if answer is not None and answer.data.answer == "rejected" and offer.tabled_by:
            yield _remark("rejects", answer, rung=PROPOSED, about=offer.tabled_by)
