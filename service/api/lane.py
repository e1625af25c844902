"""The short way: whatever is read is answered here, as plain ASGI, before the framework hears of it.

The routes in the framework are the contract, and call the same function. Measured, the framework alone takes three
times as long over an answer that is ready.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import difference, feeds, irritants, live, relations, reports, rounds, sources
from service.api.answer import Answer, Request, Stream
from service.api.reading import Reader

_READING: Final = frozenset({"GET", "HEAD"})
_UNDER: Final = "/v1/"

_READ: Final = (irritants, difference, rounds, relations, sources, reports, feeds, live)
RESOURCES: Final = [resource for module in _READ for resource in module.RESOURCES]
ROUTERS: Final = [module.router for module in _READ]


class Lane:
    """Answers what is on record, and hands everything else on."""

    def __init__(self, app: ASGIApp, reader: Reader) -> None:
        self._app, self._reader = app, reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _READING and scope["path"].startswith(_UNDER):
            request = Request(scope, receive)
            answer = await self._reader.answer(request)
            if isinstance(answer, Answer):
                body = b"" if request.is_head else answer.body
                if request.exchange is not None and request.exchange.answer(answer.head, body):
                    scope["state"]["answered"] = answer.status
                    return
                await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
                await send({"type": "http.response.body", "body": body})
                return
            if answer is not None:
                await _streamed(request, answer, send)
                return
        await self._app(scope, receive, send)


async def _streamed(request: Request, stream: Stream, send: Send) -> None:
    first = await anext(stream.chunks)  # before anything is sent, so that a refusal can still be told
    if request.exchange is not None and request.scope["http_version"] == "1.0":
        request.scope["state"]["answered"] = 200
        await request.exchange.stream(Answer(200, stream.headers, b"").head, first, stream.chunks)
        return
    await send({"type": "http.response.start", "status": 200, "headers": stream.headers})
    chunk: bytes | None = first
    while chunk is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        chunk = await anext(stream.chunks, None)
    await send({"type": "http.response.body", "body": b""})
