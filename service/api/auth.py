"""Find who sent a request, and what they may do, before the body is read.

Programs send an API key. People send the cookie of a session. A session that has ended counts as no key, not as an
invalid key, so that people still see pages that need no key.

Each process has a copy of all keys. The query for the head also returns a version number of the keys, and the copy is
read again if that number changed. So a revoked key is refused from the next request on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import sessions
from service.api.problems import Problem
from service.api.sessions import Session, Sessions
from service.domain.handling import HIGHEST_RANK
from service.follower import Follower
from service.settings import Settings
from service.store import keys
from service.store.audience import Label, read_labels
from service.store.engine import connection
from service.store.keys import SCOPES, Key

READING: Final = frozenset({"GET", "HEAD"})
_API_PATHS: Final = "/v1/"
_CREDENTIALS: Final = frozenset({b"authorization", b"cookie"})
# Readable without a key even if reading needs one: health, documentation and sign-in.
PUBLIC_PATHS: Final = ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems/", "/static/", "/sign-in")


@dataclass(frozen=True, slots=True)
class Access:
    """The permissions of the sender of a request.

    `name` becomes the actor of the events that they file. `key` is the id of their key, None without one. `relations`
    are the relations that they may report on, and `reads` those that they may read. None means all relations. If
    reading needs no key, `reads` is None. `clearance` is the highest rank of events that they may see.
    """

    name: str
    scopes: tuple[keys.Scope, ...]
    relations: tuple[str, ...] | None = None
    key: str | None = None
    reads: tuple[str, ...] | None = None
    clearance: int = 0

    def may(self, scope: keys.Scope) -> bool:
        """Return whether the key has this scope, or a higher one that includes it."""
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


class Authenticator:
    """Authenticates requests with the copy of the keys."""

    def __init__(self, engine: Engine, follower: Follower, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._engine, self._follower, self._clock = engine, follower, clock
        self._is_open = settings.read_access == "open"
        self._anonymous = _ANONYMOUS_READER if self._is_open else _ANONYMOUS
        # Replaced before its first use: the first `_refresh` reads the stored secret.
        self._sessions = Sessions(token_bytes(32))
        self._version = (-1, -1)  # the resets of the follower, and the version of the keys
        self._keys: Mapping[str, Key] = {}
        self.labels: Sequence[Label] = ()
        self._refresh_lock = asyncio.Lock()

    def anonymous(self, scope: Scope) -> Access | None:
        """Return the permissions of a request that has no credentials. Return None if it has some."""
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
            # Without a token after it, the first word may be a password or a key. So it is not repeated.
            wrong = f"The scheme {scheme} is not supported. " if token and scheme.isalpha() and len(scheme) < 20 else ""
            detail = f"{wrong}Use the scheme Bearer: Authorization: Bearer irr_…"
        else:
            detail = "This key is not valid here. Check that you copied all of it. It may have expired or been revoked."
        if key is None or len(sent) > 1:
            raise Problem("unauthenticated", detail, headers=_INVALID_TOKEN)
        return self.access_of(key)

    def access_of(self, key: Key) -> Access:
        """Return the permissions of a key."""
        reads = None if self._is_open else key.relations
        access = Access(key.name, key.scopes, key.relations, key.id, reads)
        # Who administers the record can export all of it.
        clearance = HIGHEST_RANK if access.may("admin") else self.rank_of(key.clearance)
        return replace(access, clearance=clearance) if clearance else access

    def rank_of(self, label: str) -> int:
        """Return the rank of a label, that of `open` for an unknown one."""
        return next((known.rank for known in self.labels if known.name == label), 0)

    async def sign_in(self, token: str) -> Session | None:
        """Begin a session with a key. None if the key is not valid. Raises DatabaseUnavailable."""
        await self._refresh()
        key = keys.authenticate(self._keys, token, self._clock())
        return None if key is None else self._sessions.begin(key, self._clock())

    async def _access_of_session(self, scope: Scope) -> Access:
        """Return the permissions of the session in the cookie, or those of a request without a key.

        Writes below /v1 ignore the cookie, because a browser also sends it with requests that other sites make.
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
        """Read the keys again if they changed. Raises DatabaseUnavailable."""
        head = await self._follower.head()
        # A restored record may have other keys with the same version number, so the number of resets counts too.
        version = (self._follower.resets, head.keys_version)
        if version == self._version:
            return
        async with self._refresh_lock:
            if version != self._version:
                # A change of a key and the new version number are one transaction. So these keys are not older.
                self._keys, self._sessions, self.labels = await asyncio.to_thread(self._read)
                self._version = version

    def _read(self) -> tuple[Mapping[str, Key], Sessions, Sequence[Label]]:
        with connection(self._engine) as c:
            return keys.read_all(c), Sessions(keys.read_session_secret(c)), read_labels(c)


async def authenticate(scope: Scope) -> Access:
    """Return the present permissions of the sender. Raises Problem (401) and DatabaseUnavailable."""
    authenticator: Authenticator = scope["app"].state.authenticator
    return await authenticator.authenticate(scope)


class Authentication:
    """A layer that stores the Access of a request as `state["key"]`, and refuses reads that need a key."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app, self._authenticator = app, authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        access = state["key"] = self._authenticator.anonymous(scope) or await self._authenticator.authenticate(scope)
        if scope["method"] in READING and not scope["path"].startswith(PUBLIC_PATHS):
            access.require("read")
        await self._app(scope, receive, send)
