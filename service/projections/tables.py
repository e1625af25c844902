"""Tables as CSV (RFC 4180), for spreadsheets, which take some texts for formulas: those are made inert."""

import csv
import io
from collections.abc import Iterable
from typing import Final

# The wide ones are narrowed by spreadsheets that are set to Chinese or Japanese.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")


def as_csv(heading: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """The table with its heading. What is unknown is an empty cell; several words in one are set apart by spaces."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(heading)
    table.writerows([_cell(value) for value in row] for row in rows)
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
    # An apostrophe is what a spreadsheet itself puts before a text that must stay one.
    return f"'{text}" if text.startswith(_FORMULA) else text
