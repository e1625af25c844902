"""Give each request an id, count it for the metrics, and log it if it is slow, refused or failed.

Other requests are not logged. At ten thousand unchanged responses per second, log lines would take more time than the
responses.
"""

import re
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from time import perf_counter
from traceback import format_exception
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.audit import AuditLog, is_noted
from service.api.problems import Problem, problem_of
from service.store.keys import redact_keys

SLOW_SECONDS: Final = 1.0
CLIENT_LEFT: Final = 499  # the status of nginx for a client that disconnected before the response
_READING: Final = frozenset({"GET", "HEAD"})
_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBERS: Final = count(1)
_PROCESS: Final = token_hex(6)

log = structlog.get_logger("irritants")


@dataclass(slots=True)
class RequestCount:
    """The number of requests of one kind, and their total duration in seconds."""

    requests: int = 0
    seconds: float = 0.0


def request_id(scope: Scope) -> str:
    """Return the id of a request for the log: the `X-Request-Id` of the sender if it is valid, else a new one."""
    state: dict[str, Any] = scope["state"]
    if "request_id" not in state:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        # Ignore request ids that contain an API key: ids are stored with reports.
        is_valid = _VALID_ID.fullmatch(sent) and redact_keys(sent) == sent
        state["request_id"] = sent if is_valid else f"{_PROCESS}-{next(_NUMBERS)}"
    return str(state["request_id"])


def note_problem(scope: Scope, problem: Problem, error: Exception) -> None:
    """Store the problem type for the log line of the request. For an internal error, log the traceback at once."""
    state = scope["state"]
    if problem.status == 500 and "problem" not in state:
        _log_failure(scope, error)
    state["problem"] = problem.name


class Telemetry:
    """The outermost layer. `counts` has the number of requests by route, method and status.

    `read_routes` can write a response to the connection without ASGI messages. It then stores the status as
    `state["answered"]`.
    """

    def __init__(self, app: ASGIApp, audit: AuditLog) -> None:
        self._app, self._audit = app, audit
        self.counts: dict[tuple[str, str, int], RequestCount] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        scope.setdefault("state", {})
        status, begun, ended = CLIENT_LEFT, False, False

        async def counted_send(message: Message) -> None:
            nonlocal status, begun, ended
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                # Errors are logged with the id, and reports are stored with it. Other responses need none.
                if status >= 400 or scope["method"] not in _READING:
                    message["headers"] = [*message["headers"], (b"x-request-id", request_id(scope).encode())]
            else:
                ended = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, counted_send)
        except ClientDisconnect:
            pass
        except Exception as error:
            problem = problem_of(error)
            note_problem(scope, problem, error)
            if not begun:
                await scope["app"].state.problem_response(scope, problem)(scope, receive, counted_send)
            elif not ended:
                raise  # The response has begun, so the server can only close the connection.
        finally:
            answered = scope["state"].get("answered", status)
            if is_noted(scope):
                self._audit.write(scope, answered, request_id(scope))
            self._count(scope, answered, perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        kind = (_route(scope), scope["method"], status)
        counted = self.counts.get(kind)
        if counted is None:
            counted = self.counts[kind] = RequestCount()
        counted.requests += 1
        counted.seconds += seconds
        if status >= 400 or (seconds > SLOW_SECONDS and not _waited(scope)):
            state: dict[str, Any] = scope["state"]
            # An internal error is in this line too. Its traceback is in a line of its own (`_log_failure`).
            log.info(
                "refused" if status >= 400 else "slow",
                request=request_id(scope),
                method=scope["method"],
                path=scope["path"],
                status=status,
                problem=state.get("problem"),
                actor=getattr(state.get("key"), "name", None),
                milliseconds=round(seconds * 1000),
            )


def _log_failure(scope: Scope, error: Exception) -> None:
    # Formatted here, without local variables. They can contain keys.
    trace = "".join(format_exception(error))
    log.error("failed", request=request_id(scope), method=scope["method"], path=scope["path"], trace=trace)


def _route(scope: Scope) -> str:
    """Return the path of the route, such as `/v1/irritants/{relation}/{slug}`, so that all irritants count as one."""
    return getattr(scope.get("route"), "path", "none")


def _waited(scope: Scope) -> bool:
    """Return whether the client asked to wait. Such a request is not slow."""
    return scope["path"].endswith("/live") or any(name == b"prefer" for name, _ in scope["headers"])
