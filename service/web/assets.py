"""Stylesheet and scripts, under names that change with their content, so that browsers can store them for ever.

`VERSION` covers all files of this room and is part of the ETag of every page. So no browser keeps a page of an older
release.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.fixed import Fixed
from service.api.problems import Problem
from service.resources import folder

ROOM: Final = folder("web")
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_STYLES: Final = ("style.css", "filing.css")
_FOR_EVER: Final = "public, max-age=31536000, immutable"


def _hash(*bodies: bytes) -> str:
    return blake2b(b"\0".join(bodies), digest_size=6).hexdigest()


def _served_as(name: str, body: bytes) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{_hash(body)}{dot}{suffix}"


def _read() -> Iterator[tuple[str, bytes]]:
    """Yield each file with its name. The stylesheet is written in two files and served as one."""
    folder = ROOM / "static"
    yield "style.css", b"\n".join((folder / name).read_bytes() for name in _STYLES)
    yield from ((file.name, file.read_bytes()) for file in sorted(folder.glob("*.js")))


_FILES: Final = dict(_read())
_HEADERS: Final = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
_ASSETS: Final = {
    _served_as(name, body): Fixed(body, _TYPES[Path(name).suffix], _HEADERS) for name, body in _FILES.items()
}
ADDRESSES: Final = {name: f"/static/{_served_as(name, body)}" for name, body in _FILES.items()}
"""The address of each file, by its name."""

_MADE_OF: Final = sorted(f for f in ROOM.rglob("*") if f.suffix in {".py", ".html", ".css", ".js", ".toml", ".md"})
VERSION: Final = int(_hash(*(file.read_bytes() for file in _MADE_OF)), 16)

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    """Serve a file under the name that its content gives it."""
    found = _ASSETS.get(name)
    if found is None:
        raise Problem("not-found", f"There is no file {name}.")
    return await found.answer(request)
