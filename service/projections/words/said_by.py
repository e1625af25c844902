"""Who makes a statement, in words: the side or another voice, with organ and person."""

from typing import Final

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import AssertedBy
from service.projections.words.names import at_the_beginning, name_of

NOT_SPOKEN: Final = {"attributed": "only attributed", "leaked": "leaked"}
"""The marks of words that are not the speaker's own."""


def speaker_in_words(by: AssertedBy, names: ActorNames = NO_NAMES) -> str:
    """Return who speaks, such as `Russia (Ministry of Foreign Affairs)` or `The United States, only attributed`."""
    whose = at_the_beginning(name_of(by.party, names))
    spoken = ", ".join(part for part in (by.organ, by.person) if part)
    mark = f", {NOT_SPOKEN[by.channel]}" if by.channel in NOT_SPOKEN else ""
    return f"{whose} ({spoken}){mark}" if spoken else f"{whose}{mark}"
