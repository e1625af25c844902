"""Payloads of all released versions are read, lines are canonical, and decode(encode(e)) = e."""

import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import catalogue
from service.store import codec, upcasters
from service.store.codec import GENESIS, StoredEvent, StoredReport, UnreadableEvent
from service.store.log import Head
from service.store.upcasters import NoUpcaster, Payload, upcast
from tests.store.record import NOON, VISAS, filing, new_id

GOLDEN = Path(__file__).parents[1] / "golden"
SHIPPED = [(type, v) for type, newest in catalogue.SCHEMA_VERSIONS.items() for v in range(1, newest + 1)]
EMPTY = Head(new_id(), 0, GENESIS, NOON, 0)


def golden(type: str, version: int) -> Path:
    return GOLDEN / f"{type}.v{version}.json"


def row(type: str, schema_version: int, data: str) -> StoredEvent:
    id = new_id()
    return StoredEvent(7, VISAS, 3, id, type, schema_version, data, "oslo-desk", id, id, None, NOON, GENESIS)


@pytest.mark.parametrize(("type", "version"), SHIPPED)
def test_every_released_version_of_a_payload_is_read(type: str, version: int) -> None:
    event = codec.decode(row(type, version, golden(type, version).read_text(encoding="utf-8")))
    assert event.type == type
    assert isinstance(event.data, catalogue.EVENT_TYPES[type])


@pytest.mark.parametrize("type", catalogue.EVENT_TYPES)
def test_the_newest_golden_payload_has_every_field_and_is_written_as_it_was_read(type: str) -> None:
    payload = json.loads(golden(type, catalogue.SCHEMA_VERSIONS[type]).read_text(encoding="utf-8"))
    event = catalogue.load(type, payload)
    assert catalogue.dump(event) == payload
    assert payload.keys() == {f.alias or name for name, f in catalogue.EVENT_TYPES[type].model_fields.items()}


def test_every_golden_payload_belongs_to_a_version() -> None:
    assert {path.name for path in GOLDEN.glob("*.json")} == {golden(*shipped).name for shipped in SHIPPED}


def test_every_older_version_has_an_upcaster_to_the_next() -> None:
    assert upcasters.UPCASTERS.keys() == {
        (type, version) for type, version in SHIPPED if version < catalogue.SCHEMA_VERSIONS[type]
    }


@pytest.mark.parametrize("type", catalogue.EVENT_TYPES)
def test_no_event_has_a_field_for_fractions(type: str) -> None:
    assert '"number"' not in json.dumps(catalogue.EVENT_TYPES[type].model_json_schema())


# A type whose shape changed twice.
def _named_in_one_field(payload: Payload) -> Payload:
    return {"name": f"{payload['first']} {payload['last']}"}


def _named_in_several_spellings(payload: Payload) -> Payload:
    return {"names": [payload["name"]]}


NAMES = {("EnvoyNamed", 1): _named_in_one_field, ("EnvoyNamed", 2): _named_in_several_spellings}


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (1, {"first": "Kari", "last": "Nordmann"}),
        (2, {"name": "Kari Nordmann"}),
        (3, {"names": ["Kari Nordmann"]}),
    ],
)
def test_a_payload_is_upcast_one_version_at_a_time(version: int, payload: dict[str, Any]) -> None:
    assert upcast("EnvoyNamed", version, payload, newest=3, upcasters=NAMES) == {"names": ["Kari Nordmann"]}


def test_a_missing_upcaster_is_reported() -> None:
    with pytest.raises(NoUpcaster, match="EnvoyNamed version 3 has no upcaster"):
        upcast("EnvoyNamed", 1, {"first": "Kari", "last": "Nordmann"}, newest=4, upcasters=NAMES)


def test_an_old_row_is_upcast_when_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.SCHEMA_VERSIONS, "IrritantOpened", 2)
    monkeypatch.setattr(
        upcasters.upcast,
        "__kwdefaults__",
        {"upcasters": {("IrritantOpened", 1): lambda old: {**old, "category": old["category"].lower()}}},
    )
    old = row("IrritantOpened", 1, '{"type": "IrritantOpened", "title": "Visas", "category": "MOBILITY"}')
    assert codec.upcast(old) == old._replace(
        schema_version=2, data='{"category":"mobility","title":"Visas","type":"IrritantOpened"}'
    )
    assert codec.decode(old).data == catalogue.load(
        "IrritantOpened", {"type": "IrritantOpened", "title": "Visas", "category": "mobility"}
    )


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (row("TreatySigned", 1, "{}"), "position 7: unknown event type TreatySigned"),
        (row("IrritantOpened", 99, "{}"), "position 7: IrritantOpened version 99 is newer than this release"),
        (
            row("IrritantOpened", 1, '{"title": "Visas"}'),
            "position 7: IrritantOpened does not match its schema at category: Field required$",
        ),
    ],
)
def test_an_unreadable_event_is_reported_with_its_position(stored: StoredEvent, why: str) -> None:
    with pytest.raises(UnreadableEvent, match=why):
        codec.decode(stored)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
REPORT = st.builds(
    StoredReport,
    st.uuids().map(str), TEXT, st.binary(), TEXT, TEXT, TEXT | st.none(), TEXT,
    st.integers(), st.integers(), st.just(NOON),
)  # fmt: skip
EVENT = st.builds(
    StoredEvent,
    st.integers(1), TEXT, st.integers(1), st.uuids().map(str), TEXT, st.integers(1), JSON.map(json.dumps), TEXT,
    st.uuids().map(str), TEXT, TEXT | st.none(), st.datetimes(timezones=st.just(UTC)), st.binary(),
    TEXT | st.none(), st.binary(min_size=16, max_size=16) | st.none(),
)  # fmt: skip


@given(EVENT, REPORT)
def test_a_line_is_canonical_json(event: StoredEvent, report: StoredReport) -> None:
    line = codec.stored_line(event, report)
    assert line == codec.canonical(json.loads(line))


@given(EVENT, REPORT)
def test_a_line_contains_every_stored_column(event: StoredEvent, report: StoredReport) -> None:
    said = json.loads(codec.with_chain_hash(codec.stored_line(event, report), event.chain_hash))
    columns = {name: value for name, value in event._asdict().items() if value is not None or name == "causation"}
    assert said == {
        **{name: value for name, value in columns.items() if name != "rank"},
        **({"salt": event.salt.hex()} if event.salt is not None else {}),
        "data": json.loads(event.data),
        "recorded_at": codec.instant(event.recorded_at),
        "chain_hash": event.chain_hash.hex(),
        "reporthash": report.request_hash.hex(),
        "reportkey": report.key,
        "reportrelation": report.relation,
        "reportround": report.round,
        "reporttitle": report.title,
    }


@pytest.mark.parametrize("type", catalogue.EVENT_TYPES)
def test_an_event_has_the_same_line_before_and_after_it_is_stored(type: str) -> None:
    payload = json.loads(golden(type, catalogue.SCHEMA_VERSIONS[type]).read_text(encoding="utf-8"))
    report, (event,) = filing(EMPTY, (VISAS, 1, payload))
    stored = row(type, catalogue.SCHEMA_VERSIONS[type], json.dumps(payload, indent=3))._replace(
        position=1, version=1, id=event.id, report=report.id, correlation=report.id, salt=bytes(16)
    )
    assert codec.new_line(event, report, bytes(16)) == codec.stored_line(stored, report)
    assert codec.decode(stored) == event


@pytest.mark.parametrize("changes", [{"hours": 1.5}, {"hours": [1, {"at_least": 2.0}]}])
def test_a_fraction_is_never_stored(changes: dict[str, object]) -> None:
    correction = {"type": "AssertionCorrected", "target": new_id(), "changes": changes, "reason": "It was longer."}
    report, (event,) = filing(EMPTY, (VISAS, 1, correction))
    with pytest.raises(TypeError, match="use whole numbers"):
        codec.new_line(event, report, bytes(16))


def test_a_moment_is_written_in_one_way() -> None:
    assert codec.instant(NOON) == "2031-05-14T12:00:00.000000Z"
    assert codec.instant(NOON.astimezone()) == "2031-05-14T12:00:00.000000Z"


_texts = st.text(st.characters(exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda members: st.lists(members) | st.dictionaries(_texts, members),
)


@given(value=_json, escaped=st.booleans())
def test_json_from_the_database_is_converted_to_the_canonical_form(value: object, *, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    assert codec.canonical_text(text) == codec.canonical(json.loads(text))


@pytest.mark.parametrize("text", ["18446744073709551616", "-9223372036854775809", "1e5", "-0", '{"b": 1.50, "a": {}}'])
def test_numbers_of_every_length_keep_their_form(text: str) -> None:
    assert codec.canonical_text(text) == codec.canonical(json.loads(text))


_whole = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | _texts,
    lambda members: st.lists(members) | st.dictionaries(_texts, members, min_size=2),
)


@given(_whole)
def test_new_json_is_in_the_canonical_form(value: object) -> None:
    assert codec.canonical_without_fractions(value) == codec.canonical(value)


@pytest.mark.parametrize("form", [codec.canonical_without_fractions, lambda value: codec.canonical(value).encode()])
def test_a_lone_surrogate_is_refused_in_both_forms(form: Callable[[object], object]) -> None:
    with pytest.raises(UnicodeEncodeError):
        form({"summary": "\ud800"})
