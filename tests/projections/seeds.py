"""The record of the seeds in memory, which contains what the five documents say. Tests compare views with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

from service import reportfile
from service.domain import report
from service.domain.assertion import Recorded
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History, StreamAtPoint
from service.domain.round.membership import Membership, membership
from service.domain.source.events import OriginRegistered
from service.domain.streams import history_of

SEEDS: Final = sorted((Path(__file__).parents[2] / "seeds").glob("*.yaml"))
RECORDED: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seeded:
    """All streams, the first position of each file, and the round of each report."""

    histories: Mapping[str, History[Any]]
    begins: Mapping[str, int]
    round_of: Mapping[str, str]
    head: int

    def reading(self, stream: str, as_of: int | None = None, on: date | None = None) -> StreamAtPoint[Any]:
        return self.histories[stream].as_of(self.head if as_of is None else as_of).reading(on)

    def readings(self, as_of: int | None = None, on: date | None = None) -> dict[str, Any]:
        """Return the keyword arguments of a view over the whole relation."""
        upto = self.head if as_of is None else as_of
        seen = [h.as_of(upto).reading(on) for _, h in sorted(self.histories.items()) if h.as_of(upto).events]
        return {
            "irritants": [r for r in seen if r.stream.startswith("irritant/")],
            "rounds": [r for r in seen if r.stream.startswith("round/")],
            "relation": self.histories["relation/ru-us"].as_of(upto).reading(on),
        }

    def members(self, as_of: int | None = None) -> Membership:
        """Which event belongs to which round."""
        read = self.readings(as_of)
        return membership(read["rounds"], read["relation"], self.round_of)

    def before(self, file: str) -> int:
        """Return the last position before this file was filed."""
        return self.begins[file] - 1


@cache
def seeded() -> Seeded:
    histories: dict[str, History[Any]] = {}
    events: list[Recorded] = []
    begins: dict[str, int] = {}
    round_of: dict[str, str] = {}
    ids = (f"e{n}" for n in count(1))
    for path in SEEDS:
        filed = report.read(reportfile.read(path.read_bytes()).body)
        origins = {e.data.origin: e.stream for e in events if isinstance(e.data, OriginRegistered)}
        begins[path.stem] = len(events) + 1
        if filed.round:
            round_of[path.stem] = f"{filed.relation}/{filed.round}"
        envelope = Envelope(path.stem, "seeds", "", RECORDED, len(events), ids.__next__)
        decision = decide(filed, Record(histories, origins), envelope)
        histories |= decision.histories
        events += decision.recorded
    return Seeded(histories, begins, round_of, len(events))


def nothing(relation: str = "ru-us") -> dict[str, Any]:
    """Return the readings of a relation without events."""
    return {"irritants": [], "rounds": [], "relation": history_of(f"relation/{relation}").reading()}
