"""The compared servers: the service, a bare ASGI app that sends the same, and a typical application.

    python -m tests.benchmarks.servers NAME ADDRESS

prints its address and serves until it is terminated. ADDRESS is that of the database, or for the bare apps that of the
service. Each server is one process of uvicorn with uvloop and httptools.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, Final

import httpx2
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.app import create_app
from service.api.server import Server
from service.projections.irritant import IrritantDocument
from service.settings import Settings

PATHS: Final = ("/v1/irritants/ru-us/banking-access", "/v1/irritants?limit=2")
WAITED_FOR: Final = "/v1/irritants/ru-us/direct-flights"
Headers = list[tuple[bytes, bytes]]


def service(database: str) -> ASGIApp:
    return create_app(Settings(database_url=database))


def bare(service: str) -> ASGIApp:
    """Return an app that sends the service's response header for header, and looks only for an If-None-Match."""
    copied = {path.partition("?")[0]: _copied(service + path) for path in PATHS}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        unchanged, changed, body = copied[scope["path"]]
        if any(name == b"if-none-match" for name, _ in scope["headers"]):
            await send({"type": "http.response.start", "status": 304, "headers": unchanged})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": changed})
            await send({"type": "http.response.body", "body": body})

    return app


def bare_waiting(service: str) -> ASGIApp:
    """Return an app whose clients with `Prefer: wait` wait for a POST, and then all get the service's response."""
    _, changed, body = _copied(service + WAITED_FOR)
    waiting: list[asyncio.Future[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sent = body
        if scope["method"] == "POST":
            for waiter in waiting:
                waiter.set_result(None)
            waiting.clear()
        elif scope["path"] == "/metrics":
            counted = {"irritants_waiters": len(waiting), "process_cpu_seconds_total": time.process_time()}
            sent = "".join(f"{name} {value}\n" for name, value in counted.items()).encode()
        elif any(name == b"prefer" for name, _ in scope["headers"]):
            waiting.append(asyncio.get_running_loop().create_future())
            await waiting[-1]
        headers = changed if sent is body else [(b"content-length", b"%d" % len(sent))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": sent})

    return app


def _copied(url: str) -> tuple[Headers, Headers, bytes]:
    plain = {"Accept-Encoding": "identity"}  # as wrk asks
    whole = httpx2.get(url, headers=plain)
    same = httpx2.get(url, headers=plain | {"If-None-Match": whole.headers["etag"]})
    assert (whole.status_code, same.status_code) == (200, 304)
    return _sent(same), _sent(whole), whole.content


def _sent(answer: httpx2.Response) -> Headers:
    return [(name.lower(), value) for name, value in answer.headers.raw if name.lower() != b"date"]


def typical(database: str) -> ASGIApp:
    """Return an app with a session by dependency, a row by the ORM, and a model that validates the response."""

    class Base(DeclarativeBase):
        pass

    class ReadModel(Base):
        __tablename__ = "read_models"
        name: Mapped[str] = mapped_column(primary_key=True)
        representation: Mapped[int] = mapped_column(primary_key=True)
        key: Mapped[str] = mapped_column(primary_key=True)
        body: Mapped[bytes]

    engine = create_async_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    sessions = async_sessionmaker(engine)
    app = FastAPI()

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    @app.get("/irritants/{relation}/{slug}")
    async def irritant(
        relation: str, slug: str, session: Annotated[AsyncSession, Depends(session)]
    ) -> IrritantDocument:
        row = await session.get(ReadModel, ("irritant", 1, f"{relation}/{slug}"))
        if row is None:
            raise HTTPException(404)
        return IrritantDocument.model_validate_json(row.body)

    return app


SERVERS: Final[dict[str, Callable[[str], ASGIApp]]] = {
    "bare": bare,
    "bare_waiting": bare_waiting,
    "service": service,
    "typical": typical,
}


class _Told(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()
        print(f"http://{host}:{port}", flush=True)


def main(name: str, database: str) -> None:
    app = SERVERS[name](database)
    if isinstance(app, FastAPI) and name == "service":
        Server(app, "127.0.0.1", 0, partial(print, flush=True)).run()
        return
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False, proxy_headers=False)
    _Told(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
