"""A generated record of any length: relations, rounds, and assertions of parties and media on irritants.

The events are not judged, because deciding a million events takes longer than importing them. But the service would
accept every report and store exactly these lines, which a test verifies. Some assertions are late, corrected,
retracted, denied, or repeated by another voice. The same seed gives the same record.

The first relation has the same 1,000 events in every record, so that measurements on it in a short and a long record
differ only by the rest of the record.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import combinations, pairwise
from random import Random
from typing import BinaryIO, Final
from uuid import UUID

from service.domain import catalogue
from service.domain.assertion import Recorded
from service.domain.countries import ALPHA_2
from service.store import codec
from service.store.codec import GENESIS, StoredReport
from service.store.verify import PROGRESS_EVERY, Progress, no_progress
from tests.benchmarks.desks import SLUGS, Desk, Filed

MEASURED: Final = "ru-us"
MEASURED_EVENTS: Final = 1_000
EACH: Final = 5_000
"""The default number of events of every other relation."""
RECORD: Final = str(UUID(int=7 << 76 | 2 << 62 | 1))

_ACTOR: Final = "desk"


def relations(events: int, each: int = EACH) -> list[tuple[str, int]]:
    """Return the relations of a record and their numbers of events. The first relation is the measured one."""
    others = max(0, events - MEASURED_EVENTS)
    number = round(others / each)
    pairs = ("-".join(pair).lower() for pair in combinations(sorted(ALPHA_2), 2))
    names = [pair for pair in pairs if pair != MEASURED]
    Random(0).shuffle(names)
    ends = [others * n // max(number, 1) for n in range(number + 1)]
    shares = [last - first for first, last in pairwise(ends)]
    return [(MEASURED, MEASURED_EVENTS), *zip(names, shares, strict=False)]


def record(events: int, each: int = EACH) -> Iterator[Filed]:
    """Yield every report of a record of so many events, in the order of filing."""
    return _merged(Desk(number, *relation) for number, relation in enumerate(relations(events, each)))


def streams(lengths: Mapping[str, int]) -> Iterator[Filed]:
    """Yield the reports on relations with one irritant each, which has nearly all of the relation's events."""
    return _merged(Desk(number, *relation, SLUGS[:1]) for number, relation in enumerate(lengths.items()))


def _merged(desks: Iterable[Desk]) -> Iterator[Filed]:
    return heapq.merge(*(desk.reports() for desk in desks), key=lambda filed: (filed.at, filed.id))


def export(file: BinaryIO, reports: Iterable[Filed], events: int, progress: Progress = no_progress) -> bytes:
    """Write the lines of these reports as `export_record` would. Return the header, which precedes them."""
    chain_hash, position = GENESIS, 0
    versions: dict[str, int] = {}
    for filed in reports:
        row = stored(filed, position)
        for recorded in recorded_of(filed, position, versions):
            line = codec.new_line(recorded, row, codec.new_salt())
            chain_hash = codec.seal(chain_hash, line, is_salted=True)
            file.write(f"{codec.with_chain_hash(line, chain_hash)}\n".encode())
            position = recorded.position
            if position % PROGRESS_EVERY == 0:
                progress(position, events)
    progress(position, position)
    header = {
        "chain_hash": chain_hash.hex(),
        "format": "irritants-record-1",
        "position": position,
        "record": RECORD,
    }
    return f"{codec.canonical(header)}\n".encode()


def stored(filed: Filed, after: int) -> StoredReport:
    """Return the report as it is stored after a position."""
    sent = sha256(codec.canonical(filed.body).encode()).digest()
    round = f"{filed.relation}/{filed.round}" if filed.round else None
    last = after + len(filed.events)
    return StoredReport(
        filed.id, key(filed), sent, _ACTOR, filed.relation, round, filed.title, after + 1, last, filed.at
    )


def key(filed: Filed) -> str:
    return f"desk-{filed.id}"


def recorded_of(filed: Filed, position: int, versions: dict[str, int]) -> Iterator[Recorded]:
    for id, stream, payload in filed.events:
        position, version = position + 1, versions.get(stream, 0) + 1
        versions[stream] = version
        type, causation = payload["type"], payload.get("target") or payload.get("proposal")
        data = catalogue.load(type, payload)
        yield Recorded(position, stream, version, id, type, data, _ACTOR, filed.id, key(filed), causation, filed.at)
