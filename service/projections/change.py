"""One change of one irritant: before, after and the reason. `GET /v1/changes` and previews of reports list changes.

A corrected date of an event is a change, even if no status depends on it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import Recorded
from service.domain.corrections import Amendments
from service.domain.history import Reason, StreamAtPoint
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import Hold, Irritant, Lifecycle, Trend
from service.domain.ladder import Rung
from service.projections import irritant
from service.projections.document import Document
from service.projections.headline import of_dispute
from service.projections.irritant import DisputeDocument, IrritantDocument, Items, fields_of
from service.projections.words.bidi import isolated
from service.projections.words.event_types import event_name
from service.projections.words.names import at_the_beginning, joined, name_of
from service.projections.words.statuses import status_in_words

NAME: Final = "change"
REPRESENTATION: Final = 5


class StandingDocument(Document):
    """The headline, the statuses and the disputes of an irritant: the fields that a change compares."""

    title: str
    headline: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung
    basis: Basis
    origins: int
    lifecycle: Lifecycle
    hold: Hold
    trend: Trend
    regressions: int
    reversible: Literal["true", "false", "unknown"]
    awaiting: str
    items: Items
    disputes: tuple[DisputeDocument, ...]
    rungs: dict[str, Rung]


DateField = Literal["occurred", "due", "valid_until", "in_force_from"]


class Redated(Document):
    """A date of an event that was corrected, or whose correction was retracted. Dates are EDTF, null for no date."""

    event: str
    type: str
    field: DateField
    before: str | None
    after: str | None


class ChangeDocument(Document):
    """One change of an irritant. `before` is null if the irritant was new. `events` are the ids of the causes.

    `sentence` says what changed. `redated` are the dates that were corrected. `report` is the id of the report.

    `reason` is one of four. `world`: something happened that is not known to be older than the rest. `new_evidence`:
    something older was filed, or a further document or voice says the same. `correction`: the record was corrected.
    `retraction`: an event was retracted.
    """

    position: int
    irritant: str
    reason: Reason
    before: StandingDocument | None
    after: StandingDocument
    events: tuple[str, ...]
    sentence: str
    redated: tuple[Redated, ...]
    report: str


_SHARED: Final = StandingDocument.model_fields.keys() - {"rungs"}


def standing(reading: StreamAtPoint[Irritant]) -> StandingDocument:
    """Return the fields that a change compares, of the irritant at a reading."""
    return standing_of(reading.cached(irritant.view))


def standing_of(document: IrritantDocument) -> StandingDocument:
    """Return the fields of an irritant's document that a change compares."""
    return _standing(vars(document))


def standing_in(state: Irritant, names: ActorNames = NO_NAMES) -> StandingDocument:
    """Return the same fields from a state, without making the whole document."""
    return _standing(fields_of(state, names))


def _standing(fields: Mapping[str, Any]) -> StandingDocument:
    shared = {name: fields[name] for name in _SHARED}
    return StandingDocument(rungs={party: side.rung for party, side in fields["parties"].items()}, **shared)


_DATES: Final[Mapping[DateField, str]] = {
    "occurred": "date",
    "due": "due date",
    "valid_until": "last day of validity",
    "in_force_from": "day of entry into force",
}


def redated(events: Iterable[Recorded], was: Amendments, now: Amendments) -> tuple[Redated, ...]:
    """Return the dates of these events that read differently before and after corrections. Skip retracted events."""
    found = []
    for event in events:
        if event.id in was.retracted or event.id in now.retracted:
            continue
        old, new = vars(was.content_of(event)), vars(now.content_of(event))
        found += [
            Redated(event=event.id, type=event.type, field=field, before=old.get(field), after=new.get(field))
            for field in _DATES
            if old.get(field) != new.get(field)
        ]
    return tuple(found)


_STATUSES: Final = {"status": "claimed", "confirmed_status": "confirmed", "reported_status": "reported"}
_LESS_IMPORTANT: Final = 2
_BASES: Final[Mapping[Basis, str]] = {
    "none": "no one",
    "media_only": "media only",
    "third_party": "a third party",
    "contested": "one side, against a denial",
    "both_sides": "both sides",
    "one_side": "one side",
    "attributed": "words that are only attributed to a side",
}
_REVERSIBLE: Final = {"true": "can be reversed", "false": "cannot be reversed"}


def sentence(
    before: StandingDocument | None,
    after: StandingDocument | None,
    dates: Iterable[Redated] = (),
    names: ActorNames = NO_NAMES,
) -> str:
    """Return one sentence on what differs. `dates` are the corrected dates. Total.

    It names every changed status and date. Only if there is none, it names other fields, two at most.
    """
    if after is None:
        return "It was not on record."
    if before is None:
        return _opened(after)
    clauses = [*_of_status(before, after), *map(_of_date, dates)]
    clauses = clauses or [*_of_details(before, after, names)][:_LESS_IMPORTANT] or [*_of_rest(before, after, names)]
    return f"{at_the_beginning('; '.join(clauses))}."


def _opened(after: StandingDocument) -> str:
    claimed, confirmed, reported = (status_in_words(getattr(after, field)) for field in _STATUSES)
    if claimed == confirmed == reported == status_in_words("unstated"):
        return "It was opened; no status is claimed yet."
    return f"It was opened: claimed {claimed}, confirmed {confirmed}, reported {reported}."


def _of_status(before: StandingDocument, after: StandingDocument) -> Iterator[str]:
    moved: dict[tuple[str, str], list[str]] = {}
    for field, word in _STATUSES.items():
        old, new = (status_in_words(getattr(standing, field)) for standing in (before, after))
        if old != new:
            moved.setdefault((old, new), []).append(f"the {word}")
    for (old, new), words in moved.items():
        yield f"{joined(words)} status went from {old} to {new}"
    if before.lifecycle != after.lifecycle:
        old, new = (standing.lifecycle.replace("_", " ") for standing in (before, after))
        yield f"the irritant was {old} and is now {new}"


def _of_date(date: Redated) -> str:
    """Return the clause on a corrected date, such as `the due date of “Next step agreed” was corrected from … to …`."""
    old, new = (edtf.describe(text) if text else "no date" for text in (date.before, date.after))
    return f"the {_DATES[date.field]} of “{event_name(date.type)}” was corrected from {old} to {new}"


def _of_details(before: StandingDocument, after: StandingDocument, names: ActorNames) -> Iterator[str]:
    for party, rung in after.rungs.items():
        old = before.rungs.get(party, "unstated")
        if old != rung:
            yield f"{name_of(party, names)} went from {status_in_words(old)} to {status_in_words(rung)}"
    if before.hold != after.hold:
        # A retraction ends a hold too, and so does a resolution, so the hold need not have been lifted.
        yield f"it is no longer {before.hold}" if after.hold == "none" else f"it is now {after.hold}"
    if before.items != after.items:
        old_items, items = before.items, after.items
        yield f"{items.settled} of {items.total} items are settled, before {old_items.settled} of {old_items.total}"
    if before.basis != after.basis:
        yield f"the claimed status was supported by {_BASES[before.basis]} and is now by {_BASES[after.basis]}"
    if before.origins != after.origins:
        yield f"the number of independent statements went from {before.origins} to {after.origins}"
    if before.awaiting != after.awaiting:
        was, now = (name_of(standing.awaiting, names) for standing in (before, after))
        yield f"the next act was awaited of {was} and is now awaited of {now}"
    if before.title != after.title:
        yield f"the title went from “{isolated(before.title)}” to “{isolated(after.title)}”"


def _of_rest(before: StandingDocument, after: StandingDocument, names: ActorNames) -> Iterator[str]:
    """Yield clauses for what is left: on disputes, else one on setbacks or the wording of the headline."""
    if before.disputes != after.disputes:
        yield from _of_disputes(before.disputes, after.disputes, names)
    elif before.regressions != after.regressions:
        yield f"the number of regressions went from {before.regressions} to {after.regressions}"
    elif before.reversible != after.reversible:
        yield f"it {_REVERSIBLE.get(after.reversible, 'is no longer known to be reversible or not')}"
    elif before != after:
        yield "a detail of the headline changed"
    else:
        yield "no field changed"


def _of_disputes(
    before: Sequence[DisputeDocument], after: Sequence[DisputeDocument], names: ActorNames
) -> Iterator[str]:
    """Yield two of the disputes that are new or read differently, and how many more there are and have ended."""
    told = [of_dispute(dispute, names) for dispute in after if dispute not in before]
    yield from told[:_LESS_IMPORTANT]
    if more := len(told[_LESS_IMPORTANT:]):
        yield f"{more} more {'dispute is' if more == 1 else 'disputes are'} new or changed"
    open_now = {(dispute.kind, dispute.alleged_by, dispute.event) for dispute in after}
    if ended := sum((dispute.kind, dispute.alleged_by, dispute.event) not in open_now for dispute in before):
        yield f"{ended} {'dispute is' if ended == 1 else 'disputes are'} no longer open"
