"""One request and its complete response: what counts as an outage, and what proxies do to headers."""

import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from service.client.errors import UnexpectedAnswer

OUTAGES: Final = frozenset({429, 502, 503, 504})
"""The statuses after which a retry can succeed."""
_MOST_BYTES: Final = 64 << 20  # a page of a thousand of the longest events has 12 MiB
SECONDS: Final = re.compile(r"[0-9]{1,9}")
"""A number of seconds in a header."""
# Proxies append a suffix to the tag of a response that they compress.
_TAG: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e]*?)(?:--?(?:gzip|br|zstd|deflate))?"')


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response. `was_held`: the service held the request for about as long as the client asked to wait."""

    url: str
    status: int
    headers: httpx2.Headers
    value: Any
    was_held: bool


class Outage(Exception):
    """No complete response. A retry may help. `name` is the problem type, if the service responded with one."""

    def __init__(self, reason: str, status: int | None = None, retry_after: float = 0, name: str | None = None) -> None:
        self.reason, self.status, self.retry_after, self.name = reason, status, retry_after, name
        super().__init__(reason)


def json_body(response: httpx2.Response, url: str, until: float) -> Any:
    """Read the body of a response as JSON. Raises Outage if it is incomplete or late."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise UnexpectedAnswer(url, f"with more than {_MOST_BYTES >> 20} MiB", response.status_code)
        if time.monotonic() > until:
            raise Outage("the body did not arrive in time", response.status_code)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Outage(f"the body is not complete JSON ({error})", response.status_code) from None


@contextmanager
def expected_document(response: Response) -> Iterator[None]:
    """Raise UnexpectedAnswer if the JSON is not a document of the service."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(
            response.url, f"{response.status} with JSON of another shape", response.status
        ) from error


def trusted_certificates(url: str) -> ssl.SSLContext:
    """Return the certificates to trust at an address. Without TLS, load none: it takes longer than most requests.

    Redirects are not followed, and a proxy with TLS has certificates of its own.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http://") else httpx2.create_ssl_context()


def without_secrets(url: httpx2.URL) -> str:
    """Return the address without user, password and query, which may be secret."""
    return str(url.copy_with(userinfo=b"", query=None))


def if_none_match(tag: str) -> str:
    """Return the value of If-None-Match: the tag as received, and the tag before a compressing proxy changed it."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return ""  # not a valid tag (RFC 9110)
    original = f'"{found["tag"]}"'
    return tag if tag == original else f"{tag}, {original}"


def retry_after(headers: httpx2.Headers) -> float:
    """Return the seconds that Retry-After asks to wait (RFC 9110). It can be a number or a date. Default: 0."""
    value = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return int(value)
    if (moment := _moment(value)) is None:
        return 0
    # The header Date has the clock of the server, which may differ from ours.
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    return max(0, (moment - now).total_seconds())


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def outage(response: httpx2.Response, url: str, until: float, *, is_json: bool) -> Outage:
    """Return the outage of a response with one of `OUTAGES`, with the words of its problem document if it has one."""
    document: Any = None
    if is_json:
        try:
            document = json_body(response, url, until)
        except (Outage, httpx2.TransportError, httpx2.DecodingError):
            document = None
    problem = document if isinstance(document, dict) else {}
    name = str(problem.get("type") or "").rpartition("/")[2]
    detail = str(problem.get("detail") or f"it answered {response.status_code}")
    return Outage(detail, response.status_code, retry_after(response.headers), name or None)
