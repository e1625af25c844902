"""Serves: one process, one event loop; when told to end it answers whoever is waiting, and is gone within five seconds.

uvicorn tells the application to stop only when every connection has ended, and one that waits for news never does: so
the signal itself makes the follower let everybody go. The signal is not raised anew afterwards, as uvicorn does, for
that would end the program before it has put its database away.
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
COLLECTED_AFTER: Final = (20_000, 50, 50)
"""What is kept of the record is tens of thousands of objects without a cycle among them, and grows as it is used: as
often as the interpreter would by itself, looking through them took half of the time of an append."""


def collect_seldom() -> None:
    """Nobody looks again through what was made until now.

    It lives as long as the process: the collector need not see it while requests wait, nor the interpreter when it
    ends, which alone took half a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def bind(host: str, port: int) -> list[socket.socket]:
    """Take an address, in each family that the name has, before anything else is done; `Server.run` listens on it.

    Raises OSError, which says why the address cannot be had.
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
                # A name may have an address of a family that this machine does not use.
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
    """`told` is called with the address as soon as connections are taken.

    Whom a request comes from is the other end of its connection, or what one of the `trusted_proxies` says of it; these
    are addresses and networks with commas between.
    """

    def __init__(
        self, app: FastAPI, host: str, port: int, told: Callable[[str], None], *, trusted_proxies: str = ""
    ) -> None:
        super().__init__(
            uvicorn.Config(
                Forwarded(app, trusted_proxies) if trusted_proxies else app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # `Forwarded` does that
                http=Protocol,
                ws="none",
                lifespan="on",
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._follower: Follower = app.state.follower
        self._told = told
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
        except OSError:  # of two processes that bound the same address at once, the second cannot listen
            sys.exit(1)
        await super().startup(sockets)
        collect_seldom()
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            try:
                self._told(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            except BaseException:
                await self.shutdown(sockets)
                raise

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._follower.drain)
