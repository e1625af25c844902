"""Serve the stylesheet and the scripts. Their names change with their content, so browsers can store them for ever.

`VERSION` is a hash of all files of this room and is part of the ETag of every page. So no browser keeps a page of an
older release.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.fixed import FixedDocument
from service.api.problems import Problem
from service.resources import folder

ROOM: Final = folder("web")
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_STYLESHEETS: Final = ("style.css", "filing.css", "readout.css")
_SCRIPTS: Final = ("live.js", "filing.js")
"""Each page loads one of these scripts. Its file also contains the scripts that every page needs."""
_SCRIPTS_OF_EVERY_PAGE: Final = ("search.js", "cite.js")
_CACHED_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


def _hash(*bodies: bytes) -> str:
    return blake2b(b"\0".join(bodies), digest_size=6).hexdigest()


def _hashed_name(name: str, body: bytes) -> str:
    """Return the name with a hash of the content, such as `live.0a1b2c3d4e5f.js`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{_hash(body)}{dot}{suffix}"


def _read_files() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file. Files that a page needs together are served as one."""
    folder = ROOM / "static"
    yield "style.css", b"\n".join((folder / name).read_bytes() for name in _STYLESHEETS)
    shared = b"".join((folder / name).read_bytes() for name in _SCRIPTS_OF_EVERY_PAGE)
    yield from ((name, (folder / name).read_bytes() + shared) for name in _SCRIPTS)
    others = {file.name for file in folder.glob("*.js")} - {*_SCRIPTS, *_SCRIPTS_OF_EVERY_PAGE}
    yield from ((name, (folder / name).read_bytes()) for name in sorted(others))


_FILES: Final = dict(_read_files())
_HEADERS: Final = {"Cache-Control": _CACHED_FOR_A_YEAR, "X-Content-Type-Options": "nosniff"}
_ASSETS: Final = {
    _hashed_name(name, body): FixedDocument(body, _TYPES[Path(name).suffix], _HEADERS) for name, body in _FILES.items()
}
ADDRESSES: Final = {name: f"/static/{_hashed_name(name, body)}" for name, body in _FILES.items()}
"""The address of each file, by its name in `static/`."""

_SOURCES: Final = sorted(f for f in ROOM.rglob("*") if f.suffix in {".py", ".html", ".css", ".js", ".toml", ".md"})
VERSION: Final = int(_hash(*(file.read_bytes() for file in _SOURCES)), 16)

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    """Serve one file. Its name contains the hash of its content."""
    file = _ASSETS.get(name)
    if file is None:
        raise Problem("not-found", f"There is no file {name}.")
    return await file.answer(request)
