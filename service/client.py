"""A client for programs: read a status, wait for its change, follow all events.

    from service.client import Irritants

    with Irritants("http://127.0.0.1:8000") as irritants:
        banking = irritants.status("ru-us/banking-access")
        changed = irritants.wait("ru-us/banking-access")
        for event in irritants.follow():
            print(event.position, event.stream, event.type)

Documents are cached with their ETags, so reading an unchanged one again costs the service little. `follow` checks that
no event is missing: positions have no gaps, and `log` proves that the history is still the same.

Every error is an IrritantsError. During an outage the client retries for `patience` seconds, then raises Unavailable.
Errors that a retry cannot fix are raised at once: Problem if the service refuses, UnexpectedAnswer if something else
responds in its place. The client pauses between requests without news, even behind a proxy that removes `Prefer`,
changes or removes the ETag, or responds from a cache.
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
"""The seconds that the service holds a waiting request at most."""
_PAGE: Final = 1_000
_OUTAGES: Final = frozenset({429, 502, 503, 504})
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
_MOST_BYTES: Final = 64 << 20  # a page of a thousand of the longest events has 12 MiB
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
# Proxies append a suffix to the tag of a response that they compress.
_TAG: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e]*?)(?:--?(?:gzip|br|zstd|deflate))?"')


class IrritantsError(Exception):
    """The base of all errors of this client. Its subclasses say what to do."""


class Problem(IrritantsError):
    """The service refused the request (RFC 9457). `type`: the problem type. `errors`: the mistakes, with places."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(document.get("type", "about:blank")).rpartition("/")[2]
        self.detail = str(document.get("detail") or document.get("title") or f"status {status}")
        errors = document.get("errors")
        self.errors: list[dict[str, Any]] = errors if isinstance(errors, list) else []
        super().__init__(self.detail)


class OtherHistory(Problem):
    """The history that was followed is not that of the record: a backup was restored, or it is another record."""


class EventsMissing(IrritantsError):
    """The service left out events. Do not process later ones; ask its operator."""


class Unavailable(IrritantsError):
    """The service gave no complete response within `patience` seconds: try again later.

    `status`: of the last response, None if there was none. `retry_after`: the seconds after which the service accepts
    requests again, if it named them.
    """

    def __init__(self, reason: str, status: int | None = None, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(reason)


class UnexpectedAnswer(IrritantsError):
    """Something else responded in the place of the service: a sign-in page, a proxy, a cache, another server.

    A retry does not help. Check the address and the proxies in between.
    """

    def __init__(self, url: str, what: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(f"{url} answered {what}, which this service never does; check the address and the proxies")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` is in the latest version of its type. Resume with `position` and `log`."""

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
class _Answer:
    """A complete response. `held`: the service held the request for the time that the client wanted to wait."""

    url: str
    status: int
    headers: httpx2.Headers
    value: Any
    held: bool


class _Outage(Exception):
    """No complete response. A retry may help."""

    def __init__(self, reason: str, status: int | None = None, retry_after: float = 0) -> None:
        self.reason, self.status, self.retry_after = reason, status, retry_after
        super().__init__(reason)


class Irritants:
    """A client of one service. `patience`: the seconds to retry during an outage before it raises Unavailable.

    Every method returns or raises within `patience` plus the seconds that it waits for a change. Raises ValueError if
    the address or the key is invalid.
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
        self._known: dict[str, tuple[str | None, IrritantDocument]] = {}

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
        """Return the irritant as soon as it differs from its last read by this client. None after `seconds`."""
        if id not in self._known:
            self._read(id)
        before = self._known[id][1]
        until = time.monotonic() + seconds
        pauses = iter(_PAUSES)
        while (left := until - time.monotonic()) > 0:
            now, answer = self._read(id, max(1, min(LONGEST_WAIT, round(left))))
            if now is not before:
                return now
            pauses = self._pace(answer, pauses, until)
        return None

    def statuses(self, **filters: str) -> Iterator[IrritantDocument]:
        """Yield all irritants that match the filters: relation, status, basis, lifecycle, awaiting, changed_after."""
        cursor: str | None = None
        while True:
            params = {**filters, "limit": str(_PAGE)} | ({} if cursor is None else {"cursor": cursor})
            answer = self._ask("/v1/irritants", params)
            with _of_this_service(answer):
                found = [IrritantDocument.model_validate(item, extra="ignore") for item in answer.value["items"]]
                following = answer.value["next"]
            yield from found
            if following is None:
                return
            if following == cursor:
                raise UnexpectedAnswer(answer.url, "the same page of a list again", answer.status)
            cursor = following

    def follow(self, after: int = 0, log: str | None = None, *, wait: int = LONGEST_WAIT) -> Iterator[Event]:
        """Yield every event after a position, once and in order, and then new ones. With `wait=0` stop at the end.

        To resume, pass the `position` and the `log` of the last event that was processed. Raises OtherHistory and
        EventsMissing.
        """
        pauses = iter(_PAUSES)
        while True:
            params = {"after": str(after), "limit": str(_PAGE)} | ({"log": log} if log else {})
            answer = self._ask("/v1/events", params, wait=wait)
            with _of_this_service(answer):
                following, log = answer.value["next"], str(answer.value["log"])
                # `log` proves the end of a page only. Events before that are resumed by their position alone.
                events = [_event(e, log if e["position"] == following else "") for e in answer.value["items"]]
            for event in events:
                if event.position != after + 1:
                    raise EventsMissing(f"events are missing between positions {after} and {event.position}")
                after = event.position
                yield event
            if events:
                pauses = iter(_PAUSES)
            elif wait:
                pauses = self._pace(answer, pauses)
            else:
                return

    def _pace(self, answer: _Answer, pauses: Iterator[float], until: float | None = None) -> Iterator[float]:
        """Pause after a response without news that came at once, as from a proxy that removes `Prefer`.

        The first pauses are short, because the service ends all waits when it shuts down. Then it uses Poll-Interval.
        """
        if answer.held:
            return iter(_PAUSES)
        suggested = answer.headers.get("poll-interval", "")
        longest = max(_PAUSES[-1], int(suggested) if _SECONDS.fullmatch(suggested) else 0)
        pause = next(pauses, min(longest, LONGEST_WAIT))
        self._pause(pause if until is None else max(0, min(pause, until - time.monotonic())))
        return pauses

    def _read(self, id: str, wait: int = 0) -> tuple[IrritantDocument, _Answer]:
        tag, known = self._known.get(id, (None, None))
        answer = self._ask(f"/v1/irritants/{id}", {}, tag=tag, wait=wait)
        if answer.status == httpx2.codes.NOT_MODIFIED and known is not None:
            return known, answer
        with _of_this_service(answer):
            # A later release may add fields.
            document = IrritantDocument.model_validate(answer.value, extra="ignore")
        if document == known:
            document = known
        self._known[id] = answer.headers.get("etag"), document
        return document, answer

    def _ask(self, path: str, params: Mapping[str, str], *, tag: str | None = None, wait: int = 0) -> _Answer:
        """Return a response, after retries if necessary. Raises Problem, UnexpectedAnswer and Unavailable."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        if tag is not None and (tags := _tags(tag)):
            headers["If-None-Match"] = tags
        until = time.monotonic() + wait + self._patience
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._asked_once(path, headers, params, wait, until)
            except (_Outage, httpx2.TransportError, httpx2.DecodingError) as error:
                outage = error if isinstance(error, _Outage) else _Outage(str(error) or type(error).__name__)
                pause = max(next(pauses, _PAUSES[-1]), outage.retry_after)
                if time.monotonic() + pause > until:
                    begin = f"{_public(self._http.base_url)} gave no answer within {self._patience:g} seconds"
                    reason = f"{begin}: {outage.reason}"
                    raise Unavailable(reason, outage.status, outage.retry_after or None) from error
            self._pause(pause)

    def _asked_once(
        self, path: str, headers: Mapping[str, str], params: Mapping[str, str], wait: int, until: float
    ) -> _Answer:
        """Send one request. Raises _Outage or an error of httpx2 if a retry may help, else as `_ask`."""
        began = time.monotonic()
        left = max(until - began, 0.001)
        timeout = httpx2.Timeout(min(LONGEST_WAIT + 10, left), connect=min(5, left))
        with self._http.stream("GET", path, headers=headers, params=params, timeout=timeout) as answer:
            status = answer.status_code
            url = _public(answer.url)
            if status == httpx2.codes.NOT_MODIFIED and "If-None-Match" in headers:
                return _Answer(url, status, answer.headers, None, time.monotonic() - began >= 0.9 * wait)
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            is_json = media_type == "application/json" or media_type.endswith("+json")
            if status in _OUTAGES:
                detail = _detail(answer, url, until) if is_json else None
                raise _Outage(detail or f"it answered {status}", status, _retry_after(answer.headers))
            if answer.has_redirect_location:
                raise UnexpectedAnswer(url, f"{status}, a redirect to {answer.headers['location'][:200]}", status)
            if not is_json or not (status == httpx2.codes.OK or answer.is_error):
                raise UnexpectedAnswer(url, f"{status} with {media_type or 'no media type'}", status)
            value = _whole(answer, url, until)
        if status == httpx2.codes.OK:
            return _Answer(url, status, answer.headers, value, time.monotonic() - began >= 0.9 * wait)
        if media_type != "application/problem+json" or not isinstance(value, dict):
            raise UnexpectedAnswer(url, f"{status} with {media_type}", status)
        raise (OtherHistory if status == httpx2.codes.GONE else Problem)(status, value)


def _whole(answer: httpx2.Response, url: str, until: float) -> Any:
    """Return the JSON of a response. Raises _Outage if it is incomplete or late."""
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise UnexpectedAnswer(url, f"with more than {_MOST_BYTES >> 20} MiB", answer.status_code)
        if time.monotonic() > until:
            raise _Outage("the body did not arrive in time", answer.status_code)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Outage(f"the body is not complete JSON ({error})", answer.status_code) from None


@contextmanager
def _of_this_service(answer: _Answer) -> Iterator[None]:
    """Raise UnexpectedAnswer if the JSON is not a document of the service."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(answer.url, f"{answer.status} with JSON of another shape", answer.status) from error


def _public(url: httpx2.URL) -> str:
    """Return the address without user, password and query, which may be secret."""
    return str(url.copy_with(userinfo=b"", query=None))


def _tags(tag: str) -> str:
    """Return the tag as received, and as it was before a compressing proxy changed it, for If-None-Match."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return ""  # not a valid tag (RFC 9110)
    given = f'"{found["tag"]}"'
    return tag if tag == given else f"{tag}, {given}"


def _retry_after(headers: httpx2.Headers) -> float:
    """Return the seconds in Retry-After. 0 if it is neither a number nor a later date (RFC 9110)."""
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


def _detail(answer: httpx2.Response, url: str, until: float) -> str | None:
    try:
        document = _whole(answer, url, until)
    except (_Outage, httpx2.TransportError, httpx2.DecodingError):
        return None
    return str(document.get("detail") or "") if isinstance(document, dict) else None


def _event(item: Mapping[str, Any], log: str) -> Event:
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
