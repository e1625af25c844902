"""Four registers of a relation: excluded subjects, countable items, regressions, and the age of each irritant's news.

`GET /v1/relations/{relation}/registers` returns this document, and the page of a relation shows parts of it.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final

from service.domain import edtf
from service.domain.corrections import BEGINNING, END, EffectiveEvent
from service.domain.history import StreamAtPoint
from service.domain.irritant import undertakings
from service.domain.irritant.events import ItemAdded
from service.domain.irritant.state import COUNTED, Fall, Irritant
from service.domain.ladder import RUNGS, Rung
from service.domain.relation.events import ScopeExcluded
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.projections.assertions import claims_of
from service.projections.document import Document, last_position
from service.projections.evidence import Backing, Cited, backing, cite, effects_by_id
from service.projections.words.speakers import names_in

NAME: Final = "registers"
REPRESENTATION: Final = 5


class Excluded(Document):
    """A subject that is outside the talks, according to a side or another voice. Each subject is listed once."""

    subject: str
    summaries: tuple[str, ...]
    backing: Backing


class Item(Document):
    """One countable item of an irritant, such as a property: its latest status by a side, and who lists it."""

    irritant: str
    item: str
    kind: str
    name: str
    place: str
    status: str
    said: tuple[Cited, ...]
    listed: Backing


class Regression(Document):
    """A regression: the rung of `party` fell by its own reversal. `by` is the actor that went back, according to it."""

    irritant: str
    event: str
    type: str
    party: str
    by: str
    before: Rung
    to: Rung
    reason: str
    occurred: str | None
    backing: Backing


class Staleness(Document):
    """How old the latest assertion on an irritant is. The numbers of days are null if the request gave no day.

    `event` is the assertion with the latest first day. `occurred` is the date of the latest assertion as EDTF: that of
    `event`, or a range of days if another assertion can be later. `earliest` is its first day, and
    `days_since_occurred` counts from that day. `recorded_at` is the time at which an assertion was last recorded.
    """

    irritant: str
    title: str
    lifecycle: str
    event: str | None
    occurred: str | None
    earliest: date | None
    days_since_occurred: int | None
    recorded_at: datetime | None
    days_since_recorded: int | None


class RegistersDocument(Document):
    """The registers of a relation. Entries are sorted by irritant, then by date."""

    relation: str
    on: date | None
    scope: tuple[Excluded, ...]
    items: tuple[Item, ...]
    regressions: tuple[Regression, ...]
    staleness: tuple[Staleness, ...]
    names: dict[str, str]
    position: int


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
    on: date | None = None,
) -> RegistersDocument:
    """Return the registers of a relation. `on` is the day up to which days are counted. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    return RegistersDocument(
        relation=relation.stream.partition("/")[2],
        on=on,
        scope=tuple(scope(relation)),
        items=tuple(item for reading in ordered for item in items(reading)),
        regressions=tuple(fall for reading in ordered for fall in regressions(reading)),
        staleness=tuple(staleness(reading, on) for reading in ordered),
        names=names_in(relation, *irritants),
        position=last_position(relation, *irritants, *rounds),
    )


def scope(relation: StreamAtPoint[Relation]) -> Iterator[Excluded]:
    """Yield each subject that is said to be outside the talks."""
    effects = effects_by_id(relation.effects)
    claims = relation.state.claims_of_type(ScopeExcluded)
    for subject in dict.fromkeys(claim.data.subject for claim in claims):
        named = [claim for claim in claims if claim.data.subject == subject]
        summaries = tuple(dict.fromkeys(claim.data.summary for claim in named))
        yield Excluded(subject=subject, summaries=summaries, backing=backing(effects, *named))


def items(reading: StreamAtPoint[Irritant]) -> Iterator[Item]:
    """Yield the countable items of an irritant."""
    effects, claims = effects_by_id(reading.effects), claims_of(reading).values()
    for item in reading.state.items.values():
        listing = (c for c in claims if isinstance(c.data, ItemAdded) and c.data.item == item.item)
        said = dict.fromkeys(statement.event for statement in reading.state.only_live(item.statuses))
        yield Item(
            irritant=reading.stream.partition("/")[2],
            item=item.item,
            kind=item.kind,
            name=item.name,
            place=item.place,
            status=undertakings.item_status(reading.state, item),
            said=tuple(cite(effects[event]) for event in said),
            listed=backing(effects, *listing),
        )


def regressions(reading: StreamAtPoint[Irritant]) -> Iterator[Regression]:
    """Yield the regressions of an irritant, one for each side whose own reversal lowered its rung."""
    effects, claims = effects_by_id(reading.effects), claims_of(reading)
    for fall in reading.state.falls:
        if fall.does in COUNTED:
            yield Regression(
                irritant=reading.stream.partition("/")[2],
                event=fall.event,
                type=fall.data.type,
                party=fall.holder,
                by=fall.by,
                before=RUNGS[fall.before],
                to=RUNGS[fall.to],
                reason=_reason(fall),
                occurred=fall.data.occurred,
                backing=backing(effects, claims[fall.root]),
            )


def _reason(fall: Fall) -> str:
    """Return the reason for a fall. A statement on an instrument has none, so return its summary."""
    return str(getattr(fall.data, "reason", None) or fall.data.summary)


def staleness(reading: StreamAtPoint[Irritant], on: date | None = None) -> Staleness:
    """Return how old the latest assertion on an irritant is."""
    assertions = [effect for effect in reading.effects if effect.assertion]
    last = max(assertions, key=lambda e: (e.earliest or BEGINNING, e.latest or END, e.position), default=None)
    # The last day that any assertion can have.
    reach = max((e.latest or END for e in assertions), default=None)
    last_recorded = max((effect.recorded_at for effect in assertions), default=None)
    return Staleness(
        irritant=reading.stream.partition("/")[2],
        title=reading.state.title,
        lifecycle=reading.state.lifecycle,
        event=last.id if last else None,
        occurred=_date_of_latest(last, reach) if last and reach else None,
        earliest=last.earliest if last else None,
        days_since_occurred=_days(last.earliest if last else None, on),
        recorded_at=last_recorded,
        days_since_recorded=_days(last_recorded.date() if last_recorded else None, on),
    )


def _date_of_latest(last: EffectiveEvent, reach: date) -> str | None:
    """Return the date of an assertion as EDTF, or a range of days if another one can be as late as `reach`."""
    if last.assertion is not None and (last.latest is None or reach <= last.latest):
        return last.assertion.occurred
    return edtf.between(last.earliest, reach)


def _days(since: date | None, on: date | None) -> int | None:
    return None if since is None or on is None else (on - since).days
