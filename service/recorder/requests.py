"""What the recorder takes, a `ReportRequest`, and what it returns for it: a `Receipt` or an exception."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Self

from service.domain import report
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import Recorded
from service.domain.errors import Refusal
from service.domain.handling import HIGHEST_RANK
from service.domain.report import Report
from service.projections.change import ChangeDocument, StandingDocument
from service.projections.warnings import WarningDocument
from service.store.codec import StoredReport, canonical


class KeyReused(Exception):
    """The idempotency key was already used for another report, `first`. `is_withheld`: the sender may not see it."""

    def __init__(self, first: StoredReport, *, is_withheld: bool = False) -> None:
        self.first, self.is_withheld = first, is_withheld
        super().__init__(first.id)


class Stale(Exception):
    """A stream has changed since the state that the sender read (`If-Match`). `position` is that of its last event."""

    def __init__(self, stream: str, position: int) -> None:
        self.stream, self.position = stream, position
        super().__init__(stream)


class WithheldConflict(Exception):
    """The report is refused because of events that are withheld from its sender. It does not say which."""


class NotTogether(Exception):
    """One of several reports is refused, so none was recorded. `index` is its place. The cause is its refusal."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(index)


@dataclass(frozen=True)
class ReportRequest:
    """A report to record or, with `dry_run`, to preview.

    `key` is the idempotency key, and `request_hash` a hash of the body, which shows if a retry has another body.
    `actor` and `correlation` become fields of the events: the name of the key, and the id of the request.
    `expected_positions` has, by stream, the positions at which the stream may be. If it is at another one, the request
    is refused as Stale. `clearance` is the rank up to which the sender may see events.
    """

    report: Report
    key: str
    request_hash: bytes
    actor: str
    correlation: str
    expected_positions: Mapping[str, Collection[int]] = field(default_factory=dict)
    dry_run: bool = False
    clearance: int = HIGHEST_RANK

    @classmethod
    def read(
        cls, body: object, key: str, actor: str, correlation: str, *, mistakes: Sequence[Refusal] = (), **more: Any
    ) -> Self:
        """Return the request for the parsed JSON of a report.

        Mistakes are not raised. They stay in the request, and `decide` refuses it with all of them together. `mistakes`
        are those that the JSON parser found. The hash is of the canonical JSON, so white space and the order of members
        do not matter.
        """
        filed = report.read(body)
        # The parser has explained these places already.
        explained = {mistake.pointer for mistake in mistakes}
        further = (mistake for mistake in filed.mistakes if mistake.pointer not in explained)
        digest = sha256(canonical(body).encode(errors="surrogatepass")).digest()
        return cls(replace(filed, mistakes=(*mistakes, *further)), key, digest, actor, correlation, **more)


@dataclass(frozen=True, slots=True)
class SeenChange:
    """An irritant before and after a report, as an audience sees it. None: the audience sees no such irritant."""

    irritant: str
    before: StandingDocument | None
    after: StandingDocument | None
    sentence: str


@dataclass(frozen=True)
class Receipt:
    """The result of a recorded report. `replayed`: the report was recorded by an earlier request with the same key.

    `names`: the names of actors on record after the report. `effects`: for a preview, what each audience up to the
    clearance of the sender would see change, by label; empty if no event of these streams is withheld from any.
    """

    report: StoredReport
    events: tuple[Recorded, ...]
    changes: tuple[ChangeDocument, ...]
    warnings: tuple[WarningDocument, ...] = ()
    replayed: bool = False
    names: ActorNames = NO_NAMES
    effects: Mapping[str, tuple[SeenChange, ...]] = field(default_factory=dict)


Outcome = Receipt | Exception
