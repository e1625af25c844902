"""The HTTP server: uvicorn in one process. On SIGTERM it responds to all waiting requests and ends within five seconds.

uvicorn waits for all connections to end before it stops the application, and a long poll keeps its connection open. So
the signal handler ends all long polls. uvicorn raises the signal again at the end. This server does not, because the
program must still stop its embedded database.
"""

import asyncio
import errno
import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from service.api.prefix import Forwarded
from service.api.protocol import Protocol
from service.follower import Follower

_GRACE_SECONDS: Final = 2
_IDLE_SECONDS: Final = 75
GC_THRESHOLDS: Final = (20_000, 50, 50)
"""Thresholds of the garbage collector. The caches have tens of thousands of objects without cycles. With the default
thresholds, the collector scans them so often that it takes half of the time of an append."""


def tune_garbage_collection() -> None:
    """Exclude all present objects from garbage collection, and collect less often.

    These objects live as long as the process. Scanning them delays requests, and the end of the process by 0.5 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def bind(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of a host name (IPv4, IPv6). `Server.run` listens on them.

    Raises OSError if an address is in use or not available.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[socket.socket] = []
    missing: OSError | None = None
    with ExitStack() as failing:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            opened = failing.enter_context(socket.socket(family, kind, protocol))
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            number = bound[0].getsockname()[1] if bound else port
            try:
                opened.bind((address[0], number, *address[2:]))
            except OSError as refused:
                # A name can have an IPv6 address on a machine without IPv6.
                if refused.errno != errno.EADDRNOTAVAIL:
                    raise
                missing = refused
            else:
                bound.append(opened)
        if not bound and missing:
            raise missing
        failing.pop_all()
    return bound


class Server(uvicorn.Server):
    """A server that calls `on_started` with its address as soon as it accepts connections.

    `trusted_proxies`: addresses and networks whose X-Forwarded headers are trusted, separated by commas.
    """

    def __init__(
        self, app: FastAPI, host: str, port: int, on_started: Callable[[str], None], *, trusted_proxies: str = ""
    ) -> None:
        super().__init__(
            uvicorn.Config(
                Forwarded(app, trusted_proxies) if trusted_proxies else app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # `Forwarded` handles them
                http=Protocol,
                ws="none",
                lifespan="on",
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._follower: Follower = app.state.follower
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM or SIGINT, on the sockets of `bind` if given. `started` is false if none was free."""
        try:
            super().run(sockets)
        except SystemExit:
            if self.started:
                raise

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            for bound in sockets or ():
                bound.listen(self.config.backlog)
        except OSError:  # two processes can bind the same address, but only one can listen
            sys.exit(1)
        await super().startup(sockets)
        tune_garbage_collection()
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            try:
                self._on_started(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            except BaseException:
                await self.shutdown(sockets)
                raise

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._follower.drain)
