"""Isolate text from right to left within English text, such as a Persian quotation in a headline.

Without isolation, a quotation mark, a number or a name beside such a text is displayed on the wrong side (UAX #9).
Plain text has two control characters for it, which `isolated` inserts. Pages use `<bdi>`. Other text stays as it is.
"""

import re
from typing import Final

_RTL: Final = (
    "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"  # Hebrew to Arabic, and others
)
_BETWEEN: Final = "\\s\\d.,'’…\u200c\u200d–-"  # noqa: RUF001
RUN: Final = re.compile(f"(?<=“)[^“”]*[{_RTL}][^“”]*(?=”)|[{_RTL}](?:[{_BETWEEN}]*[{_RTL}])*")
"""Match a whole quotation that has letters of such scripts. Outside quotations, match the words in these letters."""
FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_DIRECTIONAL_ISOLATE: Final = "\u2069"


def isolated(text: str) -> str:
    """Return plain text with each part from right to left isolated from the text around it."""
    return RUN.sub(f"{FIRST_STRONG_ISOLATE}\\g<0>{POP_DIRECTIONAL_ISOLATE}", text)
