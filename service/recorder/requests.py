"""The input of the recorder, a request, and its outcome: a receipt or a refusal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Self

from service.domain import report
from service.domain.assertion import Recorded
from service.domain.errors import Refusal
from service.domain.report import Report
from service.projections.change import ChangeDocument
from service.store.codec import StoredReport, canonical


class KeyReused(Exception):
    """The idempotency key was used for a report with another body, `first`."""

    def __init__(self, first: StoredReport) -> None:
        self.first = first
        super().__init__(first.id)


class Stale(Exception):
    """A stream has moved on from the version that the sender had seen (`If-Match`). `position` is its last one."""

    def __init__(self, stream: str, position: int) -> None:
        self.stream, self.position = stream, position
        super().__init__(stream)


@dataclass(frozen=True)
class Request:
    """A report to record or, with `dry_run`, to preview. `seen`: the positions of streams in `If-Match`."""

    report: Report
    key: str
    request_hash: bytes
    actor: str
    correlation: str
    seen: Mapping[str, Collection[int]] = field(default_factory=dict)
    dry_run: bool = False

    @classmethod
    def read(
        cls, body: object, key: str, actor: str, correlation: str, *, mistakes: Sequence[Refusal] = (), **more: Any
    ) -> Self:
        """Validate the body of a report (JSON types). Never raises: `decide` refuses the report for its mistakes.

        `mistakes` are those that the reader of the body found. The hash is of the canonical JSON, so the same content
        with the same key is the same report.
        """
        filed = report.read(body)
        known = {mistake.pointer for mistake in mistakes}
        further = (mistake for mistake in filed.mistakes if mistake.pointer not in known)
        digest = sha256(canonical(body).encode(errors="surrogatepass")).digest()
        return cls(replace(filed, mistakes=(*mistakes, *further)), key, digest, actor, correlation, **more)


@dataclass(frozen=True)
class Receipt:
    """The result of a report. `replayed`: it was recorded earlier with the same key, and nothing was written now."""

    report: StoredReport
    events: tuple[Recorded, ...]
    changes: tuple[ChangeDocument, ...]
    replayed: bool = False


Outcome = Receipt | Exception
