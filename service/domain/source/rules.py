"""What may be recorded of a document and of the utterances behind it.

That a document is registered first and once, and that an origin's slug is nobody else's, is judged where the whole
record is in view (`filing.py`).
"""

from service.domain.corrections import Effective
from service.domain.errors import Malformed, Refusal
from service.domain.source.events import OriginRegistered
from service.domain.source.state import Source


def judge(_state: Source, effect: Effective, _stream: str, _relation: str) -> Refusal | None:
    """Why this cannot be recorded here, or None."""
    match effect.data:
        case OriginRegistered(channel="outlet", party=party) if party != "MEDIA":
            return Malformed("/channel", why="`outlet` is an outlet's own voice: only MEDIA has it")
        case _:
            return None
