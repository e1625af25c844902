"""Sessions of people: they sign in with an API key once, and a signed cookie stands for the key for 12 hours.

The server stores no sessions. The cookie has the id of the key and the end of the session, signed with a secret. The
secret is in the database, so a session is valid in every process and after a restart. When the key ends, its sessions
end with the next request. Signing out only removes the cookie from the browser. To end a stolen copy of a cookie,
revoke the key.

The cookie has SameSite=Lax. With Strict, a person who follows a link in a mail would have to sign in again. So `auth`
ignores the cookie in requests that write below `/v1`.
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
    """The session of one key. `value` is the value of the cookie."""

    key: Key
    ends: datetime
    value: str = field(repr=False)


class Sessions:
    """Begins sessions and verifies cookies. All processes of the service share `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, salt="irritants.session", key_derivation="hmac", digest_method=sha256)

    def begin(self, key: Key, now: datetime) -> Session:
        """Return a new session of 12 hours."""
        ends = now + LIFETIME
        return self._session(key, int(ends.timestamp()))

    def find(self, keys: Mapping[str, Key], value: str, now: datetime) -> Session | None:
        """Return the session of a cookie. None if the cookie is forged, or if its session or its key has ended."""
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
        return None  # most programs: skip finding the name of the cookie, which takes longer
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
    # With the name prefix `__Host-`, browsers refuse the cookie from other hosts and from pages without encryption.
    # They require Path=/ for it, so a service below a path uses the weaker `__Secure-`.
    if _on_loopback(scope):
        return "irritants"
    return "__Secure-irritants" if prefix_of(scope) else "__Host-irritants"


def is_kept(scope: Scope) -> bool:
    """Return whether the browser keeps the cookie of a session: over https, or from a loopback host.

    Browsers send Sec-Fetch-Site only where they would keep it. So it shows that a proxy that is not trusted ended TLS.
    """
    is_own = scope.get("scheme") == "https" or _on_loopback(scope)
    return is_own or any(name == b"sec-fetch-site" for name, _ in scope["headers"])


def _on_loopback(scope: Scope) -> bool:
    """Return whether the request is for a loopback host, without encryption.

    The header Host decides. The address of the socket would be loopback behind a local proxy too. If a trusted proxy
    reports https, the request is encrypted.
    """
    if scope.get("scheme") == "https":
        return False
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # invalid address in brackets
        return False
