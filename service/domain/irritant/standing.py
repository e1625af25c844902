"""Compute from the state of an irritant what its status rests on, who says it, and how long it is valid.

The status is the claimed rung: the higher rung of the two sides. A position is an assertion that moves a rung. Its
`rung` is the rung that the assertion names. Its level is the rung at which it counts now: a later reversal lowers the
level, but not the `rung`. `state.py` defines these words. All functions here accept any state and never raise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, takewhile
from operator import attrgetter
from typing import Any, Final, Literal

from service.domain.actors import other
from service.domain.assertion import when
from service.domain.irritant.state import (
    TAKES_FROM,
    ActorPosition,
    ActorPositions,
    ActorStatement,
    Denial,
    Fall,
    Irritant,
    LastStatement,
    cached_for_state,
    merged_by_place,
)
from service.domain.ladder import UNDERSTANDING, UNSTATED

Basis = Literal["none", "media_only", "third_party", "contested", "both_sides", "one_side", "attributed"]


@cached_for_state
def basis(state: Irritant) -> Basis:
    """Return what the claimed rung rests on: the first basis that applies (see "basis" in `docs/glossary.md`)."""
    if state.reported == UNSTATED:
        return "none"
    if state.status == UNSTATED:
        voices = {state.voice_of(s.holder) for s, _ in reported_positions(state, UNSTATED + 1)}
        return "third_party" if "third_party" in voices else "media_only"
    if contesting_denials(state):
        return "contested"
    in_own_words = [p for p in sides_at_status(state) if _own_words(state, p, supporting_positions(state, p))]
    return "attributed" if not in_own_words else "one_side" if len(in_own_words) == 1 else "both_sides"


def contesting_denials(state: Irritant) -> list[Denial]:
    """Return the denials by a side of assertions (perhaps joint ones) by which the other side has the claimed rung.

    The claimed rung is contested if there are any.
    """
    denials = [d for d in state.denials if d.denier in state.parties and not state.is_ended(d)]
    if not denials:
        return []
    # Pairs of the side that can contest and the event that it would deny. A reversal is left out: a side that denies it
    # says that the other did not go back, which contests no claim to be on this rung.
    contestable = {
        (other(state.parties, party), target)
        for party in state.parties
        for s in state.positions_of(party).at(state.status)
        if s.rung == state.status and s.does != "reverse"
        for target in (s.event, s.root)
    }
    return [d for d in denials if (d.denier, d.target) in contestable]


def sides_at_status(state: Irritant) -> tuple[str, ...]:
    """Return the sides that have the claimed rung. Return none if it is `unstated`."""
    status = state.status
    return tuple([p for p, rung in zip(state.parties, state.rungs, strict=True) if rung == status > UNSTATED])


def reported_positions(state: Irritant, rung: int) -> Iterator[tuple[ActorPosition, int]]:
    """Yield the reported positions of all actors whose level is `rung` or above, actor by actor, each with its level.

    Sides, third parties and media report. See `reported_positions_of` for the order and the exceptions.
    """
    return chain.from_iterable(
        takewhile(lambda pair: pair[1] >= rung, reported_positions_of(state, actor)) for actor in state.positions
    )


def reported_positions_of(state: Irritant, actor: str) -> Iterator[tuple[ActorPosition, int]]:
    """Yield the positions of one actor with their levels, the highest level first.

    A position that the actor has denied has no level, so it is left out. So are positions that both sides deny.
    """
    denied = _denied_by_both(state)
    own = state.positions_of(actor).with_levels()
    return ((s, level) for s, level in own if not (s.event in denied or s.root in denied)) if denied else own


def reported_rung(state: Irritant, actor: str) -> int:
    """Return the highest level of the reported positions of an actor."""
    if not _denied_by_both(state):
        return state.positions_of(actor).rung
    return next((level for _, level in reported_positions_of(state, actor)), UNSTATED)


@cached_for_state
def _denied_by_both(state: Irritant) -> frozenset[str]:
    return state.denied_by_both()


def reported_by(state: Irritant) -> tuple[str, ...]:
    """Return the actors that report the reported status: sides first, then third parties, then media."""
    if state.reported == UNSTATED:
        return ()
    found = {actor for actor in state.positions if reported_rung(state, actor) == state.reported}
    found.update(p for p, rung in zip(state.parties, state.rungs, strict=True) if rung == state.reported)
    order = {"side": 0, "third_party": 1, "media": 2}
    return tuple(sorted(found, key=lambda actor: (order[state.voice_of(actor)], actor)))


@cached_for_state
def basis_positions(state: Irritant) -> list[ActorPosition]:
    """Return the positions that the claimed rung rests on. If no side has a rung, return those at the reported rung."""
    if state.status == UNSTATED:
        return merged_by_place(s for s, _ in reported_positions(state, max(state.reported, UNSTATED + 1)))
    return [s for p in sides_at_status(state) for s in supporting_positions(state, p)]


def origins(state: Irritant) -> int:
    """Return how many distinct origins the claimed rung has, or the reported rung as in `basis_positions`."""
    return len({s.origin for s in basis_positions(state)})


def is_joint(state: Irritant) -> bool:
    """Return whether a joint text supports the claimed rung. Such a text needs no second origin."""
    return any(s.joint for s in basis_positions(state))


@dataclass(frozen=True)
class Position:
    """The rung of one side, and what it rests on.

    `since`, `event`: when the side rose or fell to it, and by which event. `says`: the type of its latest event at this
    rung, of those in its own words if there are any. `wording`: the words quoted there. `attributed`: no supporting
    position is in its own words. `went_back`: the fall that put it there, if it fell. `latest`: its last assertion of
    any kind.
    """

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
    """Return the rung of a side and what it rests on."""
    rung, own = state.rung_of(party), supporting_positions(state, party)
    last_fall = next((f for f in reversed(state.falls) if f.holder == party), None)
    cause = _cause_of_rung(own, last_fall, rung)
    # What is only attributed to the side is not said by it, unless nothing else puts it at this rung.
    in_own_words = _own_words(state, party, own)
    speaking = in_own_words or own
    wordings = [s.wording for s in speaking if s.wording and s.rung == rung]
    return Position(
        rung=rung,
        since=cause.data.occurred if cause else None,
        event=cause.event if cause else None,
        says=speaking[-1].data.type if speaking else None,
        wording=wordings[-1] if wordings else None,
        attributed=bool(own) and not in_own_words,
        valid_until=_end_dates(state)[party],
        went_back=last_fall if last_fall is not None and cause is not None and cause.event == last_fall.event else None,
        latest=state.last_statements.get(party),
    )


def supporting_positions(state: Irritant, party: str) -> Sequence[ActorPosition]:
    """Return the positions that support the rung of a side, in order of occurrence. Return none for `unstated`.

    These are the positions that name this rung. If there are none, they are the positions at this level that name a
    higher rung and were lowered by a reversal.
    """
    return _supporting_positions(state)[party]


@cached_for_state
def _supporting_positions(state: Irritant) -> dict[str, Sequence[ActorPosition]]:
    rungs = dict(zip(state.parties, state.rungs, strict=True))
    at_level = {p: merged_by_place(state.positions_of(p).at(rung)) if rung else [] for p, rung in rungs.items()}
    return {party: [s for s in own if s.rung == rungs[party]] or own for party, own in at_level.items()}


def _own_words(state: Irritant, party: str, positions: Sequence[ActorPosition]) -> list[ActorPosition]:
    """Return those of these positions that the side has in its own words and has not taken back in its own words.

    A side that ended an instrument, and is only said to have put it in force again, is only said to be there.
    """
    spoken = [s for s in positions if s.spoken]
    turns = state.positions_of(party).turns
    if not turns:
        return spoken
    stated = [t for t in turns if t.spoken and (t.does in TAKES_FROM or t.does == "restore") and state.is_live(t)]
    return [s for s in spoken if not _is_taken_back(state, s, stated)]


def _is_taken_back(state: Irritant, said: ActorPosition, stated: Sequence[ActorPosition]) -> bool:
    """Return whether one of these statements on instruments takes a position away, and no later one gives it back."""
    taken: set[str] = set()
    for statement in stated:
        if statement.place < said.place:
            continue
        instrument = state.instrument(statement.instrument or "")
        if statement.does == "restore":
            taken.discard(instrument)
        elif state.takes_away(statement, said):
            taken.add(instrument)
    return bool(taken)


def _cause_of_rung(own: Sequence[ActorPosition], last_fall: Fall | None, rung: int) -> ActorPosition | Fall | None:
    """Return what put a side on its rung: its last fall, if that was to this rung, else its first position since.

    `own`: its supporting positions. All can be older than the fall, for example if the fall was a suspension that has
    ended. Then return the first of them.
    """
    if last_fall is not None and last_fall.to == rung:
        return last_fall
    since_fall = [s for s in own if last_fall is None or s.place >= last_fall.place]
    return next(iter(since_fall or own), None)


@cached_for_state
def _end_dates(state: Irritant) -> dict[str, str | None]:
    return {party: _end_date(state.positions_of(party)) for party in state.parties}


def _end_date(positions: ActorPositions) -> str | None:
    """Return the end date of what a side says is agreed, as EDTF, None without one.

    If the side names an instrument, only its statements on instruments count, else those on understandings. The last of
    them, in order of occurrence, that has an end date gives it.
    """
    levels = range(UNDERSTANDING, positions.rung + 1)
    agreed = [s for level in levels for s in positions.at(level) if s.data.type in _WITH_END_DATE]
    highest = max((s.rung for s in agreed), default=UNSTATED)
    last = max((s for s in agreed if s.rung == highest and s.data.valid_until), key=_place, default=None)
    return last.data.valid_until if last is not None else None


_WITH_END_DATE: Final = frozenset({"InstrumentExchanged", "UnderstandingReported", "InstrumentStated"})
"""The types with the field `valid_until`: two on instruments (`formalised`), and one on an understanding."""
_place: Final = attrgetter("place")


def instrument_with(state: Irritant, party: str) -> tuple[str, ...]:
    """Return the actors with which a side says that it has the instrument. Empty: with the other side.

    These are the actors in the last account of an instrument that supports its rung. If another of these accounts names
    no actor, that one is with the other side, so the result is empty.
    """
    named = [s.data.with_ for s in supporting_positions(state, party) if s.data.type == "InstrumentExchanged"]
    return tuple(named[-1]) if named and all(named) else ()


def valid_until(state: Irritant) -> str | None:
    """Return the earlier of the end dates of the two sides (`_end_date`), as EDTF, None without one."""
    end_dates = [end_date for end_date in _end_dates(state).values() if end_date]
    return min(end_dates, key=_last_day, default=None)


def _last_day(end_date: str) -> date:
    return when(end_date).latest or date.max


@dataclass(frozen=True)
class Count:
    """How much is done: `extent`, such as 37 of 47 prefectures. `by`: the sides whose latest count it is.

    `spoken`: they give it in their own words. If one does so and the other does not, `by` has the first alone.
    """

    extent: Any
    by: tuple[str, ...]
    spoken: bool


def count(state: Irritant) -> Count | None:
    """Return the latest count of the sides at the claimed rung, None without one."""
    if state.status == UNSTATED:
        return None
    counts = {p: [s for s in state.positions_of(p).at(state.status) if _extent(s) is not None] for p in state.parties}
    latest = {party: max(said, key=_place) for party, said in counts.items() if said}
    if not latest:
        return None
    extent = _extent(max(latest.values(), key=_place))
    same = {party: counts[party] for party, last in latest.items() if _extent(last) == extent}
    own = tuple(p for p, said in same.items() if any(_extent(s) == extent for s in _own_words(state, p, said)))
    return Count(extent, own or tuple(same), bool(own))


def _extent(position: ActorPosition) -> Any:
    # `ResolutionDeclared` has a field of the same name with another meaning: full or partial.
    return position.data.extent if position.data.type == "ImplementationReported" else None


def silent(state: Irritant, party: str) -> bool:
    """Return whether no live assertion by a side is on record, not even "no comment"."""
    return party not in state.last_statements


def stance(state: Irritant, party: str) -> ActorStatement | None:
    """Return the last statement of a side about its attitude, such as a red line, None without one."""
    return next((t for t in reversed(state.stances) if t.holder == party and state.is_live(t)), None)


def reversible(state: Irritant) -> Literal["true", "false", "unknown"]:
    """Return whether the progress can be reversed, by the last statement of a side, else of another voice."""
    live = [t for t in reversed(state.reversibility) if state.is_live(t)]
    last = next((t for t in live if state.is_side(t.holder)), live[0] if live else None)
    if last is None:
        return "unknown"
    return "true" if last.data.reversible else "false"
