"""Sessions of people: a person signs in with a key, and a cookie stands for the key from then on.

Nothing is stored. The cookie holds the key's id and the second at which the session ends, signed with a secret of the
record. The secret is made by a migration and lies in the database, so a session goes on through a restart and in every
process. It ends with its key, from the next request on. Signing out only makes the browser forget the cookie: to end a
copy of it, revoke the key.

The cookie is SameSite=Lax and not Strict, which would show the sign-in page to a person who follows a link from a mail.
No request that writes under `/v1` is authenticated by it.
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
    """A session. `value` is what the cookie holds."""

    key: Key
    ends: datetime
    value: str = field(repr=False)


class Sessions:
    """Begin sessions and find them by their cookie. `secret` is shared by all processes on the record."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, salt="irritants.session", key_derivation="hmac", digest_method=sha256)

    def begin(self, key: Key, now: datetime) -> Session:
        ends = now + LIFETIME
        return self._session(key, int(ends.timestamp()))

    def find(self, keys: Mapping[str, Key], value: str, now: datetime) -> Session | None:
        """Return the session of a cookie; None where it is forged, has ended, or its key has ended."""
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


def shown(scope: Scope) -> str | None:
    """What the browser shows as its session."""
    cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    if not cookies:
        return None  # as with every program: to know which name would count takes longer than all the rest
    wanted = _name(scope)
    for one in b";".join(cookies).decode("latin-1").split(";"):
        name, _, value = one.strip().partition("=")
        if name == wanted:
            return value
    return None


def cookie(scope: Scope, session: Session) -> str:
    """The header that makes the browser keep a session until it ends."""
    return _set(scope, session.value, int(LIFETIME.total_seconds()))


def no_cookie(scope: Scope) -> str:
    """The header that makes the browser forget its session."""
    return _set(scope, "", 0)


def _set(scope: Scope, value: str, seconds: int) -> str:
    secure = "" if _on_loopback(scope) else "; Secure"
    return f"{_name(scope)}={value}; Path={prefix_of(scope) or '/'}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _name(scope: Scope) -> str:
    # With this name no neighbouring host, and no page that came without encryption, can put its own in the place. It is
    # for the root alone: a browser takes no `__Host-` cookie with another Path.
    if _on_loopback(scope):
        return "irritants"
    return "__Secure-irritants" if prefix_of(scope) else "__Host-irritants"


def _on_loopback(scope: Scope) -> bool:
    """Whether this machine asks itself, without encryption; by the name that the browser asked for.

    Not by the address that is served on: that is loopback, too, where a proxy stands in front. One that is trusted and
    says that it was asked with encryption is believed, whatever name it asks for itself.
    """
    if scope.get("scheme") == "https":
        return False
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # brackets around what is no address
        return False
