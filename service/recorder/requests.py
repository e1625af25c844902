"""What the recorder is given and what it gives back: a request, and its receipt or a refusal."""

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
    """The idempotency key was used for a report with another body."""

    def __init__(self, first: StoredReport) -> None:
        self.first = first
        super().__init__(first.id)


class Stale(Exception):
    """The state that the writer had seen (`If-Match`) is no longer the present one."""

    def __init__(self, stream: str, position: int) -> None:
        self.stream, self.position = stream, position
        super().__init__(stream)


@dataclass(frozen=True)
class Request:
    """A report to record, or only to preview. `seen`: positions at which its sender has read streams (`If-Match`)."""

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
        """Validate a report's body (JSON types). Never raises: `decide` refuses it for each mistake.

        `mistakes` are those found while the body was read. The report itself is hashed, however it was written: the
        same content under the same key is the same report.
        """
        filed = report.read(body)
        known = {mistake.pointer for mistake in mistakes}
        further = (mistake for mistake in filed.mistakes if mistake.pointer not in known)
        digest = sha256(canonical(body).encode(errors="surrogatepass")).digest()
        return cls(replace(filed, mistakes=(*mistakes, *further)), key, digest, actor, correlation, **more)


@dataclass(frozen=True)
class Receipt:
    """What a report led to. `replayed`: it had been recorded before, under the same key; nothing was written now."""

    report: StoredReport
    events: tuple[Recorded, ...]
    changes: tuple[ChangeDocument, ...]
    replayed: bool = False


Outcome = Receipt | Exception
