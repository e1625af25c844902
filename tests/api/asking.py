"""Send requests to the application in the event loop of the test.

So a test sees when a client waits, leaves or gets its answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message


@dataclass
class Told:
    """A response, which grows while the application sends it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to let the client leave."""


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    async with app.router.lifespan_context(app):
        yield app


async def ask(
    app: ASGIApp, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", told: Told | None = None
) -> Told:
    """Send one request. Pass `told` to look at the response while it arrives."""
    told = told or Told()
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    body_read = False

    async def receive() -> Message:
        nonlocal body_read
        if not body_read:
            body_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await told.left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.status = message["status"]
            told.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            told.body += message.get("body", b"")

    await app(scope, receive, send)
    return told


async def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Let other tasks run until a condition holds. Raises TimeoutError after some seconds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # nothing signals the condition
            await asyncio.sleep(0.002)
