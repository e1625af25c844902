"""Sessions of people: who signs in with a key shows from then on a cookie that stands for it.

Nothing is stored. A session is its key's id, the moment at which it ends, and a MAC of both, made with what every
process on the record knows: the stored hash of that key's secret, and the password of the database, so that a copy of
the table of keys alone makes no session. So it goes on through a restart and in every process, and ends with its key,
from the next request on. Signing out only makes the browser forget it: to end a copy of it, the key is revoked.

The cookie is SameSite=Lax and not Strict, which would show a sign-in to whoever follows a link from a mail. It speaks
for nobody who writes under `/v1`, and forms need the token that goes with the session besides.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.types import Scope

from service.api.prefix import prefix_of
from service.settings import is_loopback
from service.store.keys import Key

LIFETIME: Final = timedelta(hours=12)
_VALUE: Final = re.compile(r"(?P<key>[0-9a-f]{12})\.(?P<ends>[0-9]{1,12})\.(?P<mac>[0-9a-f]{64})")
_PASSWORD: Final = re.compile(r"[a-z]+://[^:@/]*:(?P<password>[^@/]*)@")  # as libpq reads an address: # and [ are signs
_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Session:
    """A session of somebody. `value` is what the cookie holds; `form_token` what forms of that session hold."""

    key: Key
    ends: datetime
    value: str = field(repr=False)
    form_token: str = field(repr=False)


class Sessions:
    """Begins sessions and knows them again."""

    def __init__(self, database_url: str) -> None:
        found = _PASSWORD.match(database_url)
        self._of_the_service = unquote(found["password"]).encode() if found else b""

    def begin(self, key: Key, now: datetime) -> Session:
        ends = now + LIFETIME
        return self._session(key, int(ends.timestamp()))

    def find(self, keys: Mapping[str, Key], value: str, now: datetime) -> Session | None:
        """The session that a cookie stands for; None where it is forged, has ended, or its key has."""
        shown = _VALUE.fullmatch(value)
        if shown is None:
            return None
        key = keys.get(shown["key"])
        genuine = hmac.compare_digest(self._mac(key, "session", f"{shown['key']}.{shown['ends']}"), shown["mac"])
        if key is None or not genuine or not key.is_live(now) or now.timestamp() >= int(shown["ends"]):
            return None
        return self._session(key, int(shown["ends"]))

    def _session(self, key: Key, ends: int) -> Session:
        named = f"{key.id}.{ends}"
        value = f"{named}.{self._mac(key, 'session', named)}"
        return Session(key, datetime.fromtimestamp(ends, UTC), value, self._mac(key, "form", named))

    def _mac(self, key: Key | None, purpose: str, named: str) -> str:
        """Made of nobody's hash too, so that the time of the answer does not tell which ids exist."""
        secret = hmac.digest(self._of_the_service, key.secret if key else _NOBODY, "sha256")
        return hmac.new(secret, f"{purpose} {named}".encode(), "sha256").hexdigest()


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
