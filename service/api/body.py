"""Read request bodies: with limits on size, time and depth, and as strict JSON (I-JSON, RFC 7493).

All JSON parsers must read the same content from a stored report. So these are mistakes, each listed with its place:
duplicate members, half surrogate pairs, NUL characters, fractions, and numbers beyond 2^53 - 1. A byte order mark at
the beginning is skipped, as RFC 8259 allows.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from service.api.problems import MAX_MISTAKES, Problem
from service.domain.errors import Malformed
from service.domain.report import escaped
from service.source_positions import UnreadableText, decoded, load_json

T = TypeVar("T")

LIMIT: Final = 1 << 20
"""The largest body in bytes, except for reports."""
REPORT_LIMIT: Final = 16 << 20
MAX_DEPTH: Final = 24
MAX_INTEGER: Final = 2**53 - 1  # the largest integer that every JSON parser represents exactly
_SECONDS: Final = 20
_SHOWN: Final = 100
"""The number of characters of a header that a problem shows."""
SMALL: Final = 1 << 16
"""Bodies up to this number of bytes are parsed in the event loop, larger ones in a thread."""
# Parsing a large body takes ten times its size in memory, so at most two are parsed at the same time.
large_bodies = CapacityLimiter(2)


class ByteBudget:
    """Limits the memory of all bodies that are arriving or waiting to be parsed.

    The first 64 KiB of each body are not counted, so a full budget does not block sign-ins and small reports.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    def take(self, more: int) -> None:
        """Reserve bytes. Raises Problem (503) if fewer are left."""
        if more > self._left:
            detail = "Too many large bodies are arriving at the same time. Nothing was written. Retry later."
            raise Problem("overloaded", detail)
        self._left -= more

    def give_back(self, taken: int) -> None:
        self._left += taken


# Separate budgets, so that senders without a key cannot use up the memory of the others.
_ANONYMOUS_BUDGET: Final = ByteBudget(32 << 20)
_KEY_BUDGET: Final = ByteBudget(256 << 20)


@dataclass(frozen=True)
class Body:
    """The value of a JSON body, and its mistakes against I-JSON."""

    value: Any
    mistakes: tuple[Malformed, ...]


async def read(request: Request, limit: int = LIMIT) -> Body:
    """Return the JSON of a request. Raises Problem: 400, 408, 413, 415 or 503."""
    _refuse_other_media(request)
    return await read_as(request, limit, parsed)


async def read_as(request: Request, limit: int, parse: Callable[[bytes], T]) -> T:
    """Return `parse(body)`. A large body is parsed in a thread. Raises Problem: 408, 413, 503, or those of `parse`."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise _too_large(limit)
    with _reserved(request) as reserve:
        raw = await _received(request, limit, reserve)
        if len(raw) <= SMALL:
            return parse(raw)
        return await to_thread.run_sync(parse, raw, limiter=large_bodies)


@contextmanager
def _reserved(request: Request) -> Iterator[Callable[[int], None]]:
    """Yield a function that reserves memory: call it with the size so far. It raises Problem (503) if none is left."""
    access = request.scope.get("state", {}).get("key")
    budget = _ANONYMOUS_BUDGET if access is None or access.key is None else _KEY_BUDGET
    taken = 0

    def reserve(size: int) -> None:
        nonlocal taken
        if (more := size - SMALL - taken) > 0:
            budget.take(more)
            taken += more

    try:
        yield reserve
    finally:
        budget.give_back(taken)


def parsed(raw: bytes) -> Body:
    """Parse a body. Raises Problem (400) if it is not JSON."""
    try:
        value = load_json(decoded(raw), members=_members, integer=_integer, most_levels=MAX_DEPTH)
    except UnreadableText as error:
        raise Problem("malformed-json", f"The body is invalid at {error}") from None
    return Body(value, tuple(islice(_mistakes(value, "", 0), MAX_MISTAKES)))


def _integer(digits: str) -> int:
    """Return the number of the first 20 digits. That is out of range already, and Python refuses to parse thousands."""
    return int(digits[:20])


def _refuse_other_media(request: Request) -> None:
    """Raise Problem (415) if the headers say that the body is not plain JSON."""
    # A proxy may double the header to a list. Every element has to be JSON.
    content_type = ",".join(request.headers.getlist("content-type"))
    if not all(map(_is_json, content_type.lower().replace('"', "").split(","))):
        wrong = f"Content-Type {content_type[:_SHOWN]} is not allowed." if content_type else "Content-Type is missing."
        detail = f"{wrong} Send the body as application/json, in UTF-8."
        raise Problem("not-json", detail, headers={"Accept": "application/json"})
    coding = ",".join(request.headers.getlist("content-encoding"))
    if {name.strip() for name in coding.lower().split(",")} - {"", "identity"}:
        detail = f"Content-Encoding {coding[:_SHOWN]} is not allowed. Send the body without Content-Encoding."
        raise Problem("not-json", detail, headers={"Accept-Encoding": "identity"})


def _is_json(content_type: str) -> bool:
    """Return whether this means JSON in UTF-8. An empty parameter (`;`) is valid (RFC 9110, section 5.6.6)."""
    media, *parameters = (part.strip() for part in content_type.split(";"))
    return media == "application/json" and {*parameters} <= {"", "charset=utf-8"}


async def _received(request: Request, limit: int, reserve: Callable[[int], None]) -> bytes:
    """Return the body after it has arrived. Raises Problem: 408, 413 or 503."""
    raw = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > limit:
                    raise _too_large(limit)
                reserve(len(raw))
    except TimeoutError:
        detail = f"The body did not arrive within {_SECONDS} seconds. Send it again."
        raise Problem("slow-body", detail, headers={"Connection": "close"}) from None
    return bytes(raw)


def _too_large(limit: int) -> Problem:
    # The connection stays open and the rest is discarded: a client that is cut off while sending reads no response.
    return Problem("body-too-large", f"The body is larger than {limit} bytes, the limit here. Send a smaller body.")


class _WithDuplicates(dict[str, Any]):
    """An object with duplicate members. Their names are in `duplicates`."""

    duplicates: set[str]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, with the names of its duplicate members if it has any."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    found = _WithDuplicates(members)
    found.duplicates = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
    return found


def _mistakes(value: Any, place: str, depth: int) -> Iterator[Malformed]:
    """Yield the mistakes in a value against I-JSON. `place` is its JSON Pointer."""
    if depth > MAX_DEPTH:
        yield Malformed(place, why=f"is nested more than {MAX_DEPTH} levels deep, the limit; use fewer levels")
    elif isinstance(value, dict):
        yield from _mistakes_of_members(value, place, depth)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _mistakes(member, f"{place}/{index}", depth + 1)
    elif isinstance(value, str):
        if (why := _unwritable(value)) is not None:
            yield Malformed(place, why=why)
    elif isinstance(value, float):
        yield Malformed(
            place,
            why="is not written as a whole number; use only digits, with a minus sign before a negative number. Write a"
            ' decimal in quotes, such as "12.5", where the field takes one',
        )
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        yield Malformed(place, why=f"is out of range; use a whole number from -{MAX_INTEGER} to {MAX_INTEGER}")


def _mistakes_of_members(members: dict[str, Any], place: str, depth: int) -> Iterator[Malformed]:
    if isinstance(members, _WithDuplicates):
        for name in sorted(members.duplicates):
            yield Malformed(
                f"{place}/{escaped(name)}",
                why="appears more than once in its object; each name is allowed once. Send it once",
            )
    for name, member in members.items():
        if _unwritable(name) is not None:
            yield Malformed(
                f"{place}/{escaped(name)}",
                why="has a name with a NUL or half of a surrogate pair, which cannot be stored; remove it",
            )
        yield from _mistakes(member, f"{place}/{escaped(name)}", depth + 1)


def _unwritable(text: str) -> str | None:
    """Return why a text cannot be stored, None if it can."""
    if "\0" in text:
        return "contains a NUL character, which cannot be stored; remove it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair, which cannot be stored; send the whole character or remove it"
    return None
