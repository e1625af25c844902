"""Let web pages of other origins read the record in a browser (CORS). Filing and signing in stay closed to them.

Without the setting there is no such layer, and with it a request without `Origin` takes the usual path.
"""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.negotiation import EXCHANGE

_PATHS: Final = ("/v1/", "/openapi.json")
_METHODS: Final = ("GET", "HEAD")
_SENT: Final = ("Accept", "Authorization", "If-None-Match", "Last-Event-ID", "Prefer")
_EXPOSED: Final = (
    "Content-Location",
    "ETag",
    "Irritants-Position",
    "Link",
    "Poll-Interval",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
_SECONDS: Final = 86_400
"""For how long a browser may remember the answer to a preflight request."""


def readable_by(origins: str, app: ASGIApp) -> ASGIApp:
    """Return the application with CORS headers for these origins, separated by commas."""
    # No cookies: a session is only for the pages of the service.
    shared = CORSMiddleware(
        app,
        allow_origins=origins.split(","),
        allow_methods=_METHODS,
        allow_headers=_SENT,
        expose_headers=_EXPOSED,
        max_age=_SECONDS,
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        is_read = scope["method"] in _METHODS
        is_preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
        if b"origin" in headers and scope["path"].startswith(_PATHS) and (is_read or is_preflight):
            # The headers are added to messages, so responses must not go past them to the connection.
            scope["extensions"] = {name: it for name, it in (scope.get("extensions") or {}).items() if name != EXCHANGE}
            await shared(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer
