"""Decide which events the stream of a relation accepts.

`filing.py` checks that the relation is opened first, and only once.
"""

from service.domain.corrections import EffectiveEvent
from service.domain.errors import Malformed, OtherRelation, Refusal
from service.domain.relation.events import RelationOpened, ReportAttributed
from service.domain.relation.state import Relation


def judge(state: Relation, effect: EffectiveEvent, _stream: str, relation: str) -> Refusal | None:
    """Return why the stream refuses an event, or None. Parties and rounds must be those of the relation."""
    match effect.data:
        case RelationOpened(parties=parties) if sorted(parties) != sorted(state.parties):
            return Malformed("/parties", why=f"`parties` of {relation} must be {' and '.join(state.parties)}")
        case ReportAttributed(round=round) if round.partition("/")[0] != relation:
            return OtherRelation("/round", stream=f"round/{round}", relation=relation)
        case _:
            return None
