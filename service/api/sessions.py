"""Sessions: a person signs in with a key, and a cookie then represents the key.

Nothing is stored. The cookie contains the id of the key and the time at which the session ends, signed with a secret.
A migration makes the secret and stores it in the database, so a session continues after a restart and in every process.
It ends with its key, from the next request on. Signing out only removes the cookie from the browser. To end a copy of
it, revoke the key.

The cookie is SameSite=Lax: with Strict, a person who follows a link in a mail would have to sign in again. It never
authenticates a request that writes below `/v1`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer
from starlette.types import Scope

from service.api.prefix import prefix_of
from service.settings import is_loopback
from service.store.keys import Key

LIFETIME: Final = timedelta(hours=12)
_SIGNED: Final = re.compile(r"(?P<key>[0-9a-f]{12})\.(?P<ends>[0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `value` is the value of the cookie."""

    key: Key
    ends: datetime
    value: str = field(repr=False)


class Sessions:
    """Begins sessions and verifies cookies. All processes on the record share `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, salt="irritants.session", key_derivation="hmac", digest_method=sha256)

    def begin(self, key: Key, now: datetime) -> Session:
        """Return a new session of 12 hours."""
        ends = now + LIFETIME
        return self._session(key, int(ends.timestamp()))

    def find(self, keys: Mapping[str, Key], value: str, now: datetime) -> Session | None:
        """Return the session of a cookie. None if it is forged, has ended, or its key has ended."""
        try:
            signed = _SIGNED.fullmatch(self._signer.unsign(value.encode()).decode())
        except (BadSignature, UnicodeError):
            return None
        key = keys.get(signed["key"]) if signed else None
        if signed is None or key is None or not key.is_live(now) or now.timestamp() >= int(signed["ends"]):
            return None
        return self._session(key, int(signed["ends"]))

    def _session(self, key: Key, ends: int) -> Session:
        value = self._signer.sign(f"{key.id}.{ends}").decode()
        return Session(key, datetime.fromtimestamp(ends, UTC), value)


def cookie_of(scope: Scope) -> str | None:
    """Return the value of the session cookie in a request."""
    cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    if not cookies:
        return None  # the usual case for programs: working out the name of the cookie would take longer
    expected = _cookie_name(scope)
    for one in b";".join(cookies).decode("latin-1").split(";"):
        name, _, value = one.strip().partition("=")
        if name == expected:
            return value
    return None


def cookie(scope: Scope, session: Session) -> str:
    """Return the Set-Cookie header that starts a session in the browser."""
    return _set_cookie(scope, session.value, int(LIFETIME.total_seconds()))


def no_cookie(scope: Scope) -> str:
    """Return the Set-Cookie header that removes the session from the browser."""
    return _set_cookie(scope, "", 0)


def _set_cookie(scope: Scope, value: str, seconds: int) -> str:
    secure = "" if _on_loopback(scope) else "; Secure"
    name, path = _cookie_name(scope), prefix_of(scope) or "/"
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _cookie_name(scope: Scope) -> str:
    # Browsers let no other host and no unencrypted page set a cookie with the prefix `__Host-`. They require Path=/ for
    # it, so a service below a path uses the weaker `__Secure-`.
    if _on_loopback(scope):
        return "irritants"
    return "__Secure-irritants" if prefix_of(scope) else "__Host-irritants"


def _on_loopback(scope: Scope) -> bool:
    """Return whether the request is for a loopback host, without encryption.

    The Host header decides, not the address of the socket, which is loopback behind a local proxy too. The scheme
    https of a trusted proxy takes precedence.
    """
    if scope.get("scheme") == "https":
        return False
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # invalid address in brackets
        return False
