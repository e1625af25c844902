"""The server: one process with one event loop. On SIGTERM it answers waiting requests and ends within five seconds.

uvicorn stops the application only after every connection has ended, which a long poll does not do. So the signal
handler ends all long polls. Unlike uvicorn, it does not raise the signal again afterwards: the program would end before
it has stopped its embedded database.
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
"""Thresholds of the garbage collector. Caches hold tens of thousands of objects without cycles. With the default
thresholds, scanning them took half of the time of an append."""


def tune_garbage_collection() -> None:
    """Exclude all present objects from garbage collection, and collect less often.

    They live as long as the process. Scanning them delays requests, and took half a second at the end of the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def bind(host: str, port: int) -> list[socket.socket]:
    """Bind an address in each family (IPv4, IPv6) that its name has. `Server.run` listens on the sockets.

    Raises OSError if the address is taken or not available.
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
                # A name may have an address in a family that the machine does not use.
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

    `trusted_proxies`: addresses and networks, separated by commas. Their X-Forwarded headers are used.
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
        """Serve until SIGTERM or SIGINT, on the sockets of `bind` if given. `started`: whether the address was free."""
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
        except OSError:  # two processes can bind the same address at the same time, but only one can listen
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
