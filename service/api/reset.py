"""Test mode: `POST /v1/test/reset` sets the record back to its fixtures. Without test mode there is no such route.

A reset puts another record, with another id and other events, in the place of the present one while no request runs. It
was made in advance, after the last reset. So a request sees either the one or the other. Requests that wait for a
change are answered first, and streams end. Requests that arrive meanwhile wait for the new record.

The reset is not in the OpenAPI document: programs that try each operation of a document would remove the record.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Final, Protocol

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.audiences import Audiences
from service.api.auth import Access, forbidden
from service.api.negotiation import EXCHANGE
from service.api.parameters import Query, parse
from service.follower import Follower
from service.recorder import Recorder
from service.store.log import Head

PATH: Final = "/v1/test/reset"
in_test_mode: Final[ContextVar[bool]] = ContextVar("in_test_mode", default=False)
"""Whether the service is in test mode. Pages say so."""
_HEADER: Final = (b"irritants-test-mode", b"true")
_SECONDS_TO_END: Final = 0.2
"""How long a reset waits for running requests. Those that take longer may fail, because their database goes away."""

log = structlog.get_logger("irritants")
router: Final = APIRouter(include_in_schema=False)


class Replaceable(Protocol):
    """A record that another can replace. `service.reset` has it. Each step raises DatabaseUnavailable."""

    def prepare(self) -> None:
        """Make the next record, unless there is one."""

    def swap(self) -> None:
        """Put it in the place of the present one."""

    def clean(self) -> None:
        """Remove the record that was replaced, and make the next one."""


class Gate:
    """The outermost layer in test mode. It adds a header to each response, and holds requests back during a swap."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running = 0
        self._opened, self._idle = asyncio.Event(), asyncio.Event()
        self._opened.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        in_test_mode.set(True)
        # Responses go through `marked`, and not past it to the connection.
        scope["extensions"] = {name: it for name, it in (scope.get("extensions") or {}).items() if name != EXCHANGE}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], _HEADER]}
            await send(message)

        await self._opened.wait()
        if scope["path"].endswith(PATH):  # a reset must not wait for itself or for another one
            await self._app(scope, receive, marked)
            return
        self._running += 1
        try:
            await self._app(scope, receive, marked)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Let no request begin, and wait until those that run have ended, for a moment at most."""
        self._opened.clear()
        self._idle.clear()
        try:
            if self._running:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._idle.wait(), _SECONDS_TO_END)
            yield
        finally:
            self._opened.set()


class Resets:
    """Sets the record back, one reset at a time."""

    def __init__(
        self, record: Replaceable, gate: Gate, follower: Follower, audiences: Audiences, recorder: Recorder
    ) -> None:
        self._record, self._gate = record, gate
        self._follower, self._audiences, self._recorder = follower, audiences, recorder
        self._one_at_a_time = asyncio.Lock()
        self._cleaning: asyncio.Task[None] | None = None

    async def reset(self) -> Head:
        """Replace the record by one with the fixtures. Return its head. Raises DatabaseUnavailable."""
        async with self._one_at_a_time:
            await self.finish()
            await asyncio.to_thread(self._record.prepare)
            with self._follower.releasing():
                async with self._gate.closed(), self._follower.stopped():
                    await self._audiences.close()
                    await asyncio.to_thread(self._swap)
            self.get_ready()
            return await self._follower.head()

    def get_ready(self) -> None:
        """Begin to do what the next reset need not wait for."""
        self._cleaning = asyncio.create_task(self._clean())

    async def finish(self) -> None:
        """Wait until that is done."""
        if self._cleaning is not None:
            await self._cleaning

    def _swap(self) -> None:
        with self._recorder.paused():
            self._record.swap()

    async def _clean(self) -> None:
        try:
            await asyncio.to_thread(self._record.clean)
        except Exception as error:  # noqa: BLE001  # the next reset tries again, and fails with the error
            log.warning("not_ready_for_a_reset", error=str(error))


@router.post(PATH)
async def reset(request: Request) -> Response:
    """Set the record back to its fixtures. This needs a key that may report on every relation."""
    access: Access = request.state.key
    access.require("report")
    if access.relations is not None:
        raise forbidden(
            f"The key {access.name} is limited to {', '.join(access.relations)}, and a reset removes the whole record."
            " Use a key without a limit.",
            "report",
        )
    parse(Query, request.scope["query_string"])
    resets: Resets = request.app.state.resets
    head = await resets.reset()
    return JSONResponse(
        {"record": head.record, "position": head.position},
        headers={"Irritants-Position": str(head.position), "Cache-Control": "no-store"},
    )
