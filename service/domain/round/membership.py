"""Find the round that an event belongs to. Board, sheet, ledger, dossier and comparisons use this.

The rounds that met are ordered by their days.

* An event of a report that names a round belongs to that round, even if it is dated later.
* If such an event is dated wholly before the round began, it comes before the round, and may belong to an earlier one.
* If it is dated on or after a later round, and not on the days of its own, it belongs to the later round.
* An event of any other report belongs to the round on whose days it is dated. Otherwise it comes before, between or
  after the rounds. Without a date, it comes before all of them.

The round of a report is the one that it names, or that a later `ReportAttributed` event gives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce
from typing import Any, Final, Literal

from service.domain.assertion import when
from service.domain.corrections import EffectiveEvent, named_by
from service.domain.history import StreamAtPoint
from service.domain.relation.state import Relation
from service.domain.round.events import RoundConcluded, RoundConvened
from service.domain.round.state import MET, Round
from service.domain.streams import history_of

MemberBy = Literal["date", "inferred_date", "report", "later"]
"""Why an event belongs to a round.

`date`, `inferred_date`: it is dated on the days of the round, and the date is stated or inferred. `report`: a report on
the round has it, whatever its date. `later`: a report on an earlier round has it, and it is dated after this one began.
"""
_OPEN_BEGINNING: Final = date.min
_OPEN_END: Final = date.max


@dataclass(frozen=True, slots=True)
class Meeting:
    """A round that met.

    `first`, `last`: the first and the last day that the round can have had, None if unknown. Open dates have `date.min`
    or `date.max`. `begun`: the day by which it had certainly begun. `met_at`: the position of the first event that says
    that it met. `is_late`: it came on record after a round that surely took place later. The next round is then surely
    later, too, because its beginning ends what is counted to this one.
    """

    id: str
    first: date | None
    begun: date | None
    last: date | None
    met_at: int
    is_late: bool = False


class Membership:
    """The rounds of one relation in order, and the reports on each of them.

    An event has a slot: `2 * i + 1` is during round `i` (from 0), `2 * i` is before round `i` and after round `i - 1`.
    """

    def __init__(
        self, rounds: Iterable[StreamAtPoint[Round]] = (), round_of_report: Mapping[str, str] | None = None
    ) -> None:
        """`round_of_report`: the round of each report, by the id of the report. Reports on no round are not there."""
        self._round_of_report = round_of_report or {}
        self.meetings = _in_order(rounds)
        self._index = {meeting.id: i for i, meeting in enumerate(self.meetings)}
        # Many events have the same round and dates, so slots are cached by these.
        self._slots: dict[tuple[int | None, date | None, date | None], int] = {}

    def __contains__(self, round: str) -> bool:
        """Whether this round met."""
        return round in self._index

    def round_of(self, effect: EffectiveEvent) -> str | None:
        """Return the id of the round that an event belongs to, None for an event before, between or after rounds.

        Only its own report and dates count. `slots` also keeps it after the events that it names. A report on a round
        that has not met belongs to it as a whole.
        """
        round = self._round_of_report.get(effect.report)
        if round is not None and round not in self._index:
            return round
        slot = self._slot(effect)
        is_during_a_round = slot % 2 == 1
        return self.meetings[slot // 2].id if is_during_a_round else None

    def why(self, effect: EffectiveEvent) -> MemberBy | None:
        """Return why an event belongs to the round that `round_of` returns, None if it belongs to none."""
        round = self.round_of(effect)
        if round is None:
            return None
        meeting = self.meetings[self._index[round]] if round in self._index else None
        first, last = (meeting.first, meeting.last) if meeting else (None, None)
        if first and last and effect.earliest and effect.latest and first <= effect.earliest and effect.latest <= last:
            return "inferred_date" if effect.assertion and effect.assertion.occurred_basis == "inferred" else "date"
        return "report" if self._round_of_report.get(effect.report) == round else "later"

    def before(self, round: str, reading: StreamAtPoint[Any]) -> StreamAtPoint[Any]:
        """Return a stream with only the events before a round that met, and the state after them."""
        return self._up_to(2 * self._index[round], reading)

    def after(self, round: str, reading: StreamAtPoint[Any]) -> StreamAtPoint[Any]:
        """Return a stream with only the events that come before a round that met or belong to it.

        If the round is late (see `Meeting`), the result has all events before the next round.
        """
        return self._up_to(self.last_slot(round), reading)

    def last_slot(self, round: str) -> int:
        """Return the last slot that `after` includes: of the round, or after the round if it is late."""
        index = self._index[round]
        during = 2 * index + 1
        return during + 1 if self.meetings[index].is_late else during

    def covered_until(self, round: str) -> date | None:
        """Return the day before the next round if this round is late, None if it is not or if that day is unknown."""
        index = self._index[round]
        if not self.meetings[index].is_late:
            return None
        following = self.meetings[index + 1].first
        return None if following is None or following == _OPEN_BEGINNING else following - timedelta(1)

    def slots(self, effects: Sequence[EffectiveEvent]) -> list[int]:
        """Return the slot of each event. An event never comes before one that it names or supports."""
        slots = [self._slot(effect) for effect in effects]
        if slots == sorted(slots):
            return slots
        by_event: dict[str, int] = {}
        for index, effect in enumerate(effects):
            named = (by_event[id] for id in (effect.root, *named_by(effect)) if id in by_event)
            slots[index] = by_event[effect.id] = max((slots[index], *named))
        return slots

    def _up_to(self, last: int, reading: StreamAtPoint[Any]) -> StreamAtPoint[Any]:
        """Return a stream with only the events up to the slot `last`, and the state after them."""
        effects = [e for e, slot in zip(reading.effects, self.slots(reading.effects), strict=True) if slot <= last]
        if len(effects) == len(reading.effects):
            return reading
        fold = history_of(reading.stream)
        return replace(reading, effects=effects, state=reduce(fold.evolve, effects, fold.initial))

    def _slot(self, effect: EffectiveEvent) -> int:
        index = self._index.get(self._round_of_report.get(effect.report, ""))
        key = (index, effect.earliest, effect.latest)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._find_slot(*key)
        return slot

    def _find_slot(self, index: int | None, earliest: date | None, latest: date | None) -> int:
        """Return the slot of an event with these dates. `index`: the round of its report, None without a round."""
        if index is None:
            return self._slot_by_date(earliest, latest)
        own = self.meetings[index]
        if latest is not None and own.first is not None and latest < own.first:
            return min(self._slot_by_date(earliest, latest), 2 * index)
        if earliest is not None and (own.last is None or earliest > own.last):
            begun_by_then = (
                i for i, m in enumerate(self.meetings) if i > index and m.begun is not None and m.begun <= earliest
            )
            return 2 * max(begun_by_then, default=index) + 1
        return 2 * index + 1

    def _slot_by_date(self, earliest: date | None, latest: date | None) -> int:
        """Return the slot of an event by its dates alone."""
        if earliest is None:
            return 0
        for i, m in enumerate(self.meetings):
            if m.first and m.last and latest and m.first <= earliest and latest <= m.last:
                return 2 * i + 1
        return 2 * next(
            (i for i, m in enumerate(self.meetings) if m.begun is None or earliest < m.begun), len(self.meetings)
        )


def membership(
    rounds: Iterable[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
    named_when_filed: Mapping[str, str] | None = None,
) -> Membership:
    """Return the membership in the rounds of a relation.

    `named_when_filed`: the round that each report named when it was filed, by the id of the report.
    """
    return Membership(rounds, {**(named_when_filed or {}), **relation.state.attributed})


def _in_order(rounds: Iterable[StreamAtPoint[Round]]) -> tuple[Meeting, ...]:
    """Return the rounds that met, by their last day. Rounds without a known last day come last."""
    meetings = (_meeting(reading) for reading in rounds if reading.state.phase in MET)
    ordered = sorted(meetings, key=lambda m: (m.last or _OPEN_END, m.first or _OPEN_END, m.id))
    return tuple(replace(m, is_late=_is_late(m, ordered[i + 1 :])) for i, m in enumerate(ordered))


def _is_late(meeting: Meeting, later: Sequence[Meeting]) -> bool:
    """Return whether a round is late (see `Meeting`). `later`: the rounds after it in order."""
    is_next_surely_later = all(_is_after(following, meeting) for following in later[:1])
    return is_next_surely_later and any(_is_after(m, meeting) and m.met_at < meeting.met_at for m in later)


def _is_after(one: Meeting, other: Meeting) -> bool:
    """Return whether a round surely began after another had ended."""
    return one.begun is not None and one.first is not None and other.last is not None and other.last < one.first


def _meeting(reading: StreamAtPoint[Round]) -> Meeting:
    written = reading.state.date
    span = when(written)
    first_day = (written or "").partition("/")[0]
    begun = when(first_day).latest if first_day not in ("", "..") else None
    met = (e.position for e in reading.effects if isinstance(e.data, RoundConvened | RoundConcluded))
    return Meeting(
        id=reading.stream.partition("/")[2],
        first=span.earliest,
        begun=begun,
        last=span.latest,
        met_at=min(met, default=0),
    )
