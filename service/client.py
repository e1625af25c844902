"""A client for programs that poll: is it changed, tell me when it changes, give me every event from here on.

    from service.client import Irritants

    with Irritants("http://127.0.0.1:8000") as irritants:
        banking = irritants.status("ru-us/banking-access")
        changed = irritants.wait("ru-us/banking-access")
        for event in irritants.follow():
            print(event.position, event.stream, event.type)

What was read is kept with its validator, so asking again costs the service nothing while nothing changed. A follower
proves to itself that it missed nothing: positions have no gaps, and the log that each page names must be the one that
was followed.

Everything that goes wrong is an IrritantsError. An outage is waited out for as many seconds as the client has patience,
then it is Unavailable. An answer that no retry would better is raised at once: Problem where the service refuses,
UnexpectedAnswer where something else answers in its place. Between two requests that bring nothing there is a pause,
also behind a proxy that leaves out `Prefer`, changes or drops the ETag, or answers by itself.
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
"""Seconds for which the service keeps a request that would rather wait."""
_PAGE: Final = 1_000
_OUTAGES: Final = frozenset({429, 502, 503, 504})
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
_MOST_BYTES: Final = 64 << 20  # a page of a thousand of the longest events has 12 MiB
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
# What proxies append to the tag of an answer that they compress.
_TAG: Final = re.compile(r'(?:W/)?"(?P<tag>[\x21\x23-\x7e]*?)(?:--?(?:gzip|br|zstd|deflate))?"')


class IrritantsError(Exception):
    """What this client raises; its subclasses say what to do."""


class Problem(IrritantsError):
    """The service refused. `type` names the problem; `errors` point to the places (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(document.get("type", "about:blank")).rpartition("/")[2]
        self.detail = str(document.get("detail") or document.get("title") or f"status {status}")
        errors = document.get("errors")
        self.errors: list[dict[str, Any]] = errors if isinstance(errors, list) else []
        super().__init__(self.detail)


class OtherHistory(Problem):
    """What was followed is no longer this record's history: a backup was restored, or it is another record."""


class EventsMissing(IrritantsError):
    """The service left out events that come before those it sent; they must not be passed over."""


class Unavailable(IrritantsError):
    """The service gave no whole answer while patience lasted: try again later.

    `status`: of the last answer, None where there was none. `retry_after`: for how many seconds it asked to be left
    alone, which is longer than patience would have lasted.
    """

    def __init__(self, reason: str, status: int | None = None, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(reason)


class UnexpectedAnswer(IrritantsError):
    """Something else answered in the place of the service: a sign-in page, a proxy, a cache, another server.

    Asking again would bring the same. Look at the address, and at what is between here and the service.
    """

    def __init__(self, url: str, what: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(f"{url} answers {what}, which this service never does; check the address and the proxies")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log. `data` is what was filed, in today's shape; `position` and `log` are where to resume."""

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
    """An answer of the service, whole. `held`: it came without news when the time to wait for them was up."""

    url: str
    status: int
    headers: httpx2.Headers
    value: Any
    held: bool


class _Outage(Exception):
    """No whole answer; the next one may be."""

    def __init__(self, reason: str, status: int | None = None, retry_after: float = 0) -> None:
        self.reason, self.status, self.retry_after = reason, status, retry_after
        super().__init__(reason)


class Irritants:
    """One service. `patience`: for how many seconds an outage is waited out before it is raised as Unavailable.

    Every method answers or raises within `patience` and the seconds that it was asked to wait for news. Raises
    ValueError where the address or the key cannot be one.
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
            raise ValueError(f"{url!r} is no address of a service; give one that begins with http:// or https://")
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ValueError("the key has a line break or another character that no key has; remove it")
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
        """The irritant as it stands. Raises Problem: 404 where nothing of that id is on record."""
        return self._read(id)[0]

    def wait(self, id: str, seconds: int = LONGEST_WAIT) -> IrritantDocument | None:
        """The irritant as soon as it reads otherwise than when it was last read here; None when time is up."""
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
        """Every irritant that passes the filters: relation, status, basis, lifecycle, awaiting, changed_after."""
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
        """Every event after a position, each once and in order, then whatever comes; ends at the end where `wait` is 0.

        To resume, give the `position` and `log` of the last event that was dealt with. Raises OtherHistory and
        EventsMissing.
        """
        pauses = iter(_PAUSES)
        while True:
            params = {"after": str(after), "limit": str(_PAGE)} | ({"log": log} if log else {})
            answer = self._ask("/v1/events", params, wait=wait)
            with _of_this_service(answer):
                following, log = answer.value["next"], str(answer.value["log"])
                # Only the page's end has a proof of its own; an event within it is resumed at by its position alone.
                events = [_event(e, log if e["position"] == following else "") for e in answer.value["items"]]
            for event in events:
                if event.position != after + 1:
                    raise EventsMissing(f"after {after} comes {event.position}")
                after = event.position
                yield event
            if events:
                pauses = iter(_PAUSES)
            elif wait:
                pauses = self._pace(answer, pauses)
            else:
                return

    def _pace(self, answer: _Answer, pauses: Iterator[float], until: float | None = None) -> Iterator[float]:
        """Pause after an answer without news that was not held back, as the service does and a proxy may not.

        Short at first, for the service wakes those who wait when it ends; then for as long as it suggests.
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
            # A later release may add fields; what is known here must not break of it.
            document = IrritantDocument.model_validate(answer.value, extra="ignore")
        if document == known:
            document = known
        self._known[id] = answer.headers.get("etag"), document
        return document, answer

    def _ask(self, path: str, params: Mapping[str, str], *, tag: str | None = None, wait: int = 0) -> _Answer:
        """Raises Problem, UnexpectedAnswer, and Unavailable when patience ends."""
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
        """Raises as `_ask`, but _Outage or the errors of httpx2 where a retry may help."""
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
                raise _Outage(detail or f"it answers {status}", status, _retry_after(answer.headers))
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
    """Return the body's JSON. Raises _Outage where it does not come whole, or not in time."""
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise UnexpectedAnswer(url, f"with more than {_MOST_BYTES >> 20} MiB", answer.status_code)
        if time.monotonic() > until:
            raise _Outage("the body did not come in time", answer.status_code)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Outage(f"the body is no whole JSON ({error})", answer.status_code) from None


@contextmanager
def _of_this_service(answer: _Answer) -> Iterator[None]:
    """Raise UnexpectedAnswer where JSON has another shape than the service gives it."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(answer.url, f"{answer.status} with JSON of another shape", answer.status) from error


def _public(url: httpx2.URL) -> str:
    """The address without what may be a secret."""
    return str(url.copy_with(userinfo=b"", query=None))


def _tags(tag: str) -> str:
    """The tag as it came and as the service gave it, before a proxy that compresses made it weak or longer."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return ""  # It is no tag (RFC 9110).
    given = f'"{found["tag"]}"'
    return tag if tag == given else f"{tag}, {given}"


def _retry_after(headers: httpx2.Headers) -> float:
    """Seconds to wait: none where the header is no number and no date (RFC 9110), or a date that is over."""
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return int(value)
    if (moment := _moment(value)) is None:
        return 0
    # By the clock of whoever wrote the date, where it says what that clock shows.
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
