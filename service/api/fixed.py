"""Documents that no event changes: the OpenAPI document, the help, the explanations of problems, style sheets.

Each is rendered once and compressed once. Its ETag is a hash of its bytes.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from service.api import codings, etags, negotiation
from service.api.prefix import prefix_of

_MAX_DOCUMENTS: Final = 200
"""With more documents than this, all are rendered again. One prefix has fewer."""


class FixedDocument:
    """A document that no event changes, with its headers, uncompressed and in gzip."""

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self.body, self._media_type = body, media_type
        self._headers = {**headers, "Vary": "Accept-Encoding"}
        self._tag = etags.etag_of(body)
        self._compressed: bytes | None = None

    async def answer(self, request: Request) -> Response:
        """Return the document, or 304 if `If-None-Match` shows that the client has it."""
        conditional = negotiation.Request(request.scope, request.receive)
        is_compressed = conditional.coding == codings.GZIP_ALONE or (
            conditional.coding == codings.GZIP and len(self.body) >= codings.MIN_SIZE
        )
        tag = etags.compressed(self._tag) if is_compressed else self._tag
        matching = conditional.matching_tag(tag.encode())
        if matching is not None:
            return Response(None, 304, {**self._headers, "ETag": matching.decode("latin-1")})
        headers = {**self._headers, "ETag": tag}
        if not is_compressed:
            return Response(self.body, 200, headers, self._media_type)
        if self._compressed is None:
            self._compressed = await codings.compressed(self.body)
        return Response(self._compressed, 200, {**headers, "Content-Encoding": codings.GZIP}, self._media_type)


async def fixed_response(request: Request, make: Callable[[], FixedDocument]) -> Response:
    """Return the document at the requested address. The first request calls `make`, in a thread."""
    documents: dict[tuple[str, str], asyncio.Task[FixedDocument]] = request.app.state.fixed
    key = prefix_of(request.scope), request.scope["path"]
    task = documents.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        if len(documents) >= _MAX_DOCUMENTS:
            documents.clear()
        task = documents[key] = asyncio.ensure_future(asyncio.to_thread(make))
    # Other requests may wait for the same document, so do not cancel it with this request.
    document = await asyncio.shield(task)
    return await document.answer(request)
