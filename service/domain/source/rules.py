"""Decide which events a source accepts.

`filing.py` checks what needs the whole record: a document is registered once, and the slug of an origin is unique.
"""

from service.domain.assertion import ONLY_FOR_MEDIA
from service.domain.corrections import EffectiveEvent
from service.domain.errors import Malformed, Refusal
from service.domain.source.events import OriginRegistered
from service.domain.source.state import Source


def judge(_state: Source, effect: EffectiveEvent, _stream: str, _relation: str) -> Refusal | None:
    """Return why the stream refuses an event, or None."""
    match effect.data:
        case OriginRegistered(channel="outlet", party=party) if party != "MEDIA":
            return Malformed("/channel", why=f"`channel` {ONLY_FOR_MEDIA}")
        case _:
            return None
