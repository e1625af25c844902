"""A real nats-server with JetStream and its own store, which tests start, kill and restart."""

import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import nats
from nats.aio.client import Client

from tests.needed import program

STREAM: Final = "IRRITANTS"


def free_ports(number: int) -> list[int]:
    """Return different free ports of loopback."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(number)]
        for free in taken:
            free.bind(("127.0.0.1", 0))
        return [int(free.getsockname()[1]) for free in taken]


class NatsServer:
    """A server with the same port of loopback after each restart.

    `login` (`user:password`) is the login that clients need. `options` are added to its command line.
    """

    def __init__(self, folder: Path, *, login: str | None = None, options: Sequence[str] = ()) -> None:
        (self._port,) = free_ports(1)
        self._folder, self._login = folder, login
        self.name = folder.name
        self._options = list(options)
        if login:
            user, password = login.split(":")
            self._options += ["--user", user, "--pass", password]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_as(self._login)

    def url_as(self, login: str | None) -> str:
        return f"nats://{login}@127.0.0.1:{self._port}" if login else f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [program("nats-server"), "-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder)]
        command += self._options
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not self._answers():
            assert self._process.poll() is None, "nats-server has ended"
            assert time.monotonic() < end, "nats-server does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def connected(self) -> Client:
        return await nats.connect(self.url)

    async def leader(self) -> str:
        """Return the name of the server that leads the stream."""
        connection = await self.connected()
        try:
            info = (await connection.jetstream().stream_info(STREAM)).cluster
            assert info is not None
            assert info.leader is not None
            return info.leader
        finally:
            await connection.close()

    async def stored(self) -> list[tuple[int, str, dict[str, str], bytes]]:
        """Return every message of the stream: sequence, subject, headers, payload."""
        connection = await self.connected()
        try:
            context = connection.jetstream()
            last = (await context.stream_info(STREAM)).state.last_seq
            reader = await context.subscribe("irritants.>", ordered_consumer=True)
            found: list[tuple[int, str, dict[str, str], bytes]] = []
            while len(found) < last:
                message = await reader.next_msg(timeout=30)
                found.append((message.metadata.sequence.stream, message.subject, message.headers or {}, message.data))
            try:
                await reader.next_msg(timeout=0.05)
            except TimeoutError:
                return found
            raise AssertionError("there are more messages than the stream says")
        finally:
            await connection.close()


def cluster(folder: Path, size: int = 3) -> list[NatsServer]:
    """Return servers that form one JetStream cluster."""
    ports = free_ports(size)
    routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
    together = ("--cluster_name", "irritants", "--routes", routes)
    return [
        NatsServer(folder / name, options=("--name", name, "--cluster", f"nats://127.0.0.1:{port}", *together))
        for name, port in zip("abcdefgh", ports, strict=False)
    ]
