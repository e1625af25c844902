"""Real servers with faults that proxies and networks cause between a client and the service."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Act = Callable[[socket.socket], None]
Behaviour = bytes | Act


@dataclass
class Misbehaving:
    """A faulty server. `heads` are the heads of the requests so far."""

    url: str
    heads: list[str] = field(default_factory=list)


def answer(body: bytes = b"", status: int = 200, media_type: str | None = "application/json", **more: str) -> bytes:
    """Return a whole answer. Names of further headers are written with `_`."""
    headers = {"Content-Length": str(len(body)), "Content-Type": media_type, "Connection": "close"}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"HTTP/1.1 {status} -\r\n{''.join(lines)}\r\n".encode("latin-1") + body


def reset_after(sent: bytes) -> Act:
    def act(connection: socket.socket) -> None:
        connection.sendall(sent)
        time.sleep(0.05)
        # Closing discards unsent bytes, so the client sees a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def silent(connection: socket.socket) -> None:
    """Keep the connection open and send nothing until the client leaves."""
    connection.recv(1)


def dripping(head: bytes) -> Act:
    """Send the head, and then a byte of the body from time to time."""

    def act(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    return act


@contextmanager
def misbehaving(*behaviours: Behaviour) -> Iterator[Misbehaving]:
    """Serve each request by the next behaviour, and all later ones by the last."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := self.request.recv(65536)):
                    return
                head += more
            served.heads.append(head.decode())
            behaviour = behaviours[min(len(served.heads), len(behaviours)) - 1]
            try:
                self.request.sendall(behaviour) if isinstance(behaviour, bytes) else behaviour(self.request)
            except ConnectionError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
            # Only close: a shutdown would end the connection in order before the reset.
            self.close_request(request)

    with Server(("127.0.0.1", 0), Handler) as server:
        served = Misbehaving(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield served
        server.shutdown()
