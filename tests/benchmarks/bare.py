"""A minimal FastAPI app for comparison: one route inserts a row, and one sends prepared bytes.

    python -m tests.benchmarks.bare DATABASE COPIED

It serves on a free port of loopback, prints its address, and runs until it is terminated. The bytes are the response of
COPIED.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import httpx2
import uvicorn
from fastapi import Body, FastAPI
from fastapi.responses import Response
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

TABLE = """
CREATE TABLE bare (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text, version int, data jsonb,
  UNIQUE (stream, version)
)
"""
INSERT = "INSERT INTO bare (stream, version, data) VALUES (%s, 1, %s)"


def create_app(database: str, copied: str) -> FastAPI:
    pool = AsyncConnectionPool(database, min_size=16, max_size=16, kwargs={"autocommit": True}, open=False)
    ready = httpx2.get(copied).content

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            async with pool.connection() as c:
                await c.execute(TABLE)
            yield

    app = FastAPI(lifespan=running)

    @app.post("/rows", status_code=201)
    async def insert(row: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        async with pool.connection() as c:
            await c.execute(INSERT, (str(uuid4()), Jsonb(row)), prepare=True)
        return row

    @app.get("/bytes")
    async def send() -> Response:
        return Response(ready, media_type="application/json")

    return app


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()
        print(f"http://{host}:{port}", flush=True)


if __name__ == "__main__":
    _Server(uvicorn.Config(create_app(*sys.argv[1:]), port=0, log_config=None, access_log=False)).run()
