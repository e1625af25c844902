"""Reads of events, reports and documents: the results of each filter and their order."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from service.domain.assertion import Recorded
from service.store import codec, events, log, read_models, reports
from service.store.codec import GENESIS, StoredEvent
from service.store.read_models import Document
from tests.store.record import FERRIES, NOON, READOUT, VISAS, document, filing, opened, origin, put


@pytest.fixture
def six(record: Connection) -> list[Recorded]:
    """Three reports: of 3, 1 and 2 events, an hour apart."""
    first = put(record, (VISAS, 1), (FERRIES, 1), (VISAS, 2), key="k-1", round="no-se/karlstad")
    second = put(record, (READOUT, 1, origin("an-interview")), key="k-2", at=NOON + timedelta(hours=1))
    third = put(
        record,
        (VISAS, 3),
        (FERRIES, 2),
        key="k-3",
        at=NOON + timedelta(hours=2),
        relation="dk-no",
        round="dk-no/hirtshals",
    )
    return [*first.events, *second.events, *third.events]


def positions(found: list[StoredEvent]) -> list[int]:
    return [event.position for event in found]


def test_a_stream_is_read_after_a_version(record: Connection, six: list[Recorded]) -> None:
    assert events.read_streams(record, {VISAS: 1, FERRIES: 2, "irritant/no-se/unknown": 0}) == {
        VISAS: [six[2], six[4]],
        FERRIES: [],
        "irritant/no-se/unknown": [],
    }


def test_a_stream_is_read_as_it_was_known(record: Connection, six: list[Recorded]) -> None:
    assert events.read_streams(record, {VISAS: 0, FERRIES: 0}, upto=2) == {VISAS: [six[0]], FERRIES: [six[1]]}


def test_reading_no_streams_returns_no_rows(record: Connection, six: list[Recorded]) -> None:
    assert events.read_streams(record, {}) == {}


def test_the_log_decodes_to_what_was_recorded(record: Connection, six: list[Recorded]) -> None:
    assert [codec.decode(event) for event in events.read_log(record)] == six


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"after": 2, "limit": 3}, [3, 4, 5]),
        ({"after": 1, "upto": 4}, [2, 3, 4]),
        ({"after": 6}, []),
        ({"stream": VISAS, "after": 1}, [3, 5]),
        ({"type": "OriginRegistered"}, [4]),
        ({"relation": "dk-no", "limit": 1}, [2]),
        ({"relation": "readout-of-may"}, []),
        ({"stream": VISAS, "type": "OriginRegistered"}, []),
    ],
)
def test_the_log_is_filtered(
    record: Connection, six: list[Recorded], filters: dict[str, int | str], expected: list[int]
) -> None:
    assert positions(events.read_log(record, **filters)) == expected  # type: ignore[arg-type]


def test_the_log_is_filtered_by_report(record: Connection, six: list[Recorded]) -> None:
    assert positions(events.read_log(record, report=six[0].report, after=1)) == [2, 3]
    assert positions(events.read_log(record, report=six[3].report)) == [4]


def test_the_last_position_of_a_relation_or_of_the_record(record: Connection, six: list[Recorded]) -> None:
    assert events.last_position(record) == 6
    assert events.last_position(record, relation="no-se") == 5
    assert events.last_position(record, relation="no-se", upto=4) == 3
    assert events.last_position(record, relation="fi-no") == 0


def test_a_time_is_resolved_to_the_last_position_known_then(record: Connection, six: list[Recorded]) -> None:
    minute = timedelta(minutes=1)
    moments = [NOON - minute, NOON, NOON + minute, NOON + timedelta(hours=1), NOON + timedelta(days=1)]
    assert [events.position_at(record, moment) for moment in moments] == [0, 3, 3, 4, 6]


def test_the_chain_hash_after_each_position_is_known_up_to_the_head(record: Connection, six: list[Recorded]) -> None:
    assert events.chain_hash_at(record, 0) == GENESIS
    assert events.chain_hash_at(record, 6) == log.read_head(record).chain_hash
    assert events.chain_hash_at(record, 7) is None


def test_an_origin_is_found_by_its_slug(record: Connection, six: list[Recorded]) -> None:
    assert events.origin_streams(record, ["an-interview", "a-rumour"]) == {"an-interview": READOUT}


def test_reports_are_found_by_their_keys(record: Connection, six: list[Recorded]) -> None:
    found = reports.by_keys(record, ["k-3", "k-1", "k-9"])
    assert {key: report.first_position for key, report in found.items()} == {"k-1": 1, "k-3": 5}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["k-1", "k-2", "k-3"]),
        ({"after": 1, "limit": 1}, ["k-2"]),
        ({"upto": 4}, ["k-1", "k-2"]),
        ({"relation": "no-se"}, ["k-1", "k-2"]),
        ({"round": "dk-no/hirtshals"}, ["k-3"]),
    ],
)
def test_reports_are_listed_in_the_order_of_filing(
    record: Connection, six: list[Recorded], filters: dict[str, int | str], expected: list[str]
) -> None:
    assert [report.key for report in reports.page(record, **filters)] == expected  # type: ignore[arg-type]


@pytest.fixture
def stored(record: Connection) -> list[Document]:
    documents = [
        document("dk-no/ferries", 1, b"f", status="raised", basis="one_side"),
        document("no-se/fish", 2, b"h", status="proposed", basis="one_side"),
        document("no-se/visas", 3, b"v", status="raised", basis="both_sides"),
    ]
    head = log.read_head(record)
    older = documents[0]._replace(representation=0, body=b"in the shape of an older release")
    log.append(record, head, [filing(head, (FERRIES, 1), (VISAS, 1), (VISAS, 2, opened()))], [*documents, older])
    return documents


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"after": "dk-no/ferries", "limit": 1}, [1]),
        ({"relation": "no-se"}, [1, 2]),
        ({"facets": {"status": "raised"}}, [0, 2]),
        ({"facets": {"status": "raised", "basis": "both_sides"}}, [2]),
        ({"changed_after": 1}, [1, 2]),
    ],
)
def test_documents_are_listed_by_key(
    record: Connection, stored: list[Document], filters: dict[str, object], expected: list[int]
) -> None:
    page = read_models.page(record, "irritant", 1, **filters)  # type: ignore[arg-type]
    assert page == [stored[i] for i in expected]


def test_documents_are_listed_by_position(record: Connection, stored: list[Document]) -> None:
    assert read_models.between(record, "irritant", 1, 2, 3) == stored[1:]


def test_a_rebuild_writes_beside_another_representation_and_never_over_a_newer_document(
    record: Connection, stored: list[Document]
) -> None:
    beside = stored[0]._replace(representation=2, body=b"another shape")
    late = stored[2]._replace(position=stored[2].position - 1, body=b"computed before the last event")
    mended = stored[1]._replace(body=b"as a replay gives it")
    read_models.store(record, [beside, late, mended])
    assert read_models.page(record, "irritant", 2) == [beside]
    assert read_models.page(record, "irritant", 1) == [stored[0], mended, stored[2]]


def test_a_document_is_removed_unless_it_has_changed(record: Connection, stored: list[Document]) -> None:
    read_models.remove(record, [stored[0], stored[1]._replace(position=1)])
    assert read_models.page(record, "irritant", 1) == stored[1:]


def test_documents_are_found_by_the_positions_that_made_them(record: Connection, stored: list[Document]) -> None:
    assert read_models.at(record, [2, 3, 9]) == stored[1:]
    assert read_models.beyond(record, 2) == stored[2:]
