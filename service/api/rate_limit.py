"""The rate limit: how many responses with a body a key gets in a minute. Also the suggested polling interval.

A 304 costs little and is not counted, so polling with `If-None-Match` is not limited. The headers are those of the IETF
draft on rate limits, for example `RateLimit-Policy: "answers";q=60000;w=60` (the limit and the window in seconds) and
`RateLimit: "answers";r=59990;t=42` (the remaining responses, and the seconds until the window ends).
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from service.api.problems import Problem
from service.api.responses import Headers

_WINDOW_SECONDS: Final = 60


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


class RateLimit:
    """Counts responses by key, in this process.

    `poll_interval` is in seconds. `per_minute` is the largest number of responses with a body; 0 means no limit.
    """

    def __init__(self, poll_interval: int, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.poll_headers: Headers = [(b"poll-interval", b"%d" % poll_interval)]
        self._per_minute, self._clock = per_minute, clock
        self._policy = (b"ratelimit-policy", b'"answers";q=%d;w=%d' % (per_minute, _WINDOW_SECONDS))
        self._windows: dict[str, _Window] = {}

    def spend(self, key: str, responses: int) -> Headers:
        """Count responses to a key, and return the RateLimit headers. Raises Problem (429) beyond the limit."""
        if not self._per_minute:
            return []
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + _WINDOW_SECONDS, self._per_minute)
        seconds = max(round(window.ends - now), 1)
        if responses > window.left:
            raise _too_many(self._per_minute, seconds, self._headers(0, seconds))
        window.left -= responses
        return self._headers(window.left, seconds)

    def _headers(self, left: int, seconds: int) -> Headers:
        return [self._policy, (b"ratelimit", b'"answers";r=%d;t=%d' % (left, seconds))]


def _too_many(per_minute: int, seconds: int, limits: Headers) -> Problem:
    headers = {name.decode(): value.decode() for name, value in limits}
    detail = (
        f"Rate limit exceeded: a key gets {per_minute} responses per minute. Retry in {seconds} seconds. Unchanged"
        " responses are not counted: send If-None-Match."
    )
    return Problem("too-many-requests", detail, headers={**headers, "Retry-After": str(seconds)})
