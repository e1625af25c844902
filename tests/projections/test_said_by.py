"""Who makes a statement, in words."""

import pytest

from service.domain.actor.names import ActorNames
from service.domain.assertion import AssertedBy
from service.projections.words.said_by import speaker_in_words


@pytest.mark.parametrize(
    ("by", "speaker"),
    [
        ({"party": "US", "channel": "quote"}, "The United States"),
        ({"party": "RU", "organ": "Foreign Ministry", "channel": "paraphrase"}, "Russia (Foreign Ministry)"),
        (
            {"party": "RU", "organ": "Foreign Ministry", "person": "Anna Example", "channel": "quote"},
            "Russia (Foreign Ministry, Anna Example)",
        ),
        (
            {"party": "US", "organ": "State Department", "channel": "attributed"},
            "The United States (State Department), only attributed",
        ),
        ({"party": "RU", "channel": "leaked"}, "Russia, leaked"),
        ({"party": "JOINT", "channel": "quote"}, "Both sides jointly"),
        ({"party": "MEDIA", "organ": "An agency", "channel": "outlet"}, "Media (An agency)"),
        ({"party": "african-union", "channel": "quote"}, "The African Union"),
    ],
)
def test_a_speaker_is_a_voice_with_organ_and_person(by: dict[str, str], speaker: str) -> None:
    names = ActorNames(registered={"african-union": "African Union"})
    assert speaker_in_words(AssertedBy.model_validate(by), names) == speaker
