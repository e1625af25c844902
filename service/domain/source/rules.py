"""What may be recorded of a document.

Nothing that one stream alone could tell is forbidden: that a document is registered first and once, and that an origin
is nobody else's, is judged where the whole record is in view (`filing.py`).
"""

from service.domain.corrections import Effective
from service.domain.errors import Refusal
from service.domain.source.state import Source


def judge(state: Source, effect: Effective, stream: str, relation: str) -> Refusal | None:
    """Always None: the judge that every kind of stream has."""
    return None
