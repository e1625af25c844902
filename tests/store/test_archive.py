"""An export has the whole record. An import makes the same record from it, or nothing."""

import io
import json
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from sqlalchemy import Engine

from service.store import codec, events, log, reports
from service.store.archive import NotAnExport, NotEmpty, export_record, import_record
from service.store.codec import GENESIS
from service.store.engine import connection, driver, open_engine, transaction
from service.store.log import KeyTaken
from service.store.migrate import upgrade
from service.store.verify import Damaged, verify
from tests.store.record import FERRIES, READOUT, VISAS, filing, fill, opened, put, superuser


@pytest.fixture
def empty(bare_database_url: str) -> Iterator[Engine]:
    """A second, empty record."""
    upgrade(bare_database_url)
    engine = open_engine(bare_database_url)
    yield engine
    engine.dispose()


def exported(engine: Engine) -> bytes:
    file = io.BytesIO()
    with connection(engine) as c:
        export_record(c, file)
    return file.getvalue()


def import_into(engine: Engine, content: bytes) -> log.Head:
    with transaction(engine) as c:
        return import_record(c, io.BytesIO(content))


@pytest.fixture
def file(engine: Engine) -> bytes:
    """The export of a record of twelve events, two in a report."""
    fill(engine, 6)
    return exported(engine)


def test_the_header_says_which_record_it_is_and_where_it_ends(engine: Engine, file: bytes) -> None:
    with connection(engine) as c:
        head = log.read_head(c)
    assert json.loads(file.splitlines()[0]) == {
        "format": "irritants-record-1",
        "record": head.record,
        "position": 12,
        "chain_hash": head.chain_hash.hex(),
    }


def test_every_line_after_the_header_is_an_event_as_stored(engine: Engine, file: bytes) -> None:
    with connection(engine) as c:
        rows = events.read_log(c)
        keys = [report.key for report in reports.page(c) for _ in range(2)]
        hashes = [report.request_hash.hex() for report in reports.page(c) for _ in range(2)]
    lines = [json.loads(line) for line in file.splitlines()[1:]]
    assert [(line["reportkey"], line["reporthash"]) for line in lines] == list(zip(keys, hashes, strict=True))
    columns = [
        {
            **row._asdict(),
            "data": json.loads(row.data),
            "recorded_at": codec.instant(row.recorded_at),
            "chain_hash": row.chain_hash.hex(),
            "salt": row.salt.hex() if row.salt else None,
        }
        for row in rows
    ]
    for column in columns:
        assert column.pop("rank") == 0
        assert column.pop("handling") is None
    assert [{name: line[name] for name in columns[0]} for line in lines] == columns


def test_the_chain_can_be_checked_with_the_file_alone(file: bytes) -> None:
    chain_hash = GENESIS
    for line in file.splitlines()[1:]:
        event = json.loads(line)
        said = event.pop("chain_hash")
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        chain_hash = sha256(chain_hash + sha256(canonical).digest()).digest()
        assert chain_hash.hex() == said
    assert chain_hash.hex() == json.loads(file.splitlines()[0])["chain_hash"]


def test_an_imported_record_is_the_same_record(engine: Engine, empty: Engine, file: bytes) -> None:
    head = import_into(empty, file)
    with connection(engine) as one, connection(empty) as two:
        assert log.read_head(two) == head == log.read_head(one)
        assert events.read_log(two) == events.read_log(one)
        assert reports.page(two) == reports.page(one)
        assert verify(two) == head
    assert exported(empty) == file


def test_an_imported_record_takes_new_reports_and_remembers_its_idempotency_keys(empty: Engine, file: bytes) -> None:
    head = import_into(empty, file)
    with connection(empty) as c:
        with pytest.raises(KeyTaken):
            log.append(c, head, [filing(head, (VISAS, 5), key="report 0")])
        put(c, (VISAS, 5))
        assert verify(c).position == 13


def test_all_texts_survive_export_and_import(engine: Engine, empty: Engine) -> None:
    with connection(engine) as c:
        put(c, (VISAS, 1, opened("Ærø “quoted” \\ back slash 🛂")), key='a "key"\twith\x1f everything é')
    content = exported(engine)
    import_into(empty, content)
    assert exported(empty) == content


def test_a_record_of_several_chunks_is_exported_and_imported(engine: Engine, empty: Engine) -> None:
    with connection(engine) as c:
        put(c, *((VISAS, version) for version in range(1, 4_000)))
        put(c, *((FERRIES, version) for version in range(1, 4_000)))
        put(c, (READOUT, 1))
    told: list[tuple[int, int]] = []
    content = exported(engine)
    with transaction(empty) as c:
        import_record(c, io.BytesIO(content), lambda done, total: told.append((done, total)))
    assert told == [(7_998, 7_999), (7_999, 7_999)]
    assert exported(empty) == content


def test_an_empty_record_is_exported_and_imported_too(engine: Engine, empty: Engine) -> None:
    content = exported(engine)
    import_into(empty, content)
    assert exported(empty) == content


def test_only_an_empty_record_takes_an_import(engine: Engine, file: bytes) -> None:
    with pytest.raises(NotEmpty):
        import_into(engine, file)
    assert exported(engine) == file


def test_an_import_is_announced(empty: Engine, file: bytes) -> None:
    with connection(empty) as listener:
        driver(listener).execute(f"LISTEN {log.CHANNEL}")
        import_into(empty, file)
        assert [notice.payload for notice in driver(listener).notifies(timeout=0.5)] == ["12"]


def _edit(number: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def edited(lines: list[bytes]) -> list[bytes]:
        assert old in lines[number - 1]
        return [*lines[: number - 1], lines[number - 1].replace(old, new), *lines[number:]]

    return edited


ALTERED = "the chain hash does not match"
SPOILT: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int, str]] = {
    "no file at all": (lambda lines: [], 1, "Invalid JSON"),
    "no header": (lambda lines: lines[1:], 1, "record: Field required"),
    "another format": (_edit(1, b"irritants-record-1", b"irritants-record-2"), 1, "format: "),
    "not JSON": (lambda lines: [*lines[:3], b"?", *lines[4:]], 4, "Invalid JSON"),
    "a line cut short": (lambda lines: [*lines[:12], lines[12][:50]], 13, "Invalid JSON"),
    "a field missing": (_edit(4, b'"causation":null,', b""), 4, "causation: Field required"),
    "a field too many": (_edit(4, b'"causation":null,', b'"causation":null,"mood":1,'), 4, "mood: "),
    "a number for a string": (_edit(4, b'"actor":"oslo-desk"', b'"actor":1'), 4, "actor: "),
    "an event edited": (_edit(6, b"Visas", b"Vices"), 6, ALTERED),
    "a report renamed": (_edit(6, b"in May", b"in June"), 6, ALTERED),
    "a line missing": (lambda lines: [*lines[:4], *lines[5:]], 5, "event is missing; the next one is at position 5"),
    "two lines swapped": (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5, "the event is missing"),
    "the end missing": (lambda lines: lines[:9], 10, "the event is missing; the head is at position 12"),
    "another end": (
        _edit(1, b'"position":12', b'"position":11'), 13, "the event is beyond the head, which is at position 11",
    ),
    "an event of a later release": (
        _edit(4, b'"schema_version":1', b'"schema_version":2'), 4, "cannot read IrritantOpened version 2",
    ),
    "an event of another world": (
        _edit(4, b'"type":"IrritantOpened","version"', b'"type":"War","version"'), 4, "cannot read War version 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_damaged_file_is_refused_with_its_line_and_nothing_is_written(
    empty: Engine, file: bytes, spoilt: str
) -> None:
    spoil, line, what = SPOILT[spoilt]
    with pytest.raises(NotAnExport, match=what) as refused:
        import_into(empty, b"".join(spoil(file.splitlines(keepends=True))))
    assert refused.value.line == line
    with connection(empty) as c:
        assert log.read_head(c).position == 0
        assert events.read_log(c) == []
        assert reports.page(c) == []


def test_a_file_with_a_valid_chain_over_impossible_rows_is_refused(empty: Engine, file: bytes) -> None:
    lines = [json.loads(line) for line in file.splitlines()]
    chain_hash = GENESIS
    for event in lines[1:]:
        del event["chain_hash"]
        event["id"] = lines[1]["id"]
        chain_hash = codec.seal(chain_hash, codec.canonical(event), is_salted=True)
        event["chain_hash"] = chain_hash.hex()
    lines[0]["chain_hash"] = chain_hash.hex()
    with pytest.raises(NotAnExport, match="uq_events_id"):
        import_into(empty, "\n".join(map(json.dumps, lines)).encode())


def test_a_record_whose_report_is_gone_is_not_exported(engine: Engine, file: bytes, database_url: str) -> None:
    with superuser(database_url) as c:
        c.execute("DELETE FROM reports WHERE first_position = 5")
    with pytest.raises(Damaged, match=r"position 5: the report .* of this event is missing"):
        exported(engine)
