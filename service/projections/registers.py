"""The registers of a relation: what lies outside the talks, what can be counted, what went back, what grows old."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final

from service.domain.corrections import BEGINNING
from service.domain.history import Reading
from service.domain.irritant import undertakings
from service.domain.irritant.events import ItemAdded
from service.domain.irritant.state import COUNTED, Fall, Irritant
from service.domain.ladder import RUNGS, Rung
from service.domain.relation.events import ScopeExcluded
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.projections.assertions import claims_of
from service.projections.document import Document, last_position
from service.projections.evidence import Backing, Cited, backing, cite, placed

NAME: Final = "registers"
REPRESENTATION: Final = 2


class Excluded(Document):
    """A subject that somebody says lies outside the talks; counted once, whoever says so and however often."""

    subject: str
    summaries: tuple[str, ...]
    backing: Backing


class Item(Document):
    """One countable thing: what it is, where it stands by the last word of a party, and who lists it."""

    irritant: str
    item: str
    kind: str
    name: str
    place: str
    status: str
    said: tuple[Cited, ...]
    listed: Backing


class Regression(Document):
    """A fall of a side by its own word: from which rung to which. `by`: whom it says did it, else itself."""

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
    """How old the latest word on an irritant is. `days` are null where no day was handed in.

    `occurred`: the latest that anything is said to have happened; where its day is unknown, `earliest` is the first
    that it can be and `days_since_occurred` the most days that can have passed. `recorded_at`: when something was last
    learned, by whichever voice.
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
    """The registers of a relation, each in the order of the world or, of irritants, by id."""

    relation: str
    on: date | None
    scope: tuple[Excluded, ...]
    items: tuple[Item, ...]
    regressions: tuple[Regression, ...]
    staleness: tuple[Staleness, ...]
    position: int


def view(
    *,
    irritants: Sequence[Reading[Irritant]],
    rounds: Sequence[Reading[Round]],
    relation: Reading[Relation],
    on: date | None = None,
) -> RegistersDocument:
    """The registers at these readings; `on` is the day from which days are counted. Total."""
    ordered = sorted(irritants, key=lambda reading: reading.stream)
    return RegistersDocument(
        relation=relation.stream.partition("/")[2],
        on=on,
        scope=tuple(scope(relation)),
        items=tuple(item for reading in ordered for item in items(reading)),
        regressions=tuple(fall for reading in ordered for fall in regressions(reading)),
        staleness=tuple(staleness(reading, on) for reading in ordered),
        position=last_position(relation, *irritants, *rounds),
    )


def scope(relation: Reading[Relation]) -> Iterator[Excluded]:
    """What is said to lie outside the talks, by subject."""
    effects = placed(relation.effects)
    claims = relation.state.of(ScopeExcluded)
    for subject in dict.fromkeys(claim.data.subject for claim in claims):
        named = [claim for claim in claims if claim.data.subject == subject]
        summaries = tuple(dict.fromkeys(claim.data.summary for claim in named))
        yield Excluded(subject=subject, summaries=summaries, backing=backing(effects, *named))


def items(reading: Reading[Irritant]) -> Iterator[Item]:
    """The countable things of one irritant."""
    effects, claims = placed(reading.effects), claims_of(reading).values()
    for item in reading.state.items.values():
        listing = (c for c in claims if isinstance(c.data, ItemAdded) and c.data.item == item.item)
        said = dict.fromkeys(statement.event for statement in reading.state.live(item.statuses))
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


def regressions(reading: Reading[Irritant]) -> Iterator[Regression]:
    """What of one irritant went back down: a fall of each side that its own word lowered."""
    effects, claims = placed(reading.effects), claims_of(reading)
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
    return str(getattr(fall.data, "reason", None) or fall.data.summary)


def staleness(reading: Reading[Irritant], on: date | None = None) -> Staleness:
    """How old the latest word on one irritant is."""
    told = [effect for effect in reading.effects if effect.assertion]
    last = max(told, key=lambda e: (e.earliest or BEGINNING, e.position), default=None)
    learned = max((effect.recorded_at for effect in told), default=None)
    return Staleness(
        irritant=reading.stream.partition("/")[2],
        title=reading.state.title,
        lifecycle=reading.state.lifecycle,
        event=last.id if last else None,
        occurred=last.assertion.occurred if last and last.assertion else None,
        earliest=last.earliest if last else None,
        days_since_occurred=_days(last.earliest if last else None, on),
        recorded_at=learned,
        days_since_recorded=_days(learned.date() if learned else None, on),
    )


def _days(since: date | None, on: date | None) -> int | None:
    return None if since is None or on is None else (on - since).days
