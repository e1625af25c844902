"""Complete the refusal of an event with what would be accepted instead, and with the events on record that it is about.

A rule sees only the state before an event. The functions here have the history of its stream. So they can try the event
at other dates and with other asserters, and can name events as clients do: `irritant/ru-us/visas@3`.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from typing import Any, Final

from service.domain.actors import JOINT
from service.domain.assertion import Assertion, AssertionCorrected, EventModel, Recorded
from service.domain.catalogue import dump
from service.domain.corrections import EffectiveEvent, named_by
from service.domain.errors import (
    Cycle,
    IrritantClosed,
    ItemTaken,
    OutOfTurn,
    Refusal,
    UnknownItem,
    UnknownStep,
)
from service.domain.history import History
from service.domain.irritant.events import ItemAdded
from service.domain.mistakes import alternatives
from service.domain.nearby import listed

_MOST_STATES: Final = 200
_MOST_QUOTED: Final = 60
_FIELDS_OF_ITEM: Final = ("kind", "name", "place")

IsAccepted = Callable[[Any, Assertion], bool]
"""A function that says whether the rules accept an event with these fields in a state."""


def complete(
    refusal: Refusal, history: History[Any], effect: EffectiveEvent, state: Any, is_accepted: IsAccepted | None
) -> None:
    """Add names of events and remedies to the refusal of an event by a rule. `state`: the state before the event.

    Without `is_accepted`, do not look for other dates and asserters.
    """
    facts, data = refusal.facts, effect.data
    if isinstance(refusal, IrritantClosed):
        facts["said"] = _events_of_sides(history, refusal.said)
    elif isinstance(refusal, OutOfTurn):
        facts["event"] = by_version(history, str(facts["event"]))
    elif isinstance(refusal, ItemTaken):
        facts["event"] = _event_of_item(history, str(facts["item"]))
        added = next(
            (e.data for e in history.order if isinstance(e.data, ItemAdded) and e.data.item == facts["item"]), None
        )
        facts["known"] = differences(added, data, _FIELDS_OF_ITEM) if added else ""
    others: list[str] = []
    if isinstance(refusal, UnknownStep | UnknownItem):
        others = _other_names(refusal, history, data)
    # With another date or asserter, a repetition would be accepted, but it would still repeat the other event.
    if isinstance(data, Assertion) and is_accepted is not None and "repeats" not in facts:
        others += _other_dates(history, data, is_accepted)
        others += _other_asserters(history, data, state, is_accepted)
    refusal.add_remedies(*others)


def _other_names(refusal: UnknownStep | UnknownItem, history: History[Any], data: EventModel) -> list[str]:
    """Return the remedy to give another step or item. If the item was added later, say so instead."""
    field = "step" if isinstance(refusal, UnknownStep) else "item"
    known = history.state.steps if isinstance(refusal, UnknownStep) else history.state.items
    name = str(refusal.facts[field])
    if name not in known:
        return [f"give one of these in `{field}`"] if known else []
    added = _event_of_item(history, name)
    wrong = f"The item “{name}” is not on record {refusal.facts['then']}: {added} adds it"
    if isinstance(data, Assertion) and data.occurred is None and data.after is None:
        wrong = f"This event has no date, so it comes before {added}, which adds the item “{name}”"
    refusal.facts.update(wrong=wrong, known="", ways=())
    return []


def _other_dates(history: History[Any], data: Assertion, is_accepted: IsAccepted) -> list[str]:
    """Return the remedy to give another date, if the event would be accepted at one."""
    if len(history.order) > _MOST_STATES:
        when = "another date" if is_accepted(history.state, data) or is_accepted(history.initial, data) else ""
    else:
        states = accumulate(history.order, history.evolve, initial=history.initial)
        when = _dates_of([is_accepted(state, data) for state in states], history.order)
    condition = "" if data.occurred is None else "if the date is wrong, "
    return [f"{condition}give {when} in `occurred`"] if when else []


def _dates_of(accepted: Sequence[bool], order: Sequence[EffectiveEvent]) -> str:
    """Return in words at which dates an event would be accepted, such as "a date before 2025-04-12". Empty if at none.

    `accepted`: whether it would be accepted before each event of `order`, and after the last.
    """
    if not any(accepted):
        return ""
    first, last = accepted.index(True), len(accepted) - 1 - accepted[::-1].index(True)
    if not all(accepted[first : last + 1]):
        return "another date"
    from_day = order[first - 1].earliest if first else None
    before_day = order[last].earliest if last < len(order) else None
    if from_day and before_day:
        return f"a date from {from_day} on and before {before_day}" if from_day < before_day else ""
    if before_day:
        return f"a date before {before_day}"
    return f"{from_day} or a later date" if from_day else "another date"


def _other_asserters(history: History[Any], data: Assertion, state: Any, is_accepted: IsAccepted) -> list[str]:
    """Return the remedy to name another asserter, if the event would be accepted from a side or from both."""
    by = data.asserted_by
    others = [party for party in (*getattr(history.initial, "parties", ()), JOINT) if party != by.party]
    said = {party: data.model_copy(update={"asserted_by": by.model_copy(update={"party": party})}) for party in others}
    fit = [party for party, other in said.items() if is_accepted(state, other)]
    return [f"if {alternatives(fit)} said it, correct `asserted_by` and `source.origin`"] if fit else []


def _events_of_sides(history: History[Any], said: Sequence[tuple[str, str]]) -> str:
    """Return pairs of a side and an event in words: "irritant/ru-us/news@2 (RU) and @3 (US)"."""
    sides: dict[str, list[str]] = {}
    for party, event in said:
        sides.setdefault(by_version(history, event), []).append(party)
    first, *others = (f"{event} ({' and '.join(who)})" for event, who in sides.items())
    return " and ".join([first, *(other.removeprefix(history.stream) for other in others)])


def _event_of_item(history: History[Any], item: str) -> str:
    """Return the event that adds an item, by version."""
    added = (e.id for e in history.order if isinstance(e.data, ItemAdded) and e.data.item == item)
    return by_version(history, next(added, ""))


def by_version(history: History[Any], event: str) -> str:
    """Return the name of an event by its stream and version. Empty if the stream does not have it."""
    recorded = history.recorded(event)
    return f"{recorded.stream}@{recorded.version}" if recorded else ""


def differences(known: EventModel, new: EventModel, fields: Collection[str] | None = None) -> str:
    """Return what an event on record has in the fields that a new one has otherwise: ": `title` is “Visas” there".

    `fields`: the fields to compare, by default all.
    """
    there, here = dump(known), dump(new)
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    names = [name for name in names if fields is None or name in fields]
    told = [f"`{name}` is {_quoted(there[name])}" if name in there else f"`{name}` is not given" for name in names]
    return f": {listed(told)} there" if told else ""


def _quoted(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"“{text if len(text) <= _MOST_QUOTED else f'{text[:_MOST_QUOTED]}…'}”"


def cycle(history: History[Any], target: Recorded, correction: AssertionCorrected, naming: Sequence[str]) -> Cycle:
    """Return the refusal of a correction that names an event which already comes after the corrected one.

    `naming`: the fields that name events.
    """
    for field in naming:
        named = history.recorded(str(correction.changes.get(field)))
        if named is None or target.id not in _all_named_by(history, named.id):
            continue
        is_set = getattr(target.data, field) is not None
        is_removable = is_set and not type(target.data).model_fields[field].is_required()
        others = "`null` to remove it" if is_removable else "leave the correction out"
        later, earlier = by_version(history, named.id), by_version(history, target.id)
        remedy = f"If the correction is wrong, give another event in `changes.{field}`, or {others}."
        named_in = next((f for f in naming if getattr(named.data, f, None) == target.id), None)
        if named_in is not None:
            remedy += f" If it is right, keep it, and give another event in `{named_in}` of {later}."
        why = f": it puts {earlier} after {later}, which itself comes after {earlier}"
        return Cycle(f"/changes/{field}", why=why, remedy=remedy)
    return Cycle("/changes", why=", each after the other", remedy="Correct the event so that it names no later one.")


def _all_named_by(history: History[Any], id: str) -> set[str]:
    """Return the ids of an event, of those that it names, and of those that they name."""
    seen: set[str] = set()
    left = [id]
    while left:
        one = left.pop()
        if one not in seen and (placed := history.effect(one)) is not None:
            left += named_by(placed)
        seen.add(one)
    return seen
