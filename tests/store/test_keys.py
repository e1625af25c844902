"""API keys: shown once and compared by hash. Every change is visible in the head."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Connection, Engine, select

from service.store import keys, log, tables
from service.store.engine import driver, transaction
from service.store.keys import Key
from tests.store.record import NOON, VISAS, put


@pytest.fixture
def opened(engine: Engine) -> Iterator[Connection]:
    with transaction(engine) as c:
        yield c


def test_the_token_of_a_new_key_authenticates(opened: Connection) -> None:
    key, token = keys.create(opened, "oslo-desk", ("report",), NOON)
    assert keys.authenticate(keys.read_all(opened), token, NOON) == key


def test_neither_the_row_nor_the_list_has_the_secret(opened: Connection) -> None:
    key, token = keys.create(opened, "oslo-desk", ("report",), NOON, relations=("no-se",))
    secret = token.split("_", 2)[2]
    row = opened.execute(select(tables.keys)).one()
    assert secret not in repr(row)
    assert key.secret == sha256(secret.encode()).digest()
    assert repr(key.secret) not in repr(keys.read_all(opened))


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: f"{token}x",
        lambda token: f" {token}",
        lambda token: f"{token}\n",
        lambda token: token.upper(),
        lambda token: token.removeprefix("irr_"),
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "irr_000000000000_" + token.split("_", 2)[2],
        lambda token: "irr_000000000000_" + "é" * 43,
    ],
)
def test_a_forged_or_shortened_token_is_refused(opened: Connection, forge: Callable[[str], str]) -> None:
    _, token = keys.create(opened, "oslo-desk", ("report",), NOON)
    assert keys.authenticate(keys.read_all(opened), forge(token), NOON) is None


def test_a_key_authenticates_until_it_expires(opened: Connection) -> None:
    end = NOON + timedelta(days=1)
    _, token = keys.create(opened, "oslo-desk", ("read",), NOON, expires_at=end)
    known = keys.read_all(opened)
    assert keys.authenticate(known, token, end - timedelta(microseconds=1))
    assert keys.authenticate(known, token, end) is None


def test_a_revoked_key_is_refused_and_listed_as_revoked(opened: Connection) -> None:
    key, token = keys.create(opened, "oslo-desk", ("read",), NOON)
    later = NOON + timedelta(hours=1)
    assert keys.revoke(opened, key.id, later)
    known = keys.read_all(opened)
    assert keys.authenticate(known, token, later) is None
    assert known[key.id].revoked_at == later


def test_a_key_is_revoked_once(opened: Connection) -> None:
    key, _ = keys.create(opened, "oslo-desk", ("read",), NOON)
    assert keys.revoke(opened, key.id, NOON)
    assert not keys.revoke(opened, key.id, NOON + timedelta(hours=1))
    assert not keys.revoke(opened, "000000000000", NOON)
    assert keys.read_all(opened)[key.id].revoked_at == NOON


def test_keys_are_listed_oldest_first(opened: Connection) -> None:
    younger, _ = keys.create(opened, "b", ("read",), NOON + timedelta(days=1))
    older, _ = keys.create(opened, "a", ("admin", "report"), NOON, relations=("no-se", "dk-no"))
    assert list(keys.read_all(opened).values()) == [older, younger]


def test_every_change_is_counted_at_the_head_and_announced(engine: Engine, record: Connection) -> None:
    driver(record).execute(f"LISTEN {log.CHANNEL}")
    with transaction(engine) as c:
        key, _ = keys.create(c, "oslo-desk", ("read",), NOON)
    assert log.read_head(record).keys_version == 1
    with transaction(engine) as c:
        keys.revoke(c, key.id, NOON)
    assert log.read_head(record).keys_version == 2
    with transaction(engine) as c:
        keys.revoke(c, key.id, NOON)
    assert log.read_head(record).keys_version == 2
    assert [notice.payload for notice in driver(record).notifies(timeout=0.5)] == ["keys", "keys"]


def test_a_change_of_the_keys_does_not_make_a_writer_s_head_stale(engine: Engine, record: Connection) -> None:
    head = log.read_head(record)
    with transaction(engine) as c:
        keys.create(c, "oslo-desk", ("read",), NOON)
    put(record, (VISAS, 1))
    now = log.read_head(record)
    assert (now.position, now.keys_version) == (head.position + 1, 1)


def test_a_key_whose_creation_is_rolled_back_does_not_exist(engine: Engine, record: Connection) -> None:
    with transaction(engine) as c:
        keys.create(c, "oslo-desk", ("read",), NOON)
        c.rollback()
    assert keys.read_all(record) == {}
    assert log.read_head(record).keys_version == 0


def test_a_key_has_every_column_of_the_table() -> None:
    assert [field.name for field in fields(Key)] == list(tables.keys.c.keys())
