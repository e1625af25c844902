"""Who asks, and what they may do. Decided once for each request, before anything of it is read.

A key that is revoked is refused from the next request on, in every process: the shared head query, which runs after the
request arrived, tells whether any key changed; only then are the keys read again. Programs show the key itself, people
the cookie of a session that began with it; one that has ended is nobody's, and no mistake.
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
_OF_PROGRAMS: Final = "/v1/"
_SHOWN: Final = frozenset({b"authorization", b"cookie"})
# What a stranger may see where reading needs a key: how to ask, and that the service is up.
FOR_ANYBODY: Final = ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems/", "/static/", "/sign-in")


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks. `name` is the actor of what they file; `relations` limits where they may report.

    `reads` limits what they may read: it equals `relations` where reading needs a key, and is None (no limit) where
    reading is open.
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
        """Whether a key's limit allows reading this relation; None stands for the whole record."""
        return self.reads is None or relation in self.reads

    def require(self, scope: keys.Scope) -> None:
        """Raises Problem: 401 where no key was shown, 403 where it is not enough."""
        if self.may(scope):
            return
        if self.key is None:
            raise Problem("unauthenticated", f"This needs a key with the scope {scope}.", headers=_CHALLENGE)
        raise forbidden(f"The key {self.name} has not the scope {scope}.", scope)


def forbidden(detail: str, scope: keys.Scope, **members: Any) -> Problem:
    challenge = f'Bearer realm="irritants", error="insufficient_scope", scope="{scope}"'
    return Problem("forbidden", detail, headers={"WWW-Authenticate": challenge}, **members)


_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="irritants"'}
_REFUSED: Final = {"WWW-Authenticate": 'Bearer realm="irritants", error="invalid_token"'}
_READER: Final = Access("anybody", ("read",))
_STRANGER: Final = Access("nobody", ())


class Gate:
    """This process's copy of the keys, as fresh as the head that a request saw."""

    def __init__(self, engine: Engine, follower: Follower, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._engine, self._follower, self._clock = engine, follower, clock
        self._is_open = settings.read_access == "open"
        self._stranger = _READER if self._is_open else _STRANGER
        self._sessions = Sessions(token_bytes(32))  # none can begin with it: the record's secret is read with the keys
        self._version = (-1, -1)
        self._keys: Mapping[str, Key] = {}
        self._turn = asyncio.Lock()

    def nobody(self, scope: Scope) -> Access | None:
        """Whoever shows nothing, which needs no look at the keys; None where something is shown."""
        for name, _ in scope["headers"]:
            if name in _SHOWN:
                return None
        return self._stranger

    async def authenticate(self, scope: Scope) -> Access:
        """Who asks now; ask again for a request that has waited. Raises Problem (401) and DatabaseUnavailable."""
        # An empty value shows nothing: some clients send it where they have no key.
        shown = [value for name, value in scope["headers"] if name == b"authorization" and value.strip()]
        if not shown:
            return await self._of_session(scope)
        await self._refresh()
        scheme, _, token = shown[0].decode("latin-1").partition(" ")
        key = keys.authenticate(self._keys, token.strip(), self._clock()) if scheme.lower() == "bearer" else None
        if key is None or len(shown) > 1:
            detail = "The key is not one of this service, or has expired or been revoked."
            raise Problem("unauthenticated", detail, headers=_REFUSED)
        return self.access_of(key)

    def access_of(self, key: Key) -> Access:
        """Return what the holder of a key may do."""
        return Access(key.name, key.scopes, key.relations, key.id, None if self._is_open else key.relations)

    async def sign_in(self, token: str) -> Session | None:
        """A new session for whoever shows a key; None where it is none. Raises DatabaseUnavailable."""
        await self._refresh()
        key = keys.authenticate(self._keys, token, self._clock())
        return None if key is None else self._sessions.begin(key, self._clock())

    async def _of_session(self, scope: Scope) -> Access:
        """Who signed in, for whatever a browser asks by itself: it would show the cookie also where others send it."""
        value = sessions.shown(scope)
        if value is None or (scope["method"] not in READING and scope["path"].startswith(_OF_PROGRAMS)):
            return self._stranger
        await self._refresh()
        session = self._sessions.find(self._keys, value, self._clock())
        if session is None:
            return self._stranger
        scope["state"]["session"] = session
        return self.access_of(session.key)

    async def _refresh(self) -> None:
        head = await self._follower.head()
        # Counted with the times that the record was known anew: another copy may count the same up to other keys.
        version = (self._follower.starts, head.keys_version)
        if version == self._version:
            return
        async with self._turn:
            if version != self._version:
                # What is read now is not older than that version: who changes a key counts up in the same transaction.
                self._keys, self._sessions = await asyncio.to_thread(self._read)
                self._version = version

    def _read(self) -> tuple[Mapping[str, Key], Sessions]:
        with connection(self._engine) as c:
            return keys.read_all(c), Sessions(keys.read_session_secret(c))


async def authenticate(scope: Scope) -> Access:
    """Who asks now, by the gate of the application that the request came to."""
    gate: Gate = scope["app"].state.gate
    return await gate.authenticate(scope)


class Authentication:
    """Puts who asks into the request's state as `key`, and refuses reading to those who may not read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        access = state["key"] = self._gate.nobody(scope) or await self._gate.authenticate(scope)
        if scope["method"] in READING and not scope["path"].startswith(FOR_ANYBODY):
            access.require("read")
        await self._app(scope, receive, send)
