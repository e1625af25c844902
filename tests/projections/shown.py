"""How a claim and its tellings are shown, written out, for comparing documents whole."""

from typing import Any


def cited(event: str, party: str, said: str, **more: Any) -> dict[str, Any]:
    """How a telling with nothing but what every telling has is shown."""
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
    """Who stands behind a claim with these tellings; `by` are the parties that do."""
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
