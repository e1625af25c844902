"""Estimate the width of a text in a drawing, in pixels, and shorten texts that are too wide.

The server does not know the fonts of the browser. So drawings set `textLength` to the estimate, and the browser fits
the text to it. Texts then keep their distance with any font.
"""

import unicodedata
from functools import lru_cache
from typing import Final

_WIDTHS: Final = {
    191: "'",
    222: "ijl\u2018\u2019",
    278: " .,:;!/|It\u00b7f[]\\",
    333: "()r-\u201c\u201d",
    389: "*",
    500: "sckvxyzJ",
    556: "abdeghnopqu0123456789L?_\u2013#",
    611: "FTZ",
    667: "EPSABKVXY&",
    722: "CDHNRUw",
    778: "GOQ",
    833: "mM",
    944: "W",
    1000: "@%\u2014\u2026",
}
"""The widths of characters in Helvetica, in thousandths of the size of the font."""
_WIDTH_OF: Final = {character: width for width, characters in _WIDTHS.items() for character in characters}
_OTHER_WIDTH: Final = 600
_OTHER_CAPITAL_WIDTH: Final = 760
_FULL_WIDTH: Final = 1000
"""The width of a character that fills a square, such as a Chinese one."""
_BOLD_FACTOR: Final = 1.08


def _width_of(character: str) -> int:
    if (known := _WIDTH_OF.get(character)) is not None:
        return known
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return _FULL_WIDTH
    return _OTHER_CAPITAL_WIDTH if character.isupper() else _OTHER_WIDTH


@lru_cache(maxsize=8192)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in pixels, for a font of this size."""
    width = sum(map(_width_of, text)) * size / 1000
    return round(width * _BOLD_FACTOR if bold else width, 1)


def shortened(text: str, size: float, max_width: float) -> str:
    """Return the text. If it is wider than `max_width`, return its beginning and an ellipsis."""
    if text_width(text, size) <= max_width:
        return text
    beginning = text
    while beginning and text_width(f"{beginning}\u2026", size) > max_width:
        beginning = beginning[:-1]
    return f"{beginning.rstrip()}\u2026"
