"""Request bodies on the seeded record. Fields that a test does not set have valid values."""

from typing import Any

FLIGHTS = "irritant/ru-us/direct-flights"
VISAS = "irritant/ru-us/visas"


def said(type: str, **fields: Any) -> dict[str, Any]:
    """Return one assertion by the Russian side, as the body of a single append."""
    return {
        "type": type,
        "occurred": "2025-05-06",
        "asserted_by": {"party": "RU", "channel": "attributed"},
        "source": {"document": "a4-unnamed-outlet", "paragraphs": [2], "origin": "darchiev-after-april"},
        "summary": f"{type}, said by the Russian side.",
        **fields,
    }


def on(stream: str, type: str, **fields: Any) -> dict[str, Any]:
    """Return the same assertion as an event of a report."""
    return {"stream": stream, **said(type, **fields)}


def report(*events: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"relation": "ru-us", "title": "What was said in May", "events": list(events), **fields}


def source(slug: str = "briefing", **fields: Any) -> dict[str, Any]:
    return {
        "stream": f"source/{slug}",
        "type": "SourceRegistered",
        "publisher": "A ministry",
        "paragraphs": 9,
        **fields,
    }


def origin(slug: str = "spokeswoman", *, on: str = "briefing", party: str = "US") -> dict[str, Any]:
    return {
        "stream": f"source/{on}",
        "type": "OriginRegistered",
        "origin": slug,
        "speaker": "The spokeswoman",
        "party": party,
        "channel": "quote",
    }
