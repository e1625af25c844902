"""What may be said of the talks as a whole.

That a relation is opened before anything else and once is judged where its stream is found empty (`filing.py`).
"""

from service.domain.corrections import Effective
from service.domain.errors import Malformed, Refusal
from service.domain.relation.events import RelationOpened
from service.domain.relation.state import Relation


def judge(state: Relation, effect: Effective, _stream: str, relation: str) -> Refusal | None:
    """Why this cannot be said here, or None."""
    match effect.data:
        case RelationOpened(parties=parties) if sorted(parties) != sorted(state.parties):
            return Malformed("/parties", why=f"are not those of {relation}, which are {' and '.join(state.parties)}")
        case _:
            return None
