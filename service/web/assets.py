"""What pages are made with: stylesheet and scripts, under names that change with their content, to be kept for ever.

`VERSION` is of everything in this room; a page's tag contains it, so that no browser holds on to what an older release
drew.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from service.api.problems import Problem

ROOM: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file as it is served."""

    body: bytes
    media_type: str


def _hash(*bodies: bytes) -> str:
    return blake2b(b"\0".join(bodies), digest_size=6).hexdigest()


def _served_as(file: Path) -> str:
    return f"{file.stem}.{_hash(file.read_bytes())}{file.suffix}"


_FILES: Final = [file for file in sorted((ROOM / "static").iterdir()) if file.suffix in _TYPES]
_ASSETS: Final = {_served_as(file): Asset(file.read_bytes(), _TYPES[file.suffix]) for file in _FILES}
ADDRESSES: Final = {file.name: f"/static/{_served_as(file)}" for file in _FILES}
"""The address of each file, by its name in the folder."""

_MADE_OF: Final = sorted(f for f in ROOM.rglob("*") if f.suffix in {".py", ".html", ".css", ".js", ".toml", ".md"})
VERSION: Final = int(_hash(*(file.read_bytes() for file in _MADE_OF)), 16)

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def asset(name: str) -> Response:
    """A file under the name that its content gives it."""
    found = _ASSETS.get(name)
    if found is None:
        raise Problem("not-found", f"There is no file {name}.")
    headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return Response(found.body, headers=headers, media_type=found.media_type)
