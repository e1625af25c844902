"""The ladder: how far an irritant has come, from never mentioned to settled.

On disk and on the wire a rung is a word, never a number, so that a rung can be inserted later without touching what is
recorded. Inside a fold it is its place on the ladder, so that `max` and `min` mean what they say.
"""

from typing import Final, Literal

Rung = Literal["unstated", "raised", "proposed", "in_talks", "understanding", "formalised", "implementing", "resolved"]

RUNGS: Final[tuple[Rung, ...]] = (
    "unstated",
    "raised",
    "proposed",
    "in_talks",
    "understanding",
    "formalised",
    "implementing",
    "resolved",
)
LEVELS: Final[dict[str, int]] = {rung: level for level, rung in enumerate(RUNGS)}

UNSTATED, RAISED, PROPOSED, IN_TALKS, UNDERSTANDING, FORMALISED, IMPLEMENTING, RESOLVED = range(8)
