"""Authentication and permissions, decided once for each request before its body is read.

Every process refuses a revoked key from the next request on. The shared head query, which runs after the request
arrived, returns a version of the keys, and the keys are read again if it changed. Programs send the key itself. People
send the cookie of a session. A session that has ended counts as no key, and not as a wrong one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import sessions
from service.api.problems import Problem
from service.api.sessions import Session, Sessions
from service.follower import Follower
from service.settings import Settings
from service.store import keys
from service.store.engine import connection
from service.store.keys import SCOPES, Key

READING: Final = frozenset({"GET", "HEAD"})
_API_PATHS: Final = "/v1/"
_CREDENTIALS: Final = frozenset({b"authorization", b"cookie"})
# Readable without a key even if reading needs one: health, documentation and sign-in.
PUBLIC_PATHS: Final = ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems/", "/static/", "/sign-in")


@dataclass(frozen=True, slots=True)
class Access:
    """The permissions of the sender. `name` is the actor of the events that they file.

    `relations` limits where they may report, and `reads` what they may read. None is no limit. `reads` equals
    `relations` if reading needs a key, and is None if reading is open. `key` is the id of the key.
    """

    name: str
    scopes: tuple[keys.Scope, ...]
    relations: tuple[str, ...] | None = None
    key: str | None = None
    reads: tuple[str, ...] | None = None

    def may(self, scope: keys.Scope) -> bool:
        return scope in self.scopes or any(SCOPES.index(held) > SCOPES.index(scope) for held in self.scopes)

    def may_report_on(self, relation: str) -> bool:
        return self.may("report") and (self.relations is None or relation in self.relations)

    def may_read(self, relation: str | None) -> bool:
        """Return whether the limit allows reading this relation. None stands for the whole record."""
        return self.reads is None or relation in self.reads

    def require(self, scope: keys.Scope) -> None:
        """Raise Problem if the scope is missing: 401 without a key, 403 with one."""
        if self.may(scope):
            return
        if self.key is None:
            raise Problem(
                "unauthenticated",
                f"This request needs a key with the scope {scope}. Send it as Authorization: Bearer irr_….",
                headers=_CHALLENGE,
            )
        raise forbidden(f"The key {self.name} lacks the scope {scope}. Use a key that has it.", scope)


def forbidden(detail: str, scope: keys.Scope, **members: Any) -> Problem:
    challenge = f'Bearer realm="irritants", error="insufficient_scope", scope="{scope}"'
    return Problem("forbidden", detail, headers={"WWW-Authenticate": challenge}, **members)


_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="irritants"'}
_INVALID_TOKEN: Final = {"WWW-Authenticate": 'Bearer realm="irritants", error="invalid_token"'}
_ANONYMOUS_READER: Final = Access("anonymous", ("read",))
_ANONYMOUS: Final = Access("anonymous", ())


class Gate:
    """Authenticates by a copy of the keys, which is as current as the head that was confirmed for the request."""

    def __init__(self, engine: Engine, follower: Follower, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._engine, self._follower, self._clock = engine, follower, clock
        self._is_open = settings.read_access == "open"
        self._anonymous = _ANONYMOUS_READER if self._is_open else _ANONYMOUS
        self._sessions = Sessions(
            token_bytes(32)
        )  # unused: the secret of the record is read with the keys, before the first session
        self._version = (-1, -1)
        self._keys: Mapping[str, Key] = {}
        self._turn = asyncio.Lock()

    def anonymous(self, scope: Scope) -> Access | None:
        """Return the permissions of a request without credentials, without reading keys. None if it has some."""
        for name, _ in scope["headers"]:
            if name in _CREDENTIALS:
                return None
        return self._anonymous

    async def authenticate(self, scope: Scope) -> Access:
        """Return the present permissions of the sender. Call it again after a wait.

        Raises Problem (401) and DatabaseUnavailable.
        """
        # Some clients without a key send an empty value.
        sent = [value for name, value in scope["headers"] if name == b"authorization" and value.strip()]
        if not sent:
            return await self._access_of_session(scope)
        await self._refresh()
        scheme, _, token = sent[0].decode("latin-1").partition(" ")
        key = keys.authenticate(self._keys, token.strip(), self._clock()) if scheme.lower() == "bearer" else None
        if len(sent) > 1:
            detail = f"Send Authorization once; this request has {len(sent)}."
        elif scheme.lower() != "bearer":
            detail = "Use the scheme Bearer: Authorization: Bearer irr_…"
        else:
            detail = "This key is not valid here. Check that you copied all of it. It may have expired or been revoked."
        if key is None or len(sent) > 1:
            raise Problem("unauthenticated", detail, headers=_INVALID_TOKEN)
        return self.access_of(key)

    def access_of(self, key: Key) -> Access:
        """Return the permissions of a key."""
        return Access(key.name, key.scopes, key.relations, key.id, None if self._is_open else key.relations)

    async def sign_in(self, token: str) -> Session | None:
        """Begin a session with a key. None if the key is not valid. Raises DatabaseUnavailable."""
        await self._refresh()
        key = keys.authenticate(self._keys, token, self._clock())
        return None if key is None else self._sessions.begin(key, self._clock())

    async def _access_of_session(self, scope: Scope) -> Access:
        """Return the permissions of a session.

        A cookie does not authenticate writes below /v1, because a browser sends it with requests of other sites too.
        """
        value = sessions.cookie_of(scope)
        if value is None or (scope["method"] not in READING and scope["path"].startswith(_API_PATHS)):
            return self._anonymous
        await self._refresh()
        session = self._sessions.find(self._keys, value, self._clock())
        if session is None:
            return self._anonymous
        scope["state"]["session"] = session
        return self.access_of(session.key)

    async def _refresh(self) -> None:
        head = await self._follower.head()
        # With the number of full resets, because a restored record may have other keys under the same version.
        version = (self._follower.starts, head.keys_version)
        if version == self._version:
            return
        async with self._turn:
            if version != self._version:
                # The keys read now are at least of that version, which changes in the transaction that changes a key.
                self._keys, self._sessions = await asyncio.to_thread(self._read)
                self._version = version

    def _read(self) -> tuple[Mapping[str, Key], Sessions]:
        with connection(self._engine) as c:
            return keys.read_all(c), Sessions(keys.read_session_secret(c))


async def authenticate(scope: Scope) -> Access:
    """Return the present permissions of the sender. Raises Problem (401) and DatabaseUnavailable."""
    gate: Gate = scope["app"].state.gate
    return await gate.authenticate(scope)


class Authentication:
    """A layer that stores the permissions in the state of the request as `key`, and refuses reads that need a key."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        access = state["key"] = self._gate.anonymous(scope) or await self._gate.authenticate(scope)
        if scope["method"] in READING and not scope["path"].startswith(PUBLIC_PATHS):
            access.require("read")
        await self._app(scope, receive, send)
