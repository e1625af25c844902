"""What an irritant's state amounts to: on what its status rests, who says so, how long it is valid.

Derived from the state alone and total; the definitions are those of the domain's "The ladder".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from service.domain.assertion import when
from service.domain.irritant.state import Fall, Irritant, LastStatement, SidePosition, SideStatement, kept
from service.domain.ladder import FORMALISED, UNDERSTANDING, UNSTATED

Basis = Literal["none", "media_only", "third_party", "contested", "both_sides", "one_side", "attributed"]


@kept
def basis(state: Irritant) -> Basis:
    """On what the claimed rung rests; the first that holds."""
    if state.reported == UNSTATED:
        return "none"
    if state.status == UNSTATED:
        voices = {state.voice_of(s.holder) for s, _ in reports(state, UNSTATED + 1)}
        return "third_party" if "third_party" in voices else "media_only"
    if contested(state):
        return "contested"
    spoken = [p for p in stands(state) if any(s.spoken for s in holding(state, p))]
    return "attributed" if not spoken else "one_side" if len(spoken) == 1 else "both_sides"


def contested(state: Irritant) -> bool:
    """Whether a side denies what the other, or both in a joint text, say at the claimed rung."""
    denied = {d.target: d.denier for d in state.denials if d.denier in state.parties and not d.ended}
    if not denied:
        return False
    return any(
        level == stand.rung == state.status and stand.does != "reverse" and denied.get(target) == _other(state, stand)
        for stand, level in state.with_levels
        if stand.holder in state.parties
        for target in (stand.event, stand.root)
        if target in denied
    )


def _other(state: Irritant, stand: SidePosition) -> str:
    return next(party for party in state.parties if party != stand.holder)


def stands(state: Irritant) -> tuple[str, ...]:
    """The sides at the claimed rung; none where it is unstated."""
    return tuple(p for p in state.parties if state.rung_of(p) == state.status > UNSTATED)


def reports(state: Irritant, rung: int) -> Iterable[tuple[SidePosition, int]]:
    """The words of any voice at this rung or above that are reported: neither taken back nor denied by both sides."""
    denied = state.denied_by_both() if len(state.denials) > 1 else frozenset[str]()
    return (
        (s, level) for s, level in state.with_levels if level >= rung and not (s.event in denied or s.root in denied)
    )


def reported_by(state: Irritant) -> tuple[str, ...]:
    """The actors at the reported rung: sides first, then third parties, then media."""
    if state.reported == UNSTATED:
        return ()
    found = {s.holder for s, level in reports(state, state.reported)}
    found |= {p for p in state.parties if state.rung_of(p) == state.reported}
    order = {"side": 0, "third_party": 1, "media": 2}
    return tuple(sorted(found, key=lambda actor: (order[state.voice_of(actor)], actor)))


@kept
def supports(state: Irritant) -> list[SidePosition]:
    """The words that the claimed rung rests on; where no side is on record, those at the reported rung."""
    if state.status == UNSTATED:
        return [s for s, level in reports(state, max(state.reported, UNSTATED + 1)) if level == state.reported]
    return [s for p in stands(state) for s in holding(state, p)]


def origins(state: Irritant) -> int:
    """How many distinct utterances the claimed rung rests on."""
    return len({s.origin for s in supports(state)})


def is_joint(state: Irritant) -> bool:
    """Whether a text of both sides is behind the claimed rung: it needs no second origin."""
    return any(s.joint for s in supports(state))


@dataclass(frozen=True)
class Position:
    """One side: what put it on its rung, in whose words, until when, and its last word."""

    rung: int
    since: str | None
    event: str | None
    says: str | None
    wording: str | None
    attributed: bool
    valid_until: str | None
    went_back: Fall | None
    latest: LastStatement | None


def position(state: Irritant, party: str) -> Position:
    """Where a side is, and by which words."""
    rung, own = state.rung_of(party), holding(state, party)
    fall = next((f for f in reversed(state.falls) if f.holder == party), None)
    put = _put_there(own, fall, rung)
    wordings = [s.wording for s in own if s.wording and s.rung == rung]
    return Position(
        rung=rung,
        since=put.data.occurred if put else None,
        event=put.event if put else None,
        says=own[-1].data.type if own else None,
        wording=wordings[-1] if wordings else None,
        attributed=bool(own) and not any(s.spoken for s in own),
        valid_until=end_of(state, party),
        went_back=fall if fall is not None and put is not None and put.event == fall.event else None,
        latest=state.last_statements.get(party),
    )


def holding(state: Irritant, party: str) -> list[SidePosition]:
    """The words that hold a side at its rung: after a reversal, that and what it said since.

    A word that is capped by a later reversal is of a higher rung; it holds the side there only where nothing else does.
    """
    return _holding(state)[party]


@kept
def _holding(state: Irritant) -> dict[str, list[SidePosition]]:
    rungs = dict(zip(state.parties, state.rungs, strict=True))
    there: dict[str, list[SidePosition]] = {party: [] for party in rungs}
    for said, level in state.with_levels:
        if level and rungs.get(said.holder) == level:
            there[said.holder].append(said)
    exact = {party: [s for s in said if s.rung == rungs[party]] for party, said in there.items()}
    return {party: exact[party] or there[party] for party in rungs}


def _put_there(own: list[SidePosition], fall: Fall | None, rung: int) -> SidePosition | Fall | None:
    """What put a side on its rung: its last fall, or the first word at this rung since that."""
    since = fall.place if fall else 0
    if fall is not None and fall.to == rung:
        return fall
    later = [s for s in own if s.place >= since]
    return next(iter(later or own), None)


def end_of(state: Irritant, party: str) -> str | None:
    """The last stated end of the highest instrument or understanding that a side stands on."""
    valid = [
        s for s, level in state.with_levels if s.holder == party and level >= UNDERSTANDING and s.data.type in _VALID
    ]
    if not valid:
        return None
    highest = max(min(s.rung, FORMALISED) for s in valid)
    ends = [s.data.valid_until for s in valid if s.rung == highest and s.data.valid_until]
    return ends[-1] if ends else None


_VALID = frozenset({"InstrumentExchanged", "UnderstandingReported", "InstrumentStated"})


def instrument_with(state: Irritant, party: str) -> tuple[str, ...]:
    """With whom the instrument is that a side says is there; none where that is not said to be another actor."""
    named = [s.data.with_ for s in holding(state, party) if s.data.type == "InstrumentExchanged"]
    return tuple(named[-1]) if named and all(named) else ()


def valid_until(state: Irritant) -> str | None:
    """The earlier of the two sides' ends."""
    ends = [end for p in state.parties if (end := end_of(state, p))]
    return min(ends, key=_last_day, default=None)


def _last_day(end: str) -> date:
    return when(end).latest or date.max


def extent(state: Irritant) -> Any:
    """The latest count of acts by the sides at the claimed rung; None where none gives one."""
    counts = [
        s.data.extent
        for s, level in state.with_levels
        if level == state.status and s.holder in state.parties and s.data.type == "ImplementationReported"
    ]
    return next((count for count in reversed(counts) if count is not None), None)


def silent(state: Irritant, party: str) -> bool:
    """Whether nothing at all by this side is on record: no claim, no denial, not even "no comment"."""
    return party not in state.last_statements


def stance(state: Irritant, party: str) -> SideStatement | None:
    """How a side says that it stands towards the irritant, by its last word on that."""
    said = [t for t in state.live(state.stances) if t.holder == party]
    return said[-1] if said else None


def reversible(state: Irritant) -> Literal["true", "false", "unknown"]:
    """The last word on it; a side's before any other's."""
    said = state.by_sides(state.reversibility) or state.live(state.reversibility)
    if not said:
        return "unknown"
    return "true" if said[-1].data.reversible else "false"
