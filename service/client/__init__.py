"""A Python client for other programs: read a status, wait for its change, follow all events, file a report.

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

It imports nothing else of the service, and needs only httpx2 and pydantic.
"""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Self
from uuid import uuid4

import httpx2

from service.client.documents import (
    Change,
    ChangeDocument,
    Cursor,
    Event,
    IrritantDocument,
    Receipt,
)
from service.client.errors import (
    EventsMissing,
    Forbidden,
    IrritantsError,
    MalformedRequest,
    NotAllowed,
    NotFound,
    NotValid,
    OtherHistory,
    Problem,
    ServerFailure,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    problem,
)
from service.client.transport import (
    OUTAGES,
    SECONDS,
    Outage,
    Response,
    expected_document,
    if_none_match,
    json_body,
    outage,
    trusted_certificates,
    without_secrets,
)

__all__ = [
    "LONGEST_WAIT",
    "Change",
    "ChangeDocument",
    "Cursor",
    "Event",
    "EventsMissing",
    "Forbidden",
    "IrritantDocument",
    "Irritants",
    "IrritantsError",
    "MalformedRequest",
    "NotAllowed",
    "NotFound",
    "NotValid",
    "OtherHistory",
    "Problem",
    "Receipt",
    "ServerFailure",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
]

LONGEST_WAIT: Final = 30
"""The longest time in seconds for which the service holds a waiting request."""
_WITHHELD: Final = "irritants.withheld"
"""The type of an event that is withheld from the key."""
_PAGE: Final = 1_000
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""The seconds before each retry. The last one repeats."""
_KEPT: Final = 100
"""The number of documents that `get` keeps, besides the irritants."""
_DONE: Final = frozenset({httpx2.codes.OK, httpx2.codes.CREATED})


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
        self._http = httpx2.Client(base_url=url, headers=headers, verify=trusted_certificates(url))
        self._patience, self._pause = patience, pause
        self._last_read: dict[str, tuple[str | None, IrritantDocument]] = {}
        self._documents: OrderedDict[tuple[str, str], tuple[str, dict[str, Any]]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self, id: str) -> IrritantDocument:
        """Return an irritant, such as `ru-us/visas`. Raises NotFound if it is not on record."""
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
            with expected_document(response):
                found = [IrritantDocument.model_validate(item) for item in response.value["items"]]
                following = response.value["next"]
            yield from found
            if following is None:
                return
            if following == cursor:
                raise UnexpectedAnswer(response.url, "the same page of a list again", response.status)
            cursor = following

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """Return any JSON document of the service by its path, such as `/v1/relations/ru-us/board`.

        It is kept with its ETag. An unchanged document is the same object as before. Do not change it.
        """
        at = path, json.dumps(parameters, sort_keys=True)
        tag, before = self._documents.get(at, (None, None))
        response = self._request(path, parameters, tag=tag)
        if response.status == httpx2.codes.NOT_MODIFIED and before is not None:
            self._documents.move_to_end(at)
            return before
        if not isinstance(response.value, dict):
            raise UnexpectedAnswer(response.url, f"{response.status} with JSON of another shape", response.status)
        if (etag := response.headers.get("etag")) is not None:
            self._documents[at] = etag, response.value
            self._documents.move_to_end(at)
            if len(self._documents) > _KEPT:
                self._documents.popitem(last=False)
        return response.value

    def file(self, report: Mapping[str, Any], *, idempotency_key: str | None = None) -> Receipt:
        """File a report, and return its receipt. Needs a key with the scope `report`.

        It is recorded once, even if the client sends it again during an outage. To send it again yourself, after
        Unavailable or in another process, use the same `idempotency_key`. Raises NotValid, NotAllowed and other
        Problems. Nothing is then written.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key or str(uuid4())}
        content = json.dumps(report, allow_nan=False).encode()
        response = self._request("/v1/reports", {}, headers=headers, content=content)
        with expected_document(response):
            return Receipt.model_validate(response.value)

    def follow(
        self, after: int = 0, log: str | None = None, *, relation: str | None = None, wait: int = LONGEST_WAIT
    ) -> Iterator[Event]:
        """Yield every event after a position, once and in order, then new events as they are recorded.

        Events that are withheld from the key are left out. Their places are known, so no other event can be missing.
        With `wait=0`, stop at the end of the record. With `relation`, leave out the events of others. To resume, pass
        the cursor of the last event that was processed: `follow(*event.cursor)`. Raises OtherHistory and EventsMissing.
        """
        for items, page, response in self._pages("/v1/events", after, log, relation, wait):
            with expected_document(response):
                # `log` proves only the end of a page. So only the last event of a page has it.
                places = [
                    (
                        int(e["position"]),
                        None if e["type"] == _WITHHELD else _event(e, page.log if e["position"] == page.after else ""),
                    )
                    for e in items
                ]
            for position, event in places:
                if relation is None and position != after + 1:
                    raise EventsMissing(f"events are missing between positions {after} and {position}")
                after = position
                if event is not None:
                    yield event
            if relation is None and page.after > after:
                raise EventsMissing(f"events are missing between positions {after} and {page.after + 1}")
            after = page.after

    def follow_changes(
        self, after: int = 0, log: str | None = None, *, relation: str | None = None, wait: int = LONGEST_WAIT
    ) -> Iterator[Change]:
        """Yield every change of an irritant after a position, once and in order, then new ones as they are recorded.

        With `wait=0`, stop at the end of the record. With `relation`, leave out the changes of others. To resume, pass
        the cursor of the last change that was processed: `follow_changes(*change.cursor)`. Raises OtherHistory.
        """
        for items, page, response in self._pages("/v1/changes", after, log, relation, wait):
            with expected_document(response):
                cursors = _cursors([int(item["position"]) for item in items], page, after)
                changes = [Change.model_validate({**i, "cursor": c}) for i, c in zip(items, cursors, strict=True)]
            yield from changes
            after = page.after

    def _pages(
        self, path: str, after: int, log: str | None, relation: str | None, wait: int
    ) -> Iterator[tuple[Sequence[Mapping[str, Any]], Cursor, Response]]:
        """Yield each page of a feed that has items or ends beyond the last one, with the cursor at its end.

        Without an end, unless `wait` is 0.
        """
        pauses = iter(_PAUSES)
        while True:
            params = {"after": str(after), "limit": str(_PAGE)}
            params |= ({"log": log} if log else {}) | ({"relation": relation} if relation else {})
            response = self._request(path, params, wait=wait)
            with expected_document(response):
                items: list[Mapping[str, Any]] = list(response.value["items"])
                page = Cursor(int(response.value["next"]), str(response.value["log"]))
            if page.after < after:
                raise UnexpectedAnswer(response.url, "an earlier page of a feed again", response.status)
            yield items, page, response
            if items or page.after > after:
                pauses = iter(_PAUSES)
            elif wait:
                pauses = self._pause_before_next(response, pauses)
            else:
                return
            after, log = page

    def _pause_before_next(
        self, response: Response, pauses: Iterator[float], until: float | None = None
    ) -> Iterator[float]:
        """Pause if a response without news came at once, as it does from a proxy that removes `Prefer`.

        The first pauses are short, because the service ends all waits when it shuts down. Later pauses have the length
        of `Poll-Interval`. Return the remaining pauses.
        """
        if response.was_held:
            return iter(_PAUSES)
        suggested = response.headers.get("poll-interval", "")
        longest = max(_PAUSES[-1], int(suggested) if SECONDS.fullmatch(suggested) else 0)
        pause = next(pauses, min(longest, LONGEST_WAIT))
        self._pause(pause if until is None else max(0, min(pause, until - time.monotonic())))
        return pauses

    def _read(self, id: str, wait: int = 0) -> tuple[IrritantDocument, Response]:
        """Return an irritant and the response. An unchanged irritant is the same object as before."""
        tag, before = self._last_read.get(id, (None, None))
        response = self._request(f"/v1/irritants/{id}", {}, tag=tag, wait=wait)
        if response.status == httpx2.codes.NOT_MODIFIED and before is not None:
            return before, response
        with expected_document(response):
            document = IrritantDocument.model_validate(response.value)
        if document == before:
            document = before
        self._last_read[id] = response.headers.get("etag"), document
        return document, response

    def _request(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        tag: str | None = None,
        wait: int = 0,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Response:
        """Return a response, after retries if necessary. `content` is the body of a POST request.

        Raises Problem, UnexpectedAnswer and Unavailable.
        """
        sent = dict(headers or {}) | ({"Prefer": f"wait={wait}"} if wait else {})
        if tag is not None and (tags := if_none_match(tag)):
            sent["If-None-Match"] = tags
        until = time.monotonic() + wait + self._patience
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._request_once(path, sent, params, wait, until, content)
            except (Outage, httpx2.TransportError, httpx2.DecodingError) as error:
                failed = error if isinstance(error, Outage) else Outage(str(error) or type(error).__name__)
                pause = max(next(pauses, _PAUSES[-1]), failed.retry_after)
                if time.monotonic() + pause > until:
                    address = without_secrets(self._http.base_url)
                    reason = f"{address} gave no answer within {self._patience:g} seconds: {failed.reason}"
                    raise Unavailable(reason, failed.status, failed.retry_after or None, failed.name) from error
            self._pause(pause)

    def _request_once(
        self,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        wait: int,
        until: float,
        content: bytes | None,
    ) -> Response:
        """Send one request. Raises Outage or an error of httpx2 if a retry may help, else as `_request`."""
        began = time.monotonic()
        left = max(until - began, 0.001)
        timeout = httpx2.Timeout(min(LONGEST_WAIT + 10, left), connect=min(5, left))
        method = "GET" if content is None else "POST"
        sending = self._http.stream(method, path, headers=headers, params=params, content=content, timeout=timeout)
        with sending as response:
            status = response.status_code
            url = without_secrets(response.url)
            if status == httpx2.codes.NOT_MODIFIED and "If-None-Match" in headers:
                return Response(url, status, response.headers, None, was_held=time.monotonic() - began >= 0.9 * wait)
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            is_json = media_type == "application/json" or media_type.endswith("+json")
            if status in OUTAGES:
                raise outage(response, url, until, is_json=is_json)
            if response.has_redirect_location:
                raise UnexpectedAnswer(url, f"{status}, a redirect to {response.headers['location'][:200]}", status)
            if not is_json or not (status in _DONE or response.is_error):
                raise UnexpectedAnswer(url, f"{status} with {media_type or 'no media type'}", status)
            value = json_body(response, url, until)
        if status in _DONE:
            return Response(url, status, response.headers, value, was_held=time.monotonic() - began >= 0.9 * wait)
        if media_type != "application/problem+json" or not isinstance(value, dict):
            raise UnexpectedAnswer(url, f"{status} with {media_type}", status)
        raise problem(status, value)


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


def _cursors(positions: Sequence[int], page: Cursor, after: int) -> list[Cursor]:
    """Return the cursor of each change of a page.

    If several changes have one position, only the last of them has a cursor after it. So the others are not lost if the
    caller stops between them.
    """
    found = []
    for position, following in pairwise(positions):
        if position < following:
            after = position
        found.append(Cursor(after, ""))
    return [*found, page] if positions else []
