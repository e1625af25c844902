"""The JSON of a claim and its evidence, written out so that tests compare whole documents."""

from typing import Any


def cited(event: str, party: str, said: str, **more: Any) -> dict[str, Any]:
    """Return the JSON of an assertion with only the fields that every assertion has."""
    channel = "outlet" if party == "MEDIA" else "quote"
    return {
        "event": event,
        "position": int(event[1:]),
        "asserted_by": {"party": party, "organ": None, "person": None, "channel": channel},
        "source": {"document": "a0", "paragraphs": [1], "origin": f"{party.lower()}-statement"},
        "occurred": None,
        "occurred_basis": "stated",
        "inference": None,
        "earliest": None,
        "latest": None,
        "summary": f"{said} by {party}.",
        "wording": None,
        **more,
    }


def backed(*evidence: dict[str, Any], by: list[str], **more: Any) -> dict[str, Any]:
    """Return the JSON of a claim's backing. `by` are the parties that say it."""
    origins = len({e["source"]["origin"] for e in evidence})
    return {
        "said_by": by,
        "reported_by": sorted({c["asserted_by"]["party"] for c in evidence} - {"RU", "US", "JOINT"}),
        "contested_by": [],
        "origins": origins,
        "evidence": list(evidence),
        "denials": [],
        **more,
    }
