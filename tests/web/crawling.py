"""Follow every address of a page: links, search forms, files, and the requests of its scripts."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2

_ASKED = ("href", "src", "hx-get", "data-hx-get", "data-live")
_SENT = ("hx-post", "data-hx-post", "data-draft")


class Addresses(HTMLParser):
    """The addresses of this service in a page. `asked` are read with GET. `sent` are the targets of forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.asked: set[str] = set()
        self.sent: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.asked.update(_own(given[name] for name in _ASKED if name in given))
        self.sent.update(_own(given[name] for name in _SENT if name in given))
        if "action" in given:
            (self.sent if given.get("method") == "post" else self.asked).update(_own([given["action"]]))


def _own(addresses: Any) -> Iterator[str]:
    for address in addresses:
        plain = urldefrag(address)[0]
        if plain and not urlsplit(plain).scheme:
            yield plain


def crawl(
    client: httpx2.Client, start: str, *, most: int = 400, check: Callable[[str, Any], None] = lambda _a, _b: None
) -> dict[str, Any]:
    """Every answer by its address, from one page on; at most so many of them. `check` is called with each."""
    waiting, visited = [start], dict[str, Any]()
    while waiting and len(visited) < most:
        address = waiting.pop(0)
        if address in visited:
            continue
        # A stream of events does not end: its head says whether it is there.
        method = "HEAD" if urlsplit(address).path.endswith("/live") else "GET"
        answer = visited[address] = client.request(method, address)
        check(address, answer)
        onward = {answer.headers["location"]} if "location" in answer.headers else set()
        if answer.headers.get("content-type", "").startswith("text/html"):
            onward |= Addresses(answer.text).asked
        waiting += sorted(urljoin(address, one) for one in onward)
    return visited
