"""A client for programs that poll: is it changed, tell me when it changes, give me every event from here on.

    from service.client import Irritants

    with Irritants("http://127.0.0.1:8000") as irritants:
        banking = irritants.status("ru-us/banking-access")
        changed = irritants.wait("ru-us/banking-access")
        for event in irritants.follow():
            print(event.position, event.stream, event.type)

What was read is kept with its validator, so asking again costs the service nothing while nothing changed. An outage is
waited out; what is given up is said by an exception. A follower proves to itself that it missed nothing: positions have
no gaps, and the log that each page names must be the one that was followed.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import httpx2

from service.projections.irritant import IrritantDocument

LONGEST_WAIT: Final = 30
"""Seconds for which the service keeps a request that would rather wait."""
_PAGE: Final = 1_000
_OUTAGES: Final = frozenset({429, 502, 503, 504})
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)


class Problem(Exception):
    """The service refused. `type` names the problem; `errors` point to the places (RFC 9457)."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.status = answer.status_code
        told = _told(answer)
        self.type = str(told.get("type", "about:blank")).rpartition("/")[2]
        self.detail = str(told.get("detail") or told.get("title") or f"status {self.status}")
        self.errors: list[dict[str, Any]] = told.get("errors", [])
        super().__init__(self.detail)


class OtherHistory(Problem):
    """What was followed is no longer this record's history: a backup was restored, or it is another record."""


class EventsMissing(Exception):
    """The service left out events that come before those it sent; they must not be passed over."""


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


class Irritants:
    """One service. `patience`: for how many seconds an outage is waited out before it is raised as it is."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        patience: float = 60,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        timeout = httpx2.Timeout(LONGEST_WAIT + 10, connect=5)
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout)
        self._patience, self._pause = patience, pause
        self._known: dict[str, tuple[str, IrritantDocument]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self, id: str) -> IrritantDocument:
        """The irritant as it stands. Raises Problem: 404 where nothing of that id is on record."""
        return self._read(id, {})

    def wait(self, id: str, seconds: int = LONGEST_WAIT) -> IrritantDocument | None:
        """The irritant as soon as it reads otherwise than when it was last read here; None when time is up."""
        if id not in self._known:
            self._read(id, {})
        before = self._known[id][1]
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            now = self._read(id, {"Prefer": f"wait={max(1, min(LONGEST_WAIT, round(left)))}"})
            if now is not before:
                return now
        return None

    def statuses(self, **filters: str) -> Iterator[IrritantDocument]:
        """Every irritant that passes the filters: relation, status, basis, lifecycle, awaiting, changed_after."""
        cursor: str | None = None
        while True:
            params = {**filters, "limit": str(_PAGE)} | ({} if cursor is None else {"cursor": cursor})
            page = self._ask("/v1/irritants", {}, params).json()
            yield from (IrritantDocument.model_validate(item, extra="ignore") for item in page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def follow(self, after: int = 0, log: str | None = None, *, wait: int = LONGEST_WAIT) -> Iterator[Event]:
        """Every event after a position, each once and in order, then whatever comes; ends at the end where `wait` is 0.

        To resume, give the `position` and `log` of the last event that was dealt with. Raises OtherHistory and
        EventsMissing.
        """
        while True:
            params = {"after": str(after), "limit": str(_PAGE)} | ({"log": log} if log else {})
            page = self._ask("/v1/events", {"Prefer": f"wait={wait}"} if wait else {}, params).json()
            for item in page["items"]:
                if item["position"] != after + 1:
                    raise EventsMissing(f"after {after} comes {item['position']}")
                after = item["position"]
                # Only the page's end has a proof of its own; an event within it is resumed at by its position alone.
                yield _event(item, page["log"] if after == page["next"] else "")
            log = page["log"]
            if not page["items"] and not wait:
                return

    def _read(self, id: str, headers: Mapping[str, str]) -> IrritantDocument:
        known = self._known.get(id)
        conditional = {} if known is None else {"If-None-Match": known[0]}
        answer = self._ask(f"/v1/irritants/{id}", {**headers, **conditional}, {})
        if answer.status_code == httpx2.codes.NOT_MODIFIED and known is not None:
            return known[1]
        document = IrritantDocument.model_validate_json(answer.content, extra="ignore")
        # A later release may add fields; what is known here must not break of it.
        self._known[id] = answer.headers["etag"], document
        return document

    def _ask(self, path: str, headers: Mapping[str, str], params: Mapping[str, str]) -> httpx2.Response:
        until = time.monotonic() + self._patience
        tries = iter(_PAUSES)
        while True:
            pause = next(tries, _PAUSES[-1])
            try:
                answer = self._http.get(path, headers=headers, params=params)
            except httpx2.TransportError:
                if time.monotonic() + pause > until:
                    raise
            else:
                if answer.status_code not in _OUTAGES or time.monotonic() + pause > until:
                    return _accepted(answer)
                pause = max(pause, float(answer.headers.get("retry-after", 0)))
            self._pause(pause)


def _accepted(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code == httpx2.codes.GONE:
        raise OtherHistory(answer)
    if answer.is_error:
        raise Problem(answer)
    return answer


def _told(answer: httpx2.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


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
