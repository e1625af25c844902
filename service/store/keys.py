"""API keys of the form `irr_<id>_<secret>`. The database has only the SHA-256 hash of the secret.

The secret has 256 random bits, so a slow hash would not protect it better, and would slow down every request.

Each process has a copy of all keys in memory. Every change of a key increments `head.keys_version`, which the query for
the head returns. So processes know when to read the keys again.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args

from sqlalchemy import Connection, func, insert, select, update

from service.domain.handling import OPEN
from service.store import audience
from service.store.audience import Label
from service.store.log import CHANNEL
from service.store.tables import head, keys

Scope = Literal["read", "report", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""Each scope includes the ones before it."""

# Longer than the secrets that `new_token` makes: an operator may have chosen the first key.
_TOKEN: Final = re.compile(r"irr_([0-9a-f]{12})_([A-Za-z0-9_-]{43,128})")
_KEY_IN_TEXT: Final = re.compile(r"irr_[0-9a-f]{12}_[A-Za-z0-9_-]+")
_NO_SECRET: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. Its name is the actor of the events that are filed with it.

    `relations` are the relations that it may report on and, if reading needs a key, read. None means all. `secret` is
    the hash. `clearance` is the highest handling label that it may read.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    relations: tuple[str, ...] | None
    secret: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    clearance: str = OPEN

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def redact_keys(text: str) -> str:
    """Return the text with `irr_…` in place of each API key, for logs and messages."""
    return _KEY_IN_TEXT.sub("irr_…", text) if "irr_" in text else text


def create(
    connection: Connection,
    name: str,
    scopes: tuple[Scope, ...],
    now: datetime,
    *,
    relations: tuple[str, ...] | None = None,
    expires_at: datetime | None = None,
    clearance: str = OPEN,
) -> tuple[Key, str]:
    """Create a key. Return it and its token, to show once: it is not stored. Call it inside `engine.transaction`."""
    token = new_token()
    key = _store(connection, token, name, scopes, now, relations=relations, expires_at=expires_at, clearance=clearance)
    return key, token


def create_first(connection: Connection, token: str, name: str, scopes: tuple[Scope, ...], now: datetime) -> bool:
    """Create the key with this token if the record never had a key. Return whether the token is valid now.

    Call it inside `engine.transaction`, with the head locked, so that only one process creates the key.
    """
    known = read_all(connection)
    if not known:
        _store(connection, token, name, scopes, now)
    return not known or authenticate(known, token, now) is not None


def new_token() -> str:
    """Return a new random token. It is a key once it is created in a record."""
    return f"irr_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def _store(
    connection: Connection,
    token: str,
    name: str,
    scopes: tuple[Scope, ...],
    now: datetime,
    *,
    relations: tuple[str, ...] | None = None,
    expires_at: datetime | None = None,
    clearance: str = OPEN,
) -> Key:
    parts = _TOKEN.fullmatch(token)
    assert parts is not None  # the settings check the form of a key that an operator chose
    id, secret = parts.groups()
    key = Key(id, name, scopes, relations, _hash(secret), now, expires_at, clearance=clearance)
    connection.execute(insert(keys).values({column: getattr(key, column) for column in Key.__slots__}))
    _announce(connection)
    return key


def revoke(connection: Connection, id: str, now: datetime) -> bool:
    """Revoke a key. Return False if it does not exist or is revoked already. Call it inside `engine.transaction`."""
    revoked = update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
    if not connection.execute(revoked).rowcount:
        return False
    _announce(connection)
    return True


def read_all(connection: Connection) -> dict[str, Key]:
    """Return all keys by id, oldest first, including expired and revoked keys."""
    query = select(*(keys.c[name] for name in Key.__slots__)).order_by(keys.c.created_at, keys.c.id)
    return {
        row.id: Key(
            row.id,
            row.name,
            tuple(row.scopes),
            None if row.relations is None else tuple(row.relations),
            row.secret,
            row.created_at,
            row.expires_at,
            row.revoked_at,
            row.clearance,
        )
        for row in connection.execute(query)
    }


def read_session_secret(connection: Connection) -> bytes:
    """Return the 32 bytes that sign sessions. If you replace them by SQL, increment `head.keys_version` with them."""
    secret: bytes = connection.execute(select(head.c.session_secret)).scalar_one()
    return secret


def authenticate(keys: Mapping[str, Key], token: str, now: datetime) -> Key | None:
    """Return the key of a token. None if the token is invalid or its key has expired or was revoked."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    id, secret = match.groups()
    key = keys.get(id)
    # Compare secrets for unknown ids too, so that the duration does not show which ids exist.
    genuine = hmac.compare_digest(_hash(secret), key.secret if key else _NO_SECRET)
    return key if key and genuine and key.is_live(now) else None


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def add_label(connection: Connection, label: Label) -> None:
    """Register a handling label, and let every process know it. Call it inside `engine.transaction`.

    A label that the record has already stays as it is. Raises IntegrityError if another one has its rank.
    """
    audience.add_label(connection, label)
    _announce(connection)


def _announce(connection: Connection) -> None:
    version = head.c.keys_version + 1
    connection.execute(update(head).values(keys_version=version))
    connection.execute(select(func.pg_notify(CHANNEL, "keys")))
