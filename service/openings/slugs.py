"""Make slugs from titles in any script, and choose slugs that are not in use."""

import re
from collections.abc import Container
from itertools import count
from typing import Final

from anyascii import anyascii

MAX_LENGTH: Final = 60
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def slug_of(title: str) -> str:
    """Make a slug of Latin letters from the words of a title: `visas-for-diplomats`. Empty if it has no words."""
    # An apostrophe in the text separates words. One that the transcription adds is removed.
    plain = re.sub("['`]", "", anyascii(re.sub("['’`]", " ", title))).lower()  # noqa: RUF001
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:MAX_LENGTH].strip("-")


def is_slug(text: str) -> bool:
    """Return whether a text has the form of a slug already."""
    return _SLUG.fullmatch(text) is not None


def unused(slug: str, taken: Container[str]) -> str:
    """Return the slug, with the lowest number that makes it a new one if it is taken: `readout`, `readout-2`."""
    numbered = (slug if number == 1 else f"{slug}-{number}" for number in count(1))
    return next(name for name in numbered if name not in taken)
