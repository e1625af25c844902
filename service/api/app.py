"""Build the application: connect its parts, and set the order in which a request passes them.

The outer layers (prefix, telemetry, authentication, shortcut) are plain ASGI functions. The framework's own middleware
creates objects for each request, which takes longer than the whole response to a polling client.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, cast

from fastapi import Depends, FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import cors, operations, reports_endpoints, reset
from service.api.audiences import Audiences
from service.api.audit import AuditLog
from service.api.auth import Authentication, Authenticator
from service.api.limits import check_limits
from service.api.openapi import contract, pages
from service.api.prefix import prefix_of, remove_prefix
from service.api.problems import ROWS, Problem, problem_of
from service.api.rate_limit import RateLimit
from service.api.read_routes import ReadRoute, Shortcut
from service.api.reset import Replaceable
from service.api.resources import checkpoints
from service.api.resources.table import TABLE
from service.api.responder import Responder
from service.api.telemetry import CLIENT_LEFT, Telemetry, note_problem
from service.domain.errors import Refused
from service.follower import Follower
from service.recorder import Recorder
from service.settings import Settings
from service.store.engine import open_engine

_CHECKED_ELSEWHERE: Final = ("/v1/reports",)  # `reports_filing` checks which relations the key may report on
_SHUTDOWN_SECONDS: Final = 1  # time for the responses to the last reports


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    replaceable: Replaceable | None = None,
) -> FastAPI:
    """Return the application for the database in `settings`. It connects at startup, not here.

    `replaceable`: the record in this database, for test mode. Raises ValueError if `settings` name no database.
    """
    if settings.database_url is None:
        raise ValueError("settings.database_url is missing; start the embedded database first and pass its address")
    return _Application(settings, clock, settings.database_url, replaceable)


class _Application(FastAPI):
    """FastAPI inside the layers of this package. Layers and routes share objects in `state`."""

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], url: str, replaceable: Replaceable | None
    ) -> None:
        engine = open_engine(url)
        follower = Follower(
            url,
            engine,
            cache_bytes=settings.cache_megabytes << 20,
            most_waiters=settings.most_waiters,
            standbys=settings.standbys,
        )
        rate_limit = RateLimit(settings.poll_interval, settings.answers_per_minute)
        responder = Responder(follower, clock, rate_limit)
        audiences = Audiences(responder, engine, url, settings)
        checkpoint = checkpoints.resource(settings.checkpoint_key)
        super().__init__(
            lifespan=_running,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            dependencies=[Depends(check_limits)],
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        state = self.state
        state.settings, state.clock, state.migrated = settings, clock, False
        self._prefix = settings.root_path
        state.paths_that_check_limits = set(_CHECKED_ELSEWHERE)
        state.engine, state.follower, state.responder, state.audiences = engine, follower, responder, audiences
        state.recorder = Recorder(engine, clock=clock)
        state.authenticator = Authenticator(engine, follower, settings, clock)
        state.metrics = operations.Metrics(state.recorder, follower)
        state.fixed = {}
        state.problem_response = _problem_document
        state.docs_page = pages.docs_page
        for refusal in (Problem, Refused, HTTPException, Exception, *ROWS):
            self.add_exception_handler(refusal, _problem_response)
        self.add_exception_handler(ClientDisconnect, _client_left)
        self.include_router(reports_endpoints.router)
        self.routes.extend(ReadRoute(row, tag, responder) for tag, rows in TABLE.items() for row in rows)
        self.include_router(operations.router)
        self.include_router(pages.router)
        self.routes.append(ReadRoute(checkpoint, "operations", responder))
        state.audit = AuditLog(settings.audit_log)
        telemetry = Telemetry(Authentication(Shortcut(super().__call__), state.authenticator), state.audit)
        state.metrics.counts = telemetry.counts
        self._layers: ASGIApp = telemetry
        state.resets = None
        if replaceable is not None:
            self.include_router(reset.router)
            self._layers = gate = reset.Gate(telemetry)
            state.resets = reset.Resets(replaceable, gate, follower, audiences, state.recorder)
        if settings.cors_origins:
            self._layers = cors.readable_by(settings.cors_origins, self._layers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["app"] = self
            prefix = scope.get("root_path") or self._prefix
            if prefix:
                send = remove_prefix(scope, prefix, send)
            await self._layers(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, object]:
        if self.openapi_schema is None:
            self.openapi_schema = contract(self.routes)
        return self.openapi_schema


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    reset.in_test_mode.set(state.resets is not None)  # for the tasks of the follower
    state.recorder.queue.start()
    await state.follower.start()
    if state.resets is not None:
        state.resets.get_ready()
    try:
        yield
    finally:
        state.follower.drain()
        state.audiences.drain()
        state.recorder.queue.close(_SHUTDOWN_SECONDS)
        if state.resets is not None:
            await state.resets.finish()
        await state.audiences.close()
        await state.follower.close()
        state.engine.dispose()


async def _problem_response(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 404:
        error = _no_route(request)
    problem = problem_of(error)
    if problem.status == 405:
        problem.headers["Allow"] = ", ".join(_methods(request))
    note_problem(request.scope, problem, error)
    return cast(Response, request.app.state.problem_response(request.scope, problem))


def _no_route(request: Request) -> Problem:
    """Return the problem of an address that no route has, so that nothing can be on record there at any time."""
    missing = f"There is no address {request.scope['path']}."
    return Problem("not-found", f"{missing} The page /docs lists all addresses of the API.")


def _problem_document(scope: Scope, problem: Problem) -> Response:
    """Return a problem document as JSON. `web` replaces this function, so that browsers get a page."""
    return problem.response(prefix_of(scope))


async def _client_left(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_LEFT)


def _methods(request: Request) -> list[str]:
    """Return the methods of all routes at this address. The framework names only those of the first route."""
    routes = (r for r in iter_route_contexts(request.app.routes) if r.matches(request.scope)[0] != Match.NONE)
    methods = {method for route in routes for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))
