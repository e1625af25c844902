"""Bodies: bounded in size, time, number and depth, and read as strict JSON (I-JSON, RFC 7493).

A JSON parser that forgives would let two readers of one body disagree: of a member that comes twice, which one was
recorded? So doubled members, halves of characters, NUL, fractions and numbers that not every reader can hold are
mistakes, each with its place, listed together with what else is wrong. A byte order mark changes no value and is
skipped, as RFC 8259 allows.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from service.api.problems import MOST_MISTAKES, Problem
from service.domain.errors import Malformed
from service.domain.report import escaped
from service.source_positions import Unreadable, decoded, not_json, too_deep

T = TypeVar("T")

LIMIT: Final = 1 << 20
REPORT_LIMIT: Final = 16 << 20
DEEPEST: Final = 24
LARGEST: Final = 2**53 - 1  # what every reader of JSON holds exactly
_SECONDS: Final = 20
SMALL: Final = 1 << 16
# A large body costs ten times its size while it is read: two at once, whatever arrives.
readers = CapacityLimiter(2)


class Room:
    """Bytes that bodies may take together until they are read.

    The beginning of each is not counted: whoever fills this keeps nobody from signing in, or from reporting a little.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, more: int) -> None:
        """Raises Problem (503) where there is not as much left."""
        if more > self._left:
            detail = "Too many large bodies are on their way at once. Nothing was written; try again."
            raise Problem("overloaded", detail)
        self._left -= more

    def give_back(self, taken: int) -> None:
        self._left += taken


# Strangers send forms, to be asked who they are with all that they wrote kept: they have a room of their own to fill.
_OF_STRANGERS: Final = Room(32 << 20)
_OF_KEYS: Final = Room(256 << 20)


@dataclass(frozen=True)
class Body:
    """What a body says, and every place where it is not I-JSON."""

    value: Any
    mistakes: tuple[Malformed, ...]


async def read(request: Request, limit: int = LIMIT) -> Body:
    """Raises Problem: 413, 415, 408, 503 or 400."""
    _refuse_other_media(request)
    return await understood(request, limit, parsed)


async def understood(request: Request, limit: int, read: Callable[[bytes], T]) -> T:
    """What `read` makes of the body, in a thread where it is large. Raises Problem: 413, 408, 503, or its own."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise _too_large(limit)
    with _held(request) as held:
        raw = await _received(request, limit, held)
        if len(raw) <= SMALL:
            return read(raw)
        return await to_thread.run_sync(read, raw, limiter=readers)


@contextmanager
def _held(request: Request) -> Iterator[Callable[[int], None]]:
    """Called with the size that the body has by now, as it grows."""
    access = request.scope.get("state", {}).get("key")
    room = _OF_STRANGERS if access is None or access.key is None else _OF_KEYS
    taken = 0

    def held(size: int) -> None:
        nonlocal taken
        if (more := size - SMALL - taken) > 0:
            room.take(more)
            taken += more

    try:
        yield held
    finally:
        room.give_back(taken)


def parsed(raw: bytes) -> Body:
    """Raises Problem: 400 where this is no JSON at all."""
    try:
        value = _loaded(decoded(raw))
    except Unreadable as error:
        raise Problem("malformed-json", f"The body cannot be read at {error}") from None
    return Body(value, tuple(islice(_mistakes(value, "", 0), MOST_MISTAKES)))


def _loaded(text: str) -> Any:
    """Raises Unreadable."""
    try:
        return json.loads(text, object_pairs_hook=_members, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise not_json(text, error) from None
    except RecursionError:
        raise too_deep(text, DEEPEST) from None


def _integer(digits: str) -> int:
    """The number, or one that is too large as well: of thousands of digits Python makes none."""
    return int(digits[:20])


def _refuse_other_media(request: Request) -> None:
    # A header that a proxy has doubled is one list; all of it has to be JSON.
    types = ",".join(request.headers.getlist("content-type")).lower().replace('"', "").split(",")
    if not all(map(_is_json, types)):
        raise Problem(
            "not-json", "A body is sent as application/json, in UTF-8.", headers={"Accept": "application/json"}
        )
    codings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if {coding.strip() for coding in codings} - {"", "identity"}:
        raise Problem("not-json", "A body is sent as it is, not encoded.", headers={"Accept-Encoding": "identity"})


def _is_json(content_type: str) -> bool:
    """Whether this is JSON in UTF-8. RFC 9110, section 5.6.6, allows empty parameters: a semicolon at the end."""
    media, *parameters = (part.strip() for part in content_type.split(";"))
    return media == "application/json" and {*parameters} <= {"", "charset=utf-8"}


async def _received(request: Request, limit: int, held: Callable[[int], None]) -> bytes:
    raw = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > limit:
                    raise _too_large(limit)
                held(len(raw))
    except TimeoutError:
        detail = f"The body did not arrive within {_SECONDS} seconds."
        raise Problem("slow-body", detail, headers={"Connection": "close"}) from None
    return bytes(raw)


def _too_large(limit: int) -> Problem:
    # The connection stays: what is still on its way is thrown away, for who is cut off while sending hears no answer.
    return Problem("body-too-large", f"The body has more than {limit} bytes.")


class _Doubled(dict[str, Any]):
    """An object in which these members came twice."""

    twice: set[str]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    doubled = _Doubled(members)
    doubled.twice = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
    return doubled


def _mistakes(value: Any, place: str, depth: int) -> Iterator[Malformed]:
    if depth > DEEPEST:
        yield Malformed(place, why=f"is nested more than {DEEPEST} deep")
    elif isinstance(value, dict):
        yield from _mistakes_of_members(value, place, depth)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _mistakes(member, f"{place}/{index}", depth + 1)
    elif isinstance(value, str):
        if (why := _unwritable(value)) is not None:
            yield Malformed(place, why=why)
    elif isinstance(value, float):
        yield Malformed(place, why="is no whole number")
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield Malformed(place, why="is beyond the numbers that every reader of JSON holds exactly")


def _mistakes_of_members(members: dict[str, Any], place: str, depth: int) -> Iterator[Malformed]:
    if isinstance(members, _Doubled):
        for name in sorted(members.twice):
            yield Malformed(f"{place}/{escaped(name)}", why="is there twice")
    for name, member in members.items():
        if _unwritable(name) is not None:
            yield Malformed(f"{place}/{escaped(name)}", why="has a name that cannot be written")
        yield from _mistakes(member, f"{place}/{escaped(name)}", depth + 1)


def _unwritable(text: str) -> str | None:
    if "\0" in text:
        return "has a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair"
    return None
