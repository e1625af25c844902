"""Define the ladder: the rungs from `unstated` to `resolved`, which say how far an irritant has come.

Events and responses have the name of a rung, so that a later release can insert a rung. Folds use its number (0 to 7),
so that `max` and `min` work.
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
"""The number of each rung by its name, from 0 for `unstated`."""

UNSTATED, RAISED, PROPOSED, IN_TALKS, UNDERSTANDING, FORMALISED, IMPLEMENTING, RESOLVED = range(8)
