"""The cases filed purely, without a store: what each report file leads to, for the expectations to be compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from service import reportfile
from service.domain import report
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import Recorded
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History, StreamAtPoint
from service.domain.naming import Naming, is_of_an_actor
from service.domain.source.events import OriginRegistered
from service.domain.warnings import FilingWarning
from service.projections import irritant
from service.projections.irritant import IrritantDocument

FOLDER = Path(__file__).parent
RECORDED = datetime(2026, 6, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """Every stream as its report files leave it, what the record calls actors, and the warnings of the reports."""

    histories: Mapping[str, History[Any]]
    names: ActorNames = NO_NAMES
    warnings: tuple[FilingWarning, ...] = ()

    def reading(self, stream: str, on: date | None = None) -> StreamAtPoint[Any]:
        return self.histories[stream].reading(on, names=self.names)

    def document(self, id: str) -> IrritantDocument:
        return irritant.view(self.reading(f"irritant/{id}"))

    def relation(self, on: date | None = None) -> dict[str, Any]:
        """What a view over the relation takes, as keyword arguments."""
        seen = [history.reading(on, names=self.names) for _, history in sorted(self.histories.items())]
        return {
            "irritants": [r for r in seen if r.stream.startswith("irritant/")],
            "rounds": [r for r in seen if r.stream.startswith("round/")],
            "relation": next(r for r in seen if r.stream.startswith("relation/")),
        }


@cache
def filed(prefix: str) -> Case:
    """The report files of a case, filed one after another on a fresh record."""
    histories: dict[str, History[Any]] = {}
    events: list[Recorded] = []
    warnings: list[FilingWarning] = []
    ids = (f"e{n}" for n in count(1))
    for number, path in enumerate(sorted(FOLDER.glob(f"{prefix}-*.yaml"))):
        body = reportfile.read(path.read_bytes()).body
        origins = {e.data.origin: e.stream for e in events if isinstance(e.data, OriginRegistered)}
        envelope = Envelope(f"r{number}", "desk", "c", RECORDED, len(events), ids.__next__)
        decision = decide(report.read(body), Record(histories, origins), envelope)
        events += decision.recorded
        warnings += decision.warnings
        histories |= decision.histories
    return Case(histories, Naming(e for e in events if is_of_an_actor(e.stream)).as_of(len(events)), tuple(warnings))
