"""The documents that the client returns. A test compares them with the OpenAPI document.

They ignore fields that they do not know, because a later release of the service may add some.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

Rung: TypeAlias = Literal[
    "unstated", "raised", "proposed", "in_talks", "understanding", "formalised", "implementing", "resolved"
]
Basis: TypeAlias = Literal["none", "media_only", "third_party", "contested", "both_sides", "one_side", "attributed"]
Lifecycle: TypeAlias = Literal["open", "partly_resolved", "resolved", "withdrawn"]
Hold: TypeAlias = Literal["none", "stalled", "suspended"]
Trend: TypeAlias = Literal["advanced", "regressed", "held"]
Reversible: TypeAlias = Literal["true", "false", "unknown"]


class Document(BaseModel):
    """A document, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class LatestWord(Document):
    """The last assertion of an actor, by the date of what it reports."""

    type: str
    occurred: str | None
    event: str
    certain: bool


class InEffect(Document):
    """A statement in effect that is not a rung: a hold, a reversal, a red line, a denial or a rejection."""

    kind: Literal[
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
    event: str
    occurred: str | None
    attributed: bool
    target: str | None
    of: str | None
    about: tuple[str, ...]
    about_attributed: bool
    rung: Rung
    wording: str | None
    summary: str


class Side(Document):
    """One side of an irritant, with its rung and the event that put it there."""

    rung: Rung
    since: str | None
    event: str | None
    says: str | None
    wording: str | None
    attributed: bool
    valid_until: str | None
    instrument_with: tuple[str, ...]
    silent: bool
    latest: LatestWord | None
    stance: Literal["none", "priority", "open", "conditional", "red_line", "no_comment"]
    hold: Hold
    in_effect: tuple[InEffect, ...]


class ThirdParty(Document):
    """A third party that has spoken. `rung` is the highest rung that it still reports."""

    actor: str
    rung: Rung
    says: str | None
    attributed: bool
    latest: LatestWord
    in_effect: tuple[InEffect, ...]


class Dispute(Document):
    """A dispute: `alleged_by` says something of `about` that `about` has not confirmed, or denies (`denied`)."""

    kind: Literal["reversal", "breach", "claim", "terms", "outcome", "answer", "hold", "item"]
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool
    attributed: bool
    denial_attributed: bool


class Items(Document):
    """Countable items of an irritant: how many there are, and how many are settled."""

    settled: int
    total: int


class Extent(Document):
    """How much is done: 34 of 57 persons. Numbers as filed."""

    done: int | str
    of: int | str
    unit: str
    by: tuple[str, ...]
    attributed: bool


class StatedOutcome(Document):
    """The outcome of an open step as one side states it."""

    by: str
    outcome: Literal["done", "lapsed", "dropped"]
    attributed: bool


class AwaitedAct(Document):
    """An act that is awaited of the sides in `of`: an agreed next step, an answer to a proposal, or a reply to one."""

    kind: Literal["step", "answer", "reply"]
    of: tuple[str, ...]
    what: str
    due: str | None
    by: tuple[str, ...]
    attributed: tuple[str, ...]
    confirmed: bool
    terms_of: tuple[str, ...]
    differing: bool
    outcomes: tuple[StatedOutcome, ...]


class Linked(Document):
    """Another irritant that an actor links with this one."""

    irritant: str
    kind: Literal["conditional_on", "package", "part_of", "continues"]
    by: str


class LastMoved(Document):
    """When the rung of a side or the reported status last changed, and the event that changed it."""

    occurred: str | None
    position: int | None


class IrritantDocument(Document):
    """One irritant: `status` is claimed by a side, `confirmed_status` by both, `reported_status` by anyone."""

    id: str
    relation: str
    slug: str
    title: str
    category: str
    headline: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung
    stands: tuple[str, ...]
    reported_by: tuple[str, ...]
    basis: Basis
    origins: int
    lifecycle: Lifecycle
    hold: Hold
    trend: Trend
    high_water_mark: Rung
    regressions: int
    disputes: tuple[Dispute, ...]
    reversible: Reversible
    awaiting: str
    awaited: tuple[AwaitedAct, ...]
    items: Items
    extent: Extent | None
    valid_until: str | None
    linked: tuple[Linked, ...]
    parties: dict[str, Side]
    third_parties: tuple[ThirdParty, ...]
    last_moved: LastMoved
    assertions: int
    recorded_at: datetime | None
    version: int
    position: int
    names: dict[str, str]


class Standing(Document):
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
    reversible: Reversible
    awaiting: str
    items: Items
    disputes: tuple[Dispute, ...]
    rungs: dict[str, Rung]


class Redated(Document):
    """A date of an event that was corrected."""

    event: str
    type: str
    field: Literal["occurred", "due", "valid_until", "in_force_from"]
    before: str | None
    after: str | None


class ChangeDocument(Document):
    """One change of an irritant. `before` is None if the irritant was new. `events` are the ids of the causes."""

    position: int
    irritant: str
    reason: Literal["world", "new_evidence", "correction", "retraction"]
    before: Standing | None
    after: Standing
    events: tuple[str, ...]
    sentence: str
    redated: tuple[Redated, ...]
    report: str


class RecordedEvent(Document):
    """An event on the record."""

    stream: str
    version: int
    position: int
    id: str


class ReportedChange(Document):
    """The status of an irritant before and after a report."""

    irritant: str
    before: Standing | None
    after: Standing
    reason: str


class Warned(Document):
    """What may be a slip in a report. It does not keep the report from being recorded."""

    code: str
    pointer: str
    detail: str


class Receipt(Document):
    """The receipt for a report: its id, its events on the record, the changes that they made, and warnings."""

    id: str
    position: int
    first_position: int
    events: tuple[RecordedEvent, ...]
    changes: tuple[ReportedChange, ...]
    warnings: tuple[Warned, ...]


class Cursor(NamedTuple):
    """A place in a feed to continue after. `log` identifies the history, or is empty within a page.

    Save it when an item is processed, and continue with `follow(*cursor)` or `follow_changes(*cursor)`.
    """

    after: int
    log: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` reads as the latest version of its type. To resume after it, use its `cursor`."""

    position: int
    id: str
    stream: str
    version: int
    type: str
    data: Mapping[str, Any]
    actor: str
    report: str
    recorded_at: datetime
    log: str

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.position, self.log)


class Change(ChangeDocument):
    """One change of an irritant. To resume after it, use its `cursor`."""

    cursor: Cursor
