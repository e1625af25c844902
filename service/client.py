"""A Python client for other programs: read a status, wait for its change, follow all events.

    from service.client import Irritants

    with Irritants("http://127.0.0.1:8000") as irritants:
        banking = irritants.status("ru-us/banking-access")
        changed = irritants.wait("ru-us/banking-access")
        for event in irritants.follow():
            print(event.position, event.stream, event.type)

The client keeps each document with its ETag, so reading an unchanged document again costs the service little. `follow`
checks that no event is missing: positions have no gaps, and `log` proves that the history is still the same.

Every error is an IrritantsError. During an outage the client retries for `patience` seconds, then raises Unavailable.
It raises other errors at once: Problem if the service refuses a request, UnexpectedAnswer if another server responds.

The client pauses after a response without news. It does so even if a proxy removes `Prefer`, changes the ETag or
responds from its cache.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

import httpx2

from service.projections.irritant import IrritantDocument

__all__ = [
    "LONGEST_WAIT",
    "Event",
    "EventsMissing",
    "IrritantDocument",
    "Irritants",
    "IrritantsError",
    "OtherHistory",
    "Problem",
    "Unavailable",
    "UnexpectedAnswer",
]

LONGEST_WAIT: Final = 30
"""The longest time in seconds for which the service holds a waiting request."""
_PAGE: Final = 1_000
_OUTAGES: Final = frozenset({429, 502, 503, 504})
"""The statuses after which a retry can succeed."""
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""The seconds before each retry. The last one repeats."""
_MOST_BYTES: Final = 64 << 20  # a page of a thousand of the longest events has 12 MiB
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
"""A number of seconds in a header."""
# Proxies append a suffix to the tag of a response that they compress.
_TAG: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e]*?)(?:--?(?:gzip|br|zstd|deflate))?"')


class IrritantsError(Exception):
    """The base class of all errors of this client."""


class Problem(IrritantsError):
    """The service refused the request (RFC 9457). `type` is the problem type. `errors` lists mistakes with places."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(document.get("type", "about:blank")).rpartition("/")[2]
        self.detail = str(document.get("detail") or document.get("title") or f"status {status}")
        errors = document.get("errors")
        self.errors: list[dict[str, Any]] = errors if isinstance(errors, list) else []
        super().__init__(self.detail)


class OtherHistory(Problem):
    """The record is not the one that was followed: a backup was restored, or the address leads to another record."""


class EventsMissing(IrritantsError):
    """The service left out events. Do not process later events. Ask the operator of the service."""


class Unavailable(IrritantsError):
    """The service gave no complete response within `patience` seconds. Try again later.

    `status` is the status of the last response, or None without a response. `retry_after` is the number of seconds
    after which the service accepts requests again, or None if it did not say.
    """

    def __init__(self, reason: str, status: int | None = None, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(reason)


class UnexpectedAnswer(IrritantsError):
    """Another server responded instead of the service, such as a sign-in page, a proxy or a cache.

    A retry does not help. Check the address and the proxies in between.
    """

    def __init__(self, url: str, what: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(f"{url} answered {what}, which this service never does; check the address and the proxies")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` reads as the latest version of its type. To resume after it, use its `position` and `log`."""

    position: int
    id: str
    stream: str
    version: int
    type: str
    data: Mapping[str, Any]
    actor: str
    report: str
    recorded_at: datetime
    log: str


@dataclass(frozen=True, slots=True)
class _Response:
    """A complete response. `was_held`: the service held the request for about as long as the client asked to wait."""

    url: str
    status: int
    headers: httpx2.Headers
    value: Any
    was_held: bool


class _Outage(Exception):
    """No complete response. A retry may help."""

    def __init__(self, reason: str, status: int | None = None, retry_after: float = 0) -> None:
        self.reason, self.status, self.retry_after = reason, status, retry_after
        super().__init__(reason)


class Irritants:
    """A client of one service. `patience`: the seconds to retry during an outage before it raises Unavailable.

    Every method returns or raises within `patience` plus the seconds that it waits for a change. The constructor raises
    ValueError if the address or the key is invalid.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        patience: float = 60,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if not re.match("https?://[^/]", url):
            raise ValueError(f"invalid address {url!r}; use one that begins with http:// or https://")
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ValueError("the key contains a line break or another invalid character; remove it")
        headers = {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        self._http = httpx2.Client(base_url=url, headers=headers)
        self._patience, self._pause = patience, pause
        self._last_read: dict[str, tuple[str | None, IrritantDocument]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self, id: str) -> IrritantDocument:
        """Return an irritant, such as `ru-us/visas`. Raises Problem, with 404 if it is not on record."""
        return self._read(id)[0]

    def wait(self, id: str, seconds: int = LONGEST_WAIT) -> IrritantDocument | None:
        """Wait until the irritant differs from the last document that this client read, and return it.

        Return None if it has not changed after `seconds`.
        """
        if id not in self._last_read:
            self._read(id)
        before = self._last_read[id][1]
        until = time.monotonic() + seconds
        pauses = iter(_PAUSES)
        while (left := until - time.monotonic()) > 0:
            document, response = self._read(id, max(1, min(LONGEST_WAIT, round(left))))
            if document is not before:
                return document
            pauses = self._pause_before_next(response, pauses, until)
        return None

    def statuses(self, **filters: str) -> Iterator[IrritantDocument]:
        """Yield all irritants that match the filters: relation, status, basis, lifecycle, awaiting, changed_after."""
        cursor: str | None = None
        while True:
            params = {**filters, "limit": str(_PAGE)} | ({} if cursor is None else {"cursor": cursor})
            response = self._request("/v1/irritants", params)
            with _expected_document(response):
                found = [IrritantDocument.model_validate(item, extra="ignore") for item in response.value["items"]]
                following = response.value["next"]
            yield from found
            if following is None:
                return
            if following == cursor:
                raise UnexpectedAnswer(response.url, "the same page of a list again", response.status)
            cursor = following

    def follow(self, after: int = 0, log: str | None = None, *, wait: int = LONGEST_WAIT) -> Iterator[Event]:
        """Yield every event after a position, once and in order, then new events as they are recorded.

        With `wait=0`, stop at the end of the record. To resume, pass the `position` and the `log` of the last event
        that was processed. Raises OtherHistory and EventsMissing.
        """
        pauses = iter(_PAUSES)
        while True:
            params = {"after": str(after), "limit": str(_PAGE)} | ({"log": log} if log else {})
            response = self._request("/v1/events", params, wait=wait)
            with _expected_document(response):
                following, log = response.value["next"], str(response.value["log"])
                # `log` proves only the end of a page. So only the last event of a page has it.
                events = [_event(e, log if e["position"] == following else "") for e in response.value["items"]]
            for event in events:
                if event.position != after + 1:
                    raise EventsMissing(f"events are missing between positions {after} and {event.position}")
                after = event.position
                yield event
            if events:
                pauses = iter(_PAUSES)
            elif wait:
                pauses = self._pause_before_next(response, pauses)
            else:
                return

    def _pause_before_next(
        self, response: _Response, pauses: Iterator[float], until: float | None = None
    ) -> Iterator[float]:
        """Pause if a response without news came at once, as it does from a proxy that removes `Prefer`.

        The first pauses are short, because the service ends all waits when it shuts down. Later pauses have the length
        of `Poll-Interval`. Return the remaining pauses.
        """
        if response.was_held:
            return iter(_PAUSES)
        suggested = response.headers.get("poll-interval", "")
        longest = max(_PAUSES[-1], int(suggested) if _SECONDS.fullmatch(suggested) else 0)
        pause = next(pauses, min(longest, LONGEST_WAIT))
        self._pause(pause if until is None else max(0, min(pause, until - time.monotonic())))
        return pauses

    def _read(self, id: str, wait: int = 0) -> tuple[IrritantDocument, _Response]:
        """Return an irritant and the response. An unchanged irritant is the same object as before."""
        tag, before = self._last_read.get(id, (None, None))
        response = self._request(f"/v1/irritants/{id}", {}, tag=tag, wait=wait)
        if response.status == httpx2.codes.NOT_MODIFIED and before is not None:
            return before, response
        with _expected_document(response):
            # A later release may add fields.
            document = IrritantDocument.model_validate(response.value, extra="ignore")
        if document == before:
            document = before
        self._last_read[id] = response.headers.get("etag"), document
        return document, response

    def _request(self, path: str, params: Mapping[str, str], *, tag: str | None = None, wait: int = 0) -> _Response:
        """Return a response, after retries if necessary. Raises Problem, UnexpectedAnswer and Unavailable."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        if tag is not None and (tags := _if_none_match(tag)):
            headers["If-None-Match"] = tags
        until = time.monotonic() + wait + self._patience
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._request_once(path, headers, params, wait, until)
            except (_Outage, httpx2.TransportError, httpx2.DecodingError) as error:
                outage = error if isinstance(error, _Outage) else _Outage(str(error) or type(error).__name__)
                pause = max(next(pauses, _PAUSES[-1]), outage.retry_after)
                if time.monotonic() + pause > until:
                    address = _without_secrets(self._http.base_url)
                    reason = f"{address} gave no answer within {self._patience:g} seconds: {outage.reason}"
                    raise Unavailable(reason, outage.status, outage.retry_after or None) from error
            self._pause(pause)

    def _request_once(
        self, path: str, headers: Mapping[str, str], params: Mapping[str, str], wait: int, until: float
    ) -> _Response:
        """Send one request. Raises _Outage or an error of httpx2 if a retry may help, else as `_request`."""
        began = time.monotonic()
        left = max(until - began, 0.001)
        timeout = httpx2.Timeout(min(LONGEST_WAIT + 10, left), connect=min(5, left))
        with self._http.stream("GET", path, headers=headers, params=params, timeout=timeout) as response:
            status = response.status_code
            url = _without_secrets(response.url)
            if status == httpx2.codes.NOT_MODIFIED and "If-None-Match" in headers:
                return _Response(url, status, response.headers, None, was_held=time.monotonic() - began >= 0.9 * wait)
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            is_json = media_type == "application/json" or media_type.endswith("+json")
            if status in _OUTAGES:
                detail = _detail(response, url, until) if is_json else None
                raise _Outage(detail or f"it answered {status}", status, _retry_after(response.headers))
            if response.has_redirect_location:
                raise UnexpectedAnswer(url, f"{status}, a redirect to {response.headers['location'][:200]}", status)
            if not is_json or not (status == httpx2.codes.OK or response.is_error):
                raise UnexpectedAnswer(url, f"{status} with {media_type or 'no media type'}", status)
            value = _json_body(response, url, until)
        if status == httpx2.codes.OK:
            return _Response(url, status, response.headers, value, was_held=time.monotonic() - began >= 0.9 * wait)
        if media_type != "application/problem+json" or not isinstance(value, dict):
            raise UnexpectedAnswer(url, f"{status} with {media_type}", status)
        raise (OtherHistory if status == httpx2.codes.GONE else Problem)(status, value)


def _json_body(response: httpx2.Response, url: str, until: float) -> Any:
    """Read the body of a response as JSON. Raises _Outage if it is incomplete or late."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise UnexpectedAnswer(url, f"with more than {_MOST_BYTES >> 20} MiB", response.status_code)
        if time.monotonic() > until:
            raise _Outage("the body did not arrive in time", response.status_code)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Outage(f"the body is not complete JSON ({error})", response.status_code) from None


@contextmanager
def _expected_document(response: _Response) -> Iterator[None]:
    """Raise UnexpectedAnswer if the JSON is not a document of the service."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(
            response.url, f"{response.status} with JSON of another shape", response.status
        ) from error


def _without_secrets(url: httpx2.URL) -> str:
    """Return the address without user, password and query, which may be secret."""
    return str(url.copy_with(userinfo=b"", query=None))


def _if_none_match(tag: str) -> str:
    """Return the value of If-None-Match: the tag as received, and the tag before a compressing proxy changed it."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return ""  # not a valid tag (RFC 9110)
    original = f'"{found["tag"]}"'
    return tag if tag == original else f"{tag}, {original}"


def _retry_after(headers: httpx2.Headers) -> float:
    """Return the seconds that Retry-After asks to wait (RFC 9110). It can be a number or a date. Default: 0."""
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
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


def _detail(response: httpx2.Response, url: str, until: float) -> str | None:
    """Return the `detail` of a problem document, or None if the body cannot be read."""
    try:
        document = _json_body(response, url, until)
    except (_Outage, httpx2.TransportError, httpx2.DecodingError):
        return None
    return str(document.get("detail") or "") if isinstance(document, dict) else None


def _event(item: Mapping[str, Any], log: str) -> Event:
    """Return the event of a CloudEvent. Its type has the form `irritants.<type>.v<version>`."""
    return Event(
        position=item["position"],
        id=item["id"],
        stream=item["subject"],
        version=item["streamversion"],
        type=item["type"].split(".")[1],
        data=item["data"],
        actor=item["actor"],
        report=item["report"],
        recorded_at=datetime.fromisoformat(item["time"]),
        log=log,
    )
