"""Served below a path: behind a proxy that has other things at its root, `/irritants/…` for example.

Inside, every address is that of the root; nothing here knows of a prefix but what writes an address into an answer.
The prefix comes from the server (ASGI `root_path`), which has it from a trusted proxy, or from the settings. A proxy
may strip it from the path or leave it there.
"""

import ipaddress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.settings import OWN_PATHS, path_prefix

_ADDRESSES: Final = frozenset({b"location", b"content-location", b"hx-redirect"})
"""Headers of an answer whose value is an address of this service."""


def prefix_of(scope: Scope) -> str:
    """The path below which this request was asked, empty at the root."""
    prefix: str = scope.get("state", {}).get("prefix", "")
    return prefix


def moved_to_root(scope: Scope, prefix: str, send: Send) -> Send:
    """Make a request one of the root, and return a `send` that moves its answer's addresses below the prefix.

    What follows the prefix has to begin like an address of ours. So `/irritants/ru-us/visas` from a proxy that stripped
    `/irritants` keeps its name.
    """
    path: str = scope["path"]
    rest = path[len(prefix) :]
    if path.startswith(prefix) and (not rest or (rest[0] == "/" and rest.split("/", 2)[1] in OWN_PATHS)):
        scope["path"] = rest or "/"
    scope["root_path"] = ""
    scope.setdefault("state", {})["prefix"] = prefix

    async def moved(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, prefix.encode() + value if name.lower() in _ADDRESSES and _is_own(value) else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return moved


def _is_own(address: bytes) -> bool:
    return address.startswith(b"/") and not address.startswith(b"//")


class Forwarded:
    """Believe what trusted proxies say: who asked, whether with encryption, and below which path (X-Forwarded-Prefix).

    `proxies`: addresses and networks with commas between. Who asked is uvicorn's to find out; it replaces the address
    of the proxy, so the prefix is looked at first.
    """

    def __init__(self, app: ASGIApp, proxies: str) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=proxies)  # type: ignore[arg-type]  # ASGI, typed anew
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies.split(",")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._trusts(scope):
            sent = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
            prefix = path_prefix(sent[0].decode("latin-1").strip()) if len(sent) == 1 else None
            if prefix is not None:
                scope["root_path"] = prefix
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _trusts(self, scope: Scope) -> bool:
        client = scope.get("client")
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        return any(address in network for network in self._networks)
