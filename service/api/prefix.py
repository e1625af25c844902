"""Serve below a path such as `/irritants`, behind a proxy that serves other applications too.

The prefix is removed from each request, so inside the application every path begins at the root. Only code that writes
an address into a response adds it again. The prefix comes from a trusted proxy (X-Forwarded-Prefix), from ASGI
(`root_path`) or from the settings. The proxy may strip it from the path or not.
"""

import ipaddress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.settings import OWN_PATHS, path_prefix

_ADDRESS_HEADERS: Final = frozenset({b"location", b"content-location", b"hx-redirect"})
"""Response headers whose value is an address of this service."""


def prefix_of(scope: Scope) -> str:
    """Return the prefix of this request, for example `/irritants`, or "" at the root."""
    prefix: str = scope.get("state", {}).get("prefix", "")
    return prefix


def remove_prefix(scope: Scope, prefix: str, send: Send) -> Send:
    """Remove the prefix from a request, and return a `send` that adds it to the addresses in the response headers.

    It is removed only if an address of the service follows. So `/irritants/ru-us/visas`, an address of the service from
    which the proxy has stripped the prefix `/irritants` already, stays as it is.
    """
    path: str = scope["path"]
    rest = path[len(prefix) :]
    if path.startswith(prefix) and (not rest or (rest[0] == "/" and rest.split("/", 2)[1] in OWN_PATHS)):
        scope["path"] = rest or "/"
    scope["root_path"] = ""
    scope.setdefault("state", {})["prefix"] = prefix

    async def send_prefixed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, prefix.encode() + value if name.lower() in _ADDRESS_HEADERS and _is_own(value) else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_prefixed


def _is_own(address: bytes) -> bool:
    return address.startswith(b"/") and not address.startswith(b"//")


class Forwarded:
    """A layer that uses the X-Forwarded headers of trusted proxies: client address, scheme and prefix.

    `proxies`: addresses and networks, separated by commas.
    """

    def __init__(self, app: ASGIApp, proxies: str) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=proxies)  # type: ignore[arg-type]  # uvicorn has its own types of ASGI
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies.split(",")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Before uvicorn replaces the address of the proxy by that of the client.
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
