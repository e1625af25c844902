"""The service would accept a generated record, and the benchmark of a long record runs."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from service.domain import report
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import archive, embedded
from service.store.engine import connection, open_engine
from tests.benchmarks import generated, million
from tests.benchmarks.desks import Filed
from tests.benchmarks.records import LAST_OF_ALL, Record, kept_database


def lines_of(url: str, reports: Iterator[Filed]) -> list[bytes]:
    """Return the lines of a record to which these reports are filed one by one, each at its time."""
    now = datetime.min.replace(tzinfo=UTC)
    ids: Iterator[str] = iter(())
    engine = open_engine(url)
    recorder = Recorder(engine, clock=lambda: now, new_id=lambda: next(ids))
    for filed in reports:
        now, ids = filed.at, iter([filed.id, *(id for id, _, _ in filed.events)])
        row = generated.stored(filed, 0)
        request = ReportRequest(report.read(filed.body), row.key, row.request_hash, row.actor, row.key)
        (outcome,) = recorder.record([request])
        assert isinstance(outcome, Receipt), outcome
    with connection(engine) as c:
        archive.export_record(c, file := BytesIO())
    engine.dispose()
    return list(map(unsalted, file.getvalue().splitlines()[1:]))


def lines_generated(reports: Iterator[Filed], events: int) -> list[bytes]:
    generated.export(file := BytesIO(), reports, events)
    return list(map(unsalted, file.getvalue().splitlines()))


def unsalted(line: bytes) -> bytes:
    """Return a line without its random salt, and without the chain hash, which depends on all salts before it."""
    return re.sub(rb'"(?:salt|chain_hash)":"[0-9a-f]*"', b"", line)


@pytest.mark.slow
def test_every_generated_report_is_accepted_and_stored_as_the_generated_lines(database_url: str) -> None:
    def reports() -> Iterator[Filed]:
        return generated.record(6_000)

    assert lines_of(database_url, reports()) == lines_generated(reports(), 6_000)


def test_the_reports_of_a_single_stream_are_accepted_and_stored_as_generated(database_url: str) -> None:
    def reports() -> Iterator[Filed]:
        return generated.streams({"no-se": 60, "gb-us": 400})

    assert lines_of(database_url, reports()) == lines_generated(reports(), 460)


@pytest.mark.parametrize("events", [1_000, 6_000, 21_000])
def test_the_measured_relation_is_the_same_in_a_record_of_any_length(events: int) -> None:
    measured = [filed for filed in generated.record(events) if filed.relation == generated.MEASURED]
    assert measured == list(generated.record(generated.MEASURED_EVENTS))
    assert sum(len(filed.events) for filed in generated.record(events)) == events


def test_a_report_on_a_generated_record_is_dated_after_all_its_events() -> None:
    days = [
        payload.get("occurred", "") for filed in generated.streams({"gb-us": 10_000}) for _, _, payload in filed.events
    ]
    assert max(days) < LAST_OF_ALL


@pytest.mark.slow
def test_a_small_run_of_the_benchmark_succeeds(tmp_path: Path) -> None:
    """Load, verify and measure like the large one. Ratios are not checked, because the machine may be busy."""
    with ExitStack() as stack:
        server = stack.enter_context(embedded.serving(tmp_path))
        database = partial(kept_database, server)
        loaded = [million.loaded(database, *what, prove_it=True) for what in million.contents(6_000, much=300)]
        records = [stack.enter_context(closing(Record(*one))) for one in loaded]
        found = million.compared(*records, rounds=1)
    assert found.keys() == million.MEASURES.keys() | million.of_stream("gb-us").keys() | {"memory"}
