"""The write path with a real database: recording, idempotency, refusals, and several processes."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from service import recorder as recording
from service.domain.errors import Refused
from service.domain.filing import decide
from service.domain.report import read
from service.projections import irritant
from service.projections.irritant import IrritantDocument
from service.recorder import KeyReused, Overloaded, Receipt, Recorder, ReportRequest, Stale
from service.store import events, log, read_models
from service.store.codec import StoredReport
from service.store.connections import connect
from service.store.engine import DatabaseUnavailable, address, connection, driver, open_engine, transaction
from service.store.log import Head, lock_head, read_head

BANKING, VISAS = "irritant/ru-us/banking-access", "irritant/ru-us/visas"
_keys = count(1)


def said(stream: str, type: str, party: str, **payload: Any) -> dict[str, Any]:
    channel = "outlet" if party == "MEDIA" else "quote"
    cited = {"document": "readout", "paragraphs": [1], "origin": f"voice-{party.lower()}"}
    by = {"party": party, "channel": channel}
    return {"stream": stream, "type": type, "asserted_by": by, "source": cited, "summary": "In own words.", **payload}


OPENING: list[dict[str, Any]] = [
    {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU", "US"], "title": "Russia and the USA"},
    {"stream": "source/readout", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 9},
    *(
        {
            "stream": "source/readout",
            "type": "OriginRegistered",
            "origin": f"voice-{party.lower()}",
            "speaker": party,
            "party": party,
            "channel": "outlet" if party == "MEDIA" else "quote",
        }
        for party in ("RU", "US", "JOINT", "MEDIA")
    ),
    {"stream": BANKING, "type": "IrritantOpened", "title": "Banking access", "category": "banking"},
    {"stream": VISAS, "type": "IrritantOpened", "title": "Visas", "category": "visas"},
]


def request(*filed: dict[str, Any], key: str | None = None, **more: Any) -> ReportRequest:
    body = {"relation": "ru-us", "title": "A report", "events": list(filed)}
    hashed = sha256(json.dumps(body, sort_keys=True).encode()).digest()
    return ReportRequest(read(body), key or f"key-{next(_keys)}", hashed, "an operator", "a request", **more)


@pytest.fixture
def recorder(engine: Engine) -> Recorder:
    recorder = Recorder(engine)
    recorded(recorder, request(*OPENING))
    return recorder


def recorded(recorder: Recorder, *requests: ReportRequest) -> Receipt:
    outcomes = recorder.record(requests)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    last = outcomes[-1]
    assert isinstance(last, Receipt)
    return last


def banking(engine: Engine) -> IrritantDocument:
    with connection(engine) as c:
        stored = read_models.get(c, "irritant", irritant.REPRESENTATION, "ru-us/banking-access")
    assert stored is not None
    return IrritantDocument.model_validate_json(stored.body)


def positions(engine: Engine) -> list[int]:
    with connection(engine) as c:
        return [row.position for row in events.read_log(c)]


def test_a_report_is_recorded_with_its_document_and_its_change(recorder: Recorder, engine: Engine) -> None:
    receipt = recorded(recorder, request(said(BANKING, "ConcernRaised", "RU")))
    (change,) = receipt.changes
    assert (change.reason, change.before and change.before.status, change.after.status) == (
        "world",
        "unstated",
        "raised",
    )
    assert banking(engine).status == "raised"
    assert banking(engine).position == receipt.report.last_position == 9


def test_a_retry_gets_the_first_receipt(recorder: Recorder, engine: Engine) -> None:
    again = request(said(BANKING, "ConcernRaised", "RU"), key="after the round")
    first, second = recorded(recorder, again), recorded(recorder, again)
    assert second.replayed
    assert not first.replayed
    assert (second.report, second.events, second.changes) == (first.report, first.events, first.changes)
    assert positions(engine) == list(range(1, 10))


def test_a_retry_is_answered_even_if_the_report_would_now_be_refused(recorder: Recorder) -> None:
    reopened = request(
        *OPENING,
        said(BANKING, "ProposalTabled", "RU", kind="offer", addressee="US", terms="…", ref="p"),
        said(BANKING, "ItemAdded", "RU", item="bank", kind="bank", name="A bank", place="A place"),
        key="k",
    )
    first = recorded(recorder, reopened)
    assert recorded(recorder, reopened).report == first.report


@pytest.mark.parametrize("events", [1, 300])
def test_a_retry_is_not_decided_again(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, events: int) -> None:
    decided: list[object] = []

    def counted(*given: Any) -> Any:
        decided.append(given)
        return decide(*given)

    monkeypatch.setattr(recording, "decide", counted)
    told = [said(BANKING, "ConcernRaised", "RU", occurred=f"2025-01-{1 + n % 28:02}") for n in range(events)]
    again = request(*told, key="after the round")
    first = recorded(recorder, again)
    assert len(decided) == 1
    for _ in range(3):
        second = recorded(recorder, again)
        assert (second.replayed, second.report) == (True, first.report)
    assert len(decided) == 1


def test_a_retry_of_a_long_report_reaches_another_process_without_being_decided(
    recorder: Recorder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = request(*(said(BANKING, "ConcernRaised", "RU") for _ in range(300)), key="after the round")
    first = recorded(recorder, again)
    monkeypatch.setattr(recording, "decide", None)
    assert recorded(Recorder(engine), again).report == first.report


def test_a_batch_of_retries_and_new_reports_gives_each_its_own_outcome(recorder: Recorder, engine: Engine) -> None:
    again = request(said(BANKING, "ConcernRaised", "RU"), key="after the round")
    first = recorded(recorder, again)
    other = request(said(VISAS, "ConcernRaised", "RU"), key="after the round")
    replayed, reused, new = recorder.record([again, other, request(said(VISAS, "ConcernRaised", "US"))])
    assert isinstance(replayed, Receipt)
    assert (replayed.replayed, replayed.report) == (True, first.report)
    assert isinstance(reused, KeyReused)
    assert isinstance(new, Receipt)
    assert positions(engine) == list(range(1, 11))


def test_another_body_under_the_same_key_is_refused(recorder: Recorder) -> None:
    recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), key="k"))
    with pytest.raises(KeyReused):
        recorded(recorder, request(said(BANKING, "ConcernRaised", "US"), key="k"))


def test_a_refused_report_leaves_neither_events_nor_its_key(recorder: Recorder, engine: Engine) -> None:
    with pytest.raises(Refused):
        recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), said(BANKING, "HoldLifted", "US"), key="k"))
    assert positions(engine) == list(range(1, 9))
    assert not recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), key="k")).replayed


def test_a_refused_report_does_not_affect_others_of_its_batch(recorder: Recorder, engine: Engine) -> None:
    outcomes = recorder.record(
        [
            request(said(BANKING, "ConcernRaised", "RU")),
            request(said(BANKING, "HoldLifted", "US")),
            request(
                said(BANKING, "ProgressReversed", "RU", to="unstated", by="RU", reason="dropped", occurred="2025-04-30")
            ),
            request(said(VISAS, "ConcernRaised", "US")),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [Receipt, Refused, Receipt, Receipt]
    assert positions(engine) == list(range(1, 12))
    assert (banking(engine).status, banking(engine).regressions) == ("unstated", 1)


def test_one_key_twice_in_a_batch_is_recorded_once(recorder: Recorder, engine: Engine) -> None:
    twice = request(said(BANKING, "ConcernRaised", "RU"), key="k")
    first, second = recorder.record([twice, twice])
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert first.report == second.report
    assert second.replayed
    assert positions(engine) == list(range(1, 10))


def test_each_report_of_a_batch_is_warned_on_the_record_before_it(recorder: Recorder) -> None:
    said_so = said(BANKING, "ConcernRaised", "RU")
    outcomes = recorder.record([request(said_so, key="k"), request(said_so), request(said_so, key="k")])
    warned = [[warning.code for warning in outcome.warnings] for outcome in outcomes if isinstance(outcome, Receipt)]
    assert warned == [[], ["already_cited"], []]
    (again,) = recorder.record([request(said(BANKING, "ConcernRaised", "RU", occurred="1025-05-06"), dry_run=True)])
    assert isinstance(again, Receipt)
    assert [warning.code for warning in again.warnings] == ["before_1900", "already_cited"]


def test_a_preview_has_the_changes_and_writes_nothing(recorder: Recorder, engine: Engine) -> None:
    preview = recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), dry_run=True))
    assert [change.after.status for change in preview.changes] == ["raised"]
    assert positions(engine) == list(range(1, 9))
    assert banking(engine).status == "unstated"


def test_a_writer_that_has_not_seen_the_latest_state_is_refused(recorder: Recorder) -> None:
    with pytest.raises(Stale):
        recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), expected_positions={BANKING: {1}}))
    receipt = recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), expected_positions={BANKING: {7}}))
    assert receipt.report.first_position == 9


def test_two_processes_take_turns_and_each_decides_on_what_the_other_recorded(
    recorder: Recorder, engine: Engine
) -> None:
    other = Recorder(engine)
    for party in ("RU", "US"):
        recorded(recorder, request(said(BANKING, "ConcernRaised", party)))
        recorded(other, request(said(BANKING, "DiscussionReported", party, form="talks")))
    with pytest.raises(Refused):
        recorded(recorder, request(said(BANKING, "ProgressReversed", "US", to="in_talks", by="US", reason="…")))
    assert positions(engine) == list(range(1, 13))
    assert banking(engine).confirmed_status == "in_talks"


def test_many_writers_in_several_processes_lose_and_double_no_report(recorder: Recorder, engine: Engine) -> None:
    recorders = [Recorder(engine), Recorder(engine)]
    for one in recorders:
        one.queue.start()

    def file(n: int) -> Receipt:
        return recorders[n % 2].queue.submit(request(said(BANKING, "ConcernRaised", "RU"))).result()

    with ThreadPoolExecutor(20) as operators:
        receipts = list(operators.map(file, range(200)))
    for one in recorders:
        one.queue.close()
    assert sorted(r.report.first_position for r in receipts) == list(range(9, 209))
    assert positions(engine) == list(range(1, 209))
    assert banking(engine).version == 201


def test_a_connection_that_died_between_two_reports_is_replaced(recorder: Recorder, engine: Engine) -> None:
    recorder.queue.start()
    receipts = []
    for _ in range(3):
        receipts.append(recorder.queue.submit(request(said(BANKING, "ConcernRaised", "RU"))).result())
        end_all_others(engine)
    recorder.queue.close()
    assert [receipt.report.first_position for receipt in receipts] == [9, 10, 11]


def test_after_a_connection_lost_at_the_commit_the_recorded_report_is_returned(
    recorder: Recorder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = log.append

    def cut(c: Connection, *arguments: Any, **more: Any) -> Head | None:
        moved = append(c, *arguments, **more)
        monkeypatch.undo()
        end_all_others(engine)
        read_head(c)
        return moved

    recorder.queue.start()
    recorder.queue.submit(request(said(VISAS, "ConcernRaised", "RU"))).result()
    monkeypatch.setattr(log, "append", cut)
    receipt = recorder.queue.submit(request(said(BANKING, "ConcernRaised", "RU"))).result()
    recorder.queue.close()
    assert receipt.replayed
    assert receipt.report.first_position == 10
    assert positions(engine) == list(range(1, 11))


def test_a_connection_cut_during_a_batch_leaves_each_report_recorded_or_refused(
    recorder: Recorder, engine: Engine
) -> None:
    recorder.queue.start()
    recorder.queue.submit(request(said(VISAS, "ConcernRaised", "RU"))).result()
    with transaction(engine) as c, ThreadPoolExecutor(1) as elsewhere:
        log.lock_head(c)
        first = recorder.queue.submit(request(said(BANKING, "ConcernRaised", "RU")))
        cut = elsewhere.submit(end_connections_that_wait_for_a_lock, engine)
        batch = [
            recorder.queue.submit(request(said(BANKING, "ConcernRaised", "US"))),
            recorder.queue.submit(request(said(BANKING, "HoldLifted", "US"))),
            recorder.queue.submit(request(said(VISAS, "ConcernRaised", "US"))),
        ]
        cut.result()
    assert [type(asked.exception()) for asked in batch] == [type(None), Refused, type(None)]
    assert [asked.result().report.first_position for asked in (first, batch[0], batch[2])] == [10, 11, 12]
    recorder.queue.close()
    assert positions(engine) == list(range(1, 13))


def end_connections_that_wait_for_a_lock(engine: Engine) -> None:
    waits = (
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with connection(engine) as c:
        while not c.exec_driver_sql(waits).all():
            time.sleep(0.01)


def end_all_others(engine: Engine) -> None:
    """End the other connections, as a restart of the server does."""
    with connection(engine) as c:
        driver(c).execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_closed_recorder_refuses_reports(recorder: Recorder) -> None:
    recorder.queue.start()
    recorder.queue.close()
    with pytest.raises(Overloaded):
        recorder.queue.submit(request(said(BANKING, "ConcernRaised", "RU")))


def test_changes_distinguish_corrections_from_new_evidence(recorder: Recorder) -> None:
    late = request(said(BANKING, "ConcernRaised", "US", occurred="2025-01-01"))
    first = recorded(
        recorder,
        request(said(BANKING, "ProposalTabled", "RU", occurred="2025-03-01", kind="offer", addressee="US", terms="…")),
    )
    assert [c.reason for c in recorded(recorder, late).changes] == ["new_evidence"]
    corrected = request(
        {
            "stream": BANKING,
            "type": "AssertionCorrected",
            "target": first.events[0].id,
            "changes": {"asserted_by": {"channel": "attributed"}},
            "reason": "It was not a quotation.",
        }
    )
    (change,) = recorded(recorder, corrected).changes
    assert (change.reason, change.before and change.before.basis, change.after.basis) == (
        "correction",
        "one_side",
        "attributed",
    )


def test_head_and_documents_change_together(recorder: Recorder, engine: Engine) -> None:
    receipt = recorded(recorder, request(said(BANKING, "ConcernRaised", "RU"), said(VISAS, "ConcernRaised", "US")))
    with connection(engine) as c:
        assert log.read_head(c).position == receipt.report.last_position
        stored = read_models.page(c, "irritant", irritant.REPRESENTATION, relation="ru-us")
    assert [(d.key, d.position) for d in stored] == [("ru-us/banking-access", 9), ("ru-us/visas", 10)]


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_report_is_recorded_although_its_transaction_is_rolled_back_twice(engine: Engine, code: str) -> None:
    """A serialization failure or a deadlock is not an outage, and the transaction is retried."""
    with connection(engine) as c:
        driver(c).execute(f"""
            CREATE SEQUENCE attempts;
            CREATE FUNCTION roll_back_twice() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF nextval('attempts') <= 2 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '{code}'; END IF;
              RETURN NEW;
            END $$;
            CREATE TRIGGER roll_back_twice BEFORE INSERT ON reports FOR EACH ROW EXECUTE FUNCTION roll_back_twice();
        """)
    assert recorded(Recorder(engine), request(*OPENING)).report.first_position == 1


def test_reports_are_recorded_again_after_a_wait_for_the_head_was_cut_short(
    engine: Engine, database_url: str, recorder: Recorder
) -> None:
    impatient = open_engine(database_url, connections=1, statement_seconds=0.2)
    late = Recorder(impatient)
    read_until_prepared(late)
    recorded(recorder, request(said(VISAS, "ConcernRaised", "US")))
    with transaction(engine) as c:
        lock_head(c)
        with pytest.raises(DatabaseUnavailable):  # it has to read the other recorder's report under the lock
            recorded(late, request(said(VISAS, "ConcernRaised", "RU")))
    for _ in range(3):
        recorded(late, request(said(VISAS, "ConcernRaised", "RU")))
    impatient.dispose()


def test_no_report_fails_when_a_migration_changes_a_column(recorder: Recorder, engine: Engine) -> None:
    first = read_until_prepared(recorder)
    with connect(address(engine), name="migration") as migration:
        # A migration that changes a column creates the views again.
        migration.execute("DROP SCHEMA public_audience CASCADE")
        migration.execute("ALTER TABLE reports ALTER COLUMN title TYPE varchar")
    assert read_until_prepared(recorder, times=1) == first


def read_until_prepared(recorder: Recorder, times: int = 9) -> StoredReport:
    """File the same report until the driver has prepared its queries."""
    again = request(said(VISAS, "ConcernRaised", "RU"), key="again")
    return [recorded(recorder, again).report for _ in range(times)][-1]
