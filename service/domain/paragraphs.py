"""Read the numbers of paragraphs as people write them: `3, 4` or `4-6`."""

import re
from typing import Final

_RANGE: Final = re.compile(r"([1-9][0-9]{0,5})\s*[-–]\s*([1-9][0-9]{0,5})")  # noqa: RUF001 -- people type it
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,16}")
MAX_PARAGRAPHS: Final = 200
"""The most paragraphs that one citation can have."""


def numbers_in(text: str) -> list[int | str]:
    """Return the numbers in a text, with each range as its numbers.

    A part that is neither stays a text, and so does a range that runs backwards or has more than MAX_PARAGRAPHS.
    """
    parts = re.sub(r"\s*([-–])\s*", r"\1", text).replace(",", " ").split()  # noqa: RUF001 -- as above
    return [number for part in parts for number in _numbers(part)]


def _numbers(part: str) -> list[int | str]:
    if _NUMBER.fullmatch(part):
        return [int(part)]
    if (match := _RANGE.fullmatch(part)) is None:
        return [part]
    first, last = int(match[1]), int(match[2])
    return list(range(first, last + 1)) if 0 <= last - first < MAX_PARAGRAPHS else [part]
