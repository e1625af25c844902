"""What may be said of a round in the place where it is said.

`judge` meets the state in the event's place in the order of the world and raises nothing; it never changes anything.
Which types may begin a stream is judged where a stream is found empty (`filing.py`): here a place before everything
else, such as that of an undated assertion, would look the same.
"""

from collections.abc import Mapping
from typing import Final

from service.domain.actors import MEDIA, holders
from service.domain.assertion import Assertion, ClaimContested
from service.domain.corrections import Effective
from service.domain.errors import NotAParty, OutOfTurn, Refusal
from service.domain.round.events import DelegationHeadNamed
from service.domain.round.state import Phase, Round

# In which phases each step can be said. A step never leads back, save that what was put off can be scheduled anew.
_TURNS: Final[Mapping[str, tuple[Phase, ...]]] = {
    "RoundAnnounced": ("none", "announced"),
    "RoundScheduled": ("none", "announced", "scheduled", "postponed"),
    "RoundPostponed": ("announced", "scheduled", "postponed"),
    "RoundRelocated": ("announced", "scheduled", "postponed"),
    "RoundCancelled": ("announced", "scheduled", "postponed", "cancelled"),
    "RoundConvened": ("none", "announced", "scheduled", "postponed", "convened"),
    "RoundConcluded": ("none", "announced", "scheduled", "postponed", "convened", "concluded"),
}
_LEADS_TO: Final[Mapping[str, Phase]] = {
    "RoundAnnounced": "announced",
    "RoundScheduled": "scheduled",
    "RoundPostponed": "postponed",
    "RoundCancelled": "cancelled",
    "RoundConvened": "convened",
    "RoundConcluded": "concluded",
}


def judge(state: Round, effect: Effective, _stream: str, relation: str) -> Refusal | None:
    """Why this cannot be said here, or None. Evidence stands in its target's place, where that was judged."""
    data = effect.data
    if not isinstance(data, Assertion):
        return None
    if isinstance(data, ClaimContested):
        return None
    if isinstance(data, DelegationHeadNamed) and data.party not in state.parties:
        return NotAParty("/party", party=data.party, relation=relation)
    return None if effect.is_evidence else _out_of_turn(state, data)


def _out_of_turn(state: Round, data: Assertion) -> Refusal | None:
    type = data.__class__.__name__
    phase = state.phase
    in_turn = phase in _TURNS[type] if type in _TURNS else phase != "cancelled"
    if in_turn and not (_LEADS_TO.get(type) == phase and _says_again(state, data)):
        return None
    return OutOfTurn(phase=phase, type=type)


def _says_again(state: Round, data: Assertion) -> bool:
    """Whether whoever speaks has told this very step before. Media are many: each is known by its origin."""
    voices = {_voice(h, data.source.origin) for h in holders(state.parties, data.asserted_by.party)}
    statements = (t for c in state.of(data.__class__) for t in c.live)
    return voices <= {_voice(t.holder, t.origin) for t in statements}


def _voice(holder: str, origin: str) -> str:
    return origin if holder == MEDIA else holder
