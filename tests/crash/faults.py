"""The faults of a crash round: kill a process, kill the database, cut connections during a commit.

The service reaches PostgreSQL through a proxy of the test. So the test can cut a connection at any byte, and the
address stays the same when a killed server restarts elsewhere. The proxy recognises an append, because a cut at a
random moment seldom hits one. A client that then retries a recorded report relies on its idempotency key.
"""

import asyncio
import os
import signal
import socket
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from service.store import embedded


class Database:
    """The embedded PostgreSQL with a durable disk, which a test kills and restarts."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._users = ExitStack()
        self.address = ""

    def start(self) -> None:
        """Start the server. After a kill it runs its crash recovery."""
        self._users.close()  # while a process holds the lock of users, no server starts in place of a dead one
        self.address = self._users.enter_context(embedded.serving(self._home))

    def kill(self) -> None:
        pid = int((self._home / "database" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(pid, signal.SIGKILL)
        # It answers until it dies a moment later, and `start` would take it for a running server.
        while self._answers():
            time.sleep(0.005)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as knock:
            return knock.connect_ex(self.socket) == 0

    def stop(self) -> None:
        self._users.close()

    @property
    def socket(self) -> str:
        query = parse_qs(urlsplit(self.address).query)
        return f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"


class Cut(Enum):
    """Where in an append the connection is cut: before, during or after the commit. The client gets no answer."""

    HALF_SENT = "before the database has all of it"
    SENT = "while the database works on it"
    DONE = "before its answer is passed on"


_APPEND: Final = b'"chain_hash":'
_CHUNK: Final = 65_536


class Proxy:
    """Pass bytes between a TCP port and the socket of the database, and cut the connections on request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._wanted: Cut | None = None
        self._hit = asyncio.Event()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection at once."""
        for writer in list(self._open):
            writer.transport.abort()

    async def cut_next_append(self, where: Cut, patience: float) -> bool:
        """Cut every connection during the next append. Return False if no append comes within `patience` seconds."""
        self._hit.clear()
        self._wanted = where
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hit.wait(), patience)
        self._wanted = None
        return self._hit.is_set()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as ended:
            ended.callback(writer.close)
            try:
                there, back = await asyncio.open_unix_connection(self._database.socket)
            except OSError:
                return
            ended.callback(back.close)
            self._open |= {writer, back}
            ended.callback(self._open.discard, writer)
            ended.callback(self._open.discard, back)
            appended = asyncio.Event()
            await asyncio.wait(
                {
                    asyncio.ensure_future(self._to_database(reader, back, appended)),
                    asyncio.ensure_future(self._to_service(there, writer, appended)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def _to_database(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, appended: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                wanted = self._wanted if _APPEND in chunk else None
                sink.write(chunk[: len(chunk) // 2] if wanted is Cut.HALF_SENT else chunk)
                await sink.drain()
                if wanted is Cut.DONE:
                    appended.set()
                elif wanted is not None:
                    self._strike()

    async def _to_service(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, appended: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                if appended.is_set():
                    self._strike()
                sink.write(chunk)
                await sink.drain()

    def _strike(self) -> None:
        self._wanted = None
        self.cut()
        self._hit.set()


class Service:
    """One process of the service on a fixed port. A supervisor restarts it whenever it ends."""

    def __init__(self, command: list[str], port: int, database: str, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.starts = 0
        self._command = [*command, "--port", str(port), "--database", database]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._supervisor = asyncio.ensure_future(self._supervise())

    async def _supervise(self) -> None:
        while True:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(*self._command, stdout=log, stderr=log)
            self.starts += 1
            await self._process.wait()
            await asyncio.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        self.kill()
        if self._process is not None:
            await self._process.wait()
