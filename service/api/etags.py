"""Entity tags: `"<position>-<representation>-<media type>"`, so that what was read says itself when it is out of date.

Never made from the body: a tag must be known before anything is rendered, and must change with the shape of the JSON.
"""

import re
from typing import Final

JSON: Final = "application/json"
_LISTED: Final = re.compile(r'(?P<weak>W/)?"(?P<tag>[\x21\x23-\x7e]*)"')
_POSITION: Final = re.compile(r"(?P<position>0|[1-9][0-9]{0,17})-(?P<rest>.+)")


def etag(position: int, representation: int, media_type: str = JSON) -> str:
    return f'"{position}-{representation}-{media_type}"'


def etags(listed: str, representation: int, media_type: str = JSON) -> list[int]:
    """The positions of the tags in a header that are of this representation; weak ones never match (If-Match)."""
    strong = (found["tag"] for found in _LISTED.finditer(listed) if not found["weak"])
    parts = (part for tag in strong if (part := _POSITION.fullmatch(tag)))
    return [int(part["position"]) for part in parts if part["rest"] == f"{representation}-{media_type}"]
