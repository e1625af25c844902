"""The bare app that the service is compared with sends the same bytes."""

import asyncio

import httpx2
import pytest

from tests.api.serving import Served
from tests.benchmarks.servers import PATHS, bare

PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("path", PATHS)
def test_the_bare_app_sends_what_the_service_sends(shared_server: Served, path: str) -> None:
    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=bare(shared_server.url))
        async with httpx2.AsyncClient(transport=transport, base_url="http://bare") as client:
            return await client.get(path, headers=PLAIN)

    copied, service = asyncio.run(asked()), httpx2.get(shared_server.url + path, headers=PLAIN)
    assert copied.content == service.content
    assert copied.headers["content-length"] == str(len(service.content))
    assert copied.headers["etag"] == service.headers["etag"]
