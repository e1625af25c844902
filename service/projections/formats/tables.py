"""Tables as CSV (RFC 4180). A text that a spreadsheet would run as a formula is escaped."""

import csv
import io
from collections.abc import Iterable
from typing import Final

# The first characters of formulas. Spreadsheets in Chinese or Japanese also accept the full-width forms.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")


def as_csv(heading: Iterable[str], rows: Iterable[Iterable[object]], reading: str = "") -> str:
    """Return a table with its heading. None is an empty cell, and the words of a tuple have spaces between them.

    `reading` is the sentence on a reading of the past. It is a last column of its own, so that each row carries it.
    """
    last = ("reading", reading) if reading else ()
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow([*heading, *last[:1]])
    table.writerows([_cell(value) for value in (*row, *last[1:])] for row in rows)
    return written.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case tuple():
            text = " ".join(map(str, value))
        case _:
            text = str(value)
    # Spreadsheets treat a cell that begins with an apostrophe as text.
    return f"'{text}" if text.startswith(_FORMULA) else text
