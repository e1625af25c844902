"""Example bodies for the OpenAPI document. They are invented, and the seeded record accepts them."""

from typing import Any, Final

_SAID: Final[dict[str, Any]] = {
    "occurred": "2025-05-06",
    "asserted_by": {"party": "RU", "organ": "Foreign Ministry", "channel": "paraphrase"},
    "source": {"document": "ministry-briefing-2025-05-06", "paragraphs": [12], "origin": "ministry-briefing"},
}

REPORT: Final[dict[str, Any]] = {
    "relation": "ru-us",
    "title": "A briefing at the ministry in May",
    "events": [
        {
            "stream": "source/ministry-briefing-2025-05-06",
            "type": "SourceRegistered",
            "publisher": "Foreign Ministry, transcript of a briefing",
            "paragraphs": 40,
            "published": "2025-05-06",
            "address": "https://example.org/briefings/2025-05-06",
            "language": "en",
        },
        {
            "stream": "source/ministry-briefing-2025-05-06",
            "type": "OriginRegistered",
            "origin": "ministry-briefing",
            "speaker": "The ministry's spokeswoman",
            "party": "RU",
            "channel": "paraphrase",
            "occurred": "2025-05-06",
        },
        {
            "stream": "irritant/ru-us/direct-flights",
            "type": "DiscussionReported",
            "form": "working_group",
            "summary": "The ministry says that a working group has taken up the flights.",
            **_SAID,
        },
    ],
}

EVENTS: Final[dict[str, dict[str, Any]]] = {
    "irritant": {
        "type": "PositionStated",
        "stance": "priority",
        "summary": "The ministry calls the flights its priority for the next round.",
        **_SAID,
    },
    "round": {
        "type": "RoundCharacterised",
        "summary": "The ministry speaks well of how the delegations worked.",
        "wording": "businesslike",
        **_SAID,
    },
    "relation": {
        "type": "EmphasisStated",
        "summary": "The ministry wants the irritants settled one by one.",
        **_SAID,
    },
}
