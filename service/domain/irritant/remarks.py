"""List what an actor says that its rung does not show: holds, reversals, red lines, denials and rejections.

The headline must name each of these while it is in effect. All functions accept any state and never raise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.domain.assertion import OWN_WORDS
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import ActorPosition, ActorStatement, Denial, Fall, Irritant, cached_for_state
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
    """A hold, reversal, red line, denial or the like that is in effect.

    `spoken`: the actor said it in its own words. `target`, `of`: the denied event, and its type. `about`: who asserted
    the denied event, or tabled the rejected proposal. `about_spoken`: they did so in their own words. `rung`: the rung
    of the denied event, or the rung that the actor went back to. `wording`: the actor's own words.
    """

    kind: Kind
    event: str
    occurred: str | None
    spoken: bool
    target: str | None = None
    of: str | None = None
    about: tuple[str, ...] = ()
    about_spoken: bool = True
    rung: int = UNSTATED
    wording: str | None = None
    summary: str = ""


def of_side(state: Irritant, party: str) -> list[Remark]:
    """Return the remarks of a side, beginning with those that moved its rung."""
    return [
        *(_went_back(state, party) if state.falls else ()),
        *(_instruments(state, party) if state.positions_of(party).turns else ()),
        *(_holds(state, party) if state.holds else ()),
        *(_red_line(state, party) if state.stances else ()),
        *(_denials(state, party) if state.denials else ()),
        *(_rejections(state, party) if state.proposals else ()),
    ]


def of_third_party(state: Irritant, actor: str) -> list[Remark]:
    """Return the latest denial and the latest concern of a third party, unless it denied them itself."""
    denials = list(_denials(state, actor))
    said = reversed(state.positions_of(actor).in_order)
    concern = next((s for s in said if s.data.type == "ConcernRaised" and state.is_live(s)), None)
    return [*denials[-1:], *([_remark("raises_concern", concern)] if concern else [])]


def _went_back(state: Irritant, party: str) -> Iterator[Remark]:
    """Yield the side's last reversal, reopening or withdrawal, until the side rises again."""
    fall = next((f for f in reversed(state.falls) if f.holder == party), None)
    if fall is None or state.rung_of(party) > fall.to:
        return
    if fall.does in ("reverse", "reopen"):
        yield _remark("went_back", fall, rung=fall.to)
    elif fall.does == "withdraw":
        yield _remark("withdrew", fall)


def _remark(
    kind: Kind,
    said: Fall | ActorPosition | ActorStatement | Denial,
    *,
    rung: int = UNSTATED,
    about: tuple[str, ...] = (),
    about_spoken: bool = True,
) -> Remark:
    data = said.data
    spoken = data.asserted_by.channel in OWN_WORDS
    target, of = (said.target, said.target_data) if isinstance(said, Denial) else (None, None)
    type = of.type if of is not None else None
    return Remark(
        kind=kind,
        event=said.event,
        occurred=data.occurred,
        spoken=spoken,
        target=target,
        of=type,
        about=about,
        about_spoken=about_spoken,
        rung=rung,
        wording=data.wording,
        summary=data.summary,
    )


def _instruments(state: Irritant, party: str) -> Iterator[Remark]:
    """Yield the suspensions, terminations and expiries of instruments that the side stated and has not taken back."""
    last: dict[str, ActorPosition] = {}
    for s in state.positions_of(party).turns:
        if s.does in ("suspend", "end", "expire", "restore") and state.is_live(s):
            last[state.instrument(s.instrument or "")] = s
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
        yield _remark("suspended_talks" if placed.kind == "suspended" else "stalled", placed.statement)


def _red_line(state: Irritant, party: str) -> Iterator[Remark]:
    stance = standing.stance(state, party)
    if stance is not None and stance.data.stance == "red_line":
        yield _remark("red_line", stance)


def _denials(state: Irritant, actor: str) -> Iterator[Remark]:
    """Yield the denials by an actor, until it rises to the denied rung.

    A denial of its own words is `takes_back`. A denial of words that are only attributed to it is not: it never said
    them.
    """
    for denial in _by_denier(state).get(actor, ()):
        if state.is_ended(denial):
            continue
        by = denial.target_data.asserted_by if denial.target_data is not None else None
        about = state.holders(by.party) if by is not None else ()
        others = tuple(a for a in about if a != actor)
        spoken = by is not None and by.channel in (*OWN_WORDS, "outlet")
        kind: Kind = "takes_back" if about == (actor,) and spoken else "denies"
        yield _remark(kind, denial, rung=denial.rung, about=others, about_spoken=spoken)


@cached_for_state
def _by_denier(state: Irritant) -> dict[str, list[Denial]]:
    found: dict[str, list[Denial]] = {}
    for denial in state.denials:
        found.setdefault(denial.denier, []).append(denial)
    return found


def _rejections(state: Irritant, party: str) -> Iterator[Remark]:
    """Yield the side's rejections, until it reaches an understanding or the proposal is no longer put forward."""
    for offer in undertakings.offers(state):
        answer = offer.answered.get(party)
        if answer is not None and answer.data.answer == "rejected" and offer.tabled_by:
            tabled = state.only_live(offer.proposal.statements)
            spoken = any(t.holder in offer.tabled_by and t.data.asserted_by.channel in OWN_WORDS for t in tabled)
            yield _remark("rejects", answer, rung=PROPOSED, about=offer.tabled_by, about_spoken=spoken)
