"""Reports on Norway and Sweden with every type of event that release 0.2.0 and earlier ones have.

    python -m tests.first_vocabulary http://127.0.0.1:8000

files them at a service of any release, with the key in IRRITANTS_KEY. The records in tests/golden/releases were made in
this way, so that what these releases stored is read for good.
"""

import os
import sys
from typing import Any, Final

import httpx2

FISHING: Final = "irritant/no-se/fishing-permits"
SETTLED: Final = "irritant/no-se/harbour-fees"
GIVEN_UP: Final = "irritant/no-se/road-signs"
ROUND: Final = "round/no-se/karlstad"
RELATION: Final = "relation/no-se"
SOURCE: Final = "source/readout"


def kept(stream: str, type: str, /, **fields: Any) -> dict[str, Any]:
    return {"stream": stream, "type": type, **fields}


def said(stream: str, type: str, party: str, day: str | None, /, **fields: Any) -> dict[str, Any]:
    channel = "outlet" if party == "MEDIA" else "quote"
    cited = {"document": "readout", "paragraphs": [1], "origin": f"voice-{party.lower()}"}
    by = {"party": party, "channel": channel}
    dated = {} if day is None else {"occurred": day}
    summary = f"{type}, said by {party}: “så är det”."
    return kept(stream, type, asserted_by=by, source=cited, summary=summary, **dated, **fields)


def origin(party: str) -> dict[str, Any]:
    slug, channel = f"voice-{party.lower()}", "outlet" if party == "MEDIA" else "quote"
    return kept(SOURCE, "OriginRegistered", origin=slug, speaker=f"Speaker of {party}", party=party, channel=channel)


BEGINNING: Final = [
    kept(SOURCE, "SourceRegistered", publisher="A ministry", paragraphs=12, published="2025-05-15", language="en"),
    *map(origin, ("NO", "SE", "JOINT", "MEDIA")),
    kept(RELATION, "RelationOpened", parties=["NO", "SE"], title="Norway and Sweden"),
    kept(RELATION, "PersonNamed", person="kari-nordmann", names=["Kari Nordmann", "K. Nordmann"], role="Ambassador"),
    kept(FISHING, "IrritantOpened", title="Fishing permits", category="economy"),
    kept(SETTLED, "IrritantOpened", title="Harbour fees", category="economy"),
    kept(GIVEN_UP, "IrritantOpened", title="Road signs", category="mobility"),
]
MEETING: Final = [
    said(ROUND, "RoundAnnounced", "NO", "2025-01-15", place="Karlstad", preliminary=True, timing="in spring"),
    said(ROUND, "RoundScheduled", "JOINT", "2025-01-16", date="2025-02-01", place="Karlstad"),
    said(ROUND, "RoundRelocated", "JOINT", "2025-01-17", place="Hamar"),
    said(ROUND, "RoundVenueNamed", "NO", "2025-01-18", venue="Town hall", host="NO"),
    said(ROUND, "DelegationHeadNamed", "SE", "2025-01-19", party="SE", person="Anna Svensson", role="Director"),
    said(ROUND, "RoundConvened", "MEDIA", "2025-02-01", place="Hamar"),
    said(ROUND, "RoundCharacterised", "SE", "2025-02-01"),
    said(ROUND, "RoundConcluded", "MEDIA", "2025-02-01", hours=6, qualifier="at_least"),
    said("round/no-se/oslo", "RoundScheduled", "NO", "2025-03-01", date="2025-06-01", place="Oslo"),
    said("round/no-se/oslo", "RoundPostponed", "NO", "2025-04-01"),
    said("round/no-se/oslo", "RoundCancelled", "NO", "2025-05-01"),
    said(RELATION, "ProcessStarted", "NO", "2025-01-01"),
    said(RELATION, "FormatDecided", "NO", "2025-01-02", format="Two capitals", preliminary=True, reversible=True),
    said(RELATION, "FormatDecisionReversed", "NO", "2025-05-03"),
    said(RELATION, "ScopeExcluded", "SE", "2025-01-03", subject="defence"),
    said(RELATION, "ObstacleNoted", "SE", "2025-01-04", obstacle="A pending court case."),
    said(RELATION, "AgrementGranted", "SE", "2025-01-05", person="Kari Nordmann", post="Ambassador to Sweden"),
    said(RELATION, "EnvoyTookPost", "NO", "2025-01-06", person="Kari Nordmann", post="Ambassador to Sweden"),
    said(RELATION, "NoCommentRecorded", "NO", "2025-01-07", organs=["Cabinet Office"], about="the next round"),
    said(RELATION, "ConcernNoted", "MEDIA", "2025-01-08", subject="border-queues"),
    said(RELATION, "EmphasisStated", "SE", "2025-01-09"),
]
TALKS: Final = [
    said(FISHING, "ConcernRaised", "NO", "2025-01-10"),
    said(FISHING, "ProposalTabled", "SE", "2025-01-20", kind="offer", addressee="NO", terms="By mail.", ref="offer"),
    said(FISHING, "ProposalAnswered", "NO", "2025-01-25", proposal="offer", answer="accepted"),
    said(FISHING, "DiscussionReported", "JOINT", "2025-02-01", form="working_group", round="no-se/karlstad"),
    said(FISHING, "UnderstandingReported", "NO", "2025-02-10", terms="Permits within a week.", ref="understood"),
    said(FISHING, "EvidenceAdded", "SE", None, target="understood"),
    said(FISHING, "NextStepAgreed", "JOINT", "2025-02-11", step="a-note", owner="both", action="Draft.", due="2025-09"),
    said(FISHING, "InstrumentExchanged", "JOINT", "2025-03-01", kind="exchange_of_notes"),
    said(FISHING, "NextStepClosed", "NO", "2025-03-01", step="a-note", outcome="done"),
    said(FISHING, "ImplementationReported", "SE", "2025-03-10", act="Ten permits were issued.", actor="SE", ref="done"),
    said(FISHING, "ClaimContested", "NO", "2025-03-11", target="done"),
    said(FISHING, "HoldPlaced", "SE", "2025-03-12", kind="suspended", by="SE", reason="Elections."),
    said(FISHING, "HoldLifted", "SE", "2025-03-20"),
    said(FISHING, "ProgressReversed", "SE", "2025-04-01", to="in_talks", by="SE", reason="Budget cuts."),
    said(FISHING, "ItemAdded", "MEDIA", "2025-04-02", item="office", kind="building", name="Office", place="Göteborg"),
    said(FISHING, "ItemStatusChanged", "SE", "2025-04-03", item="office", status="partly"),
    said(FISHING, "ReversibilityStated", "NO", "2025-04-04", reversible=True),
    said(FISHING, "PositionStated", "NO", "2025-04-05", stance="conditional"),
    *(said(SETTLED, "ResolutionDeclared", party, "2025-04-06") for party in ("NO", "SE")),
    said(SETTLED, "IrritantReopened", "NO", "2025-05-01", to="in_talks", reason="The fees rose again."),
    said(GIVEN_UP, "ConcernRaised", "NO", "2025-01-11"),
    said(GIVEN_UP, "IrritantWithdrawn", "NO", "2025-05-02", reason="Settled locally."),
]
AMENDED: Final = [
    kept(FISHING, "AssertionCorrected", target=f"{FISHING}@2", changes={"occurred": "2025-01-09"}, reason="A day off."),
    kept(FISHING, "AssertionRetracted", target=f"{FISHING}@20", reason="Filed twice."),
]


REPORTS: Final[list[dict[str, Any]]] = [
    {"relation": "no-se", "title": title, "events": events}
    for title, events in (
        ("What is on the table", BEGINNING),
        ("The meetings", MEETING),
        ("What was said", TALKS),
        ("Corrections", AMENDED),
    )
]
"""File them in this order."""


def main(url: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['IRRITANTS_KEY']}"}
    for number, report in enumerate(REPORTS):
        key = {"Idempotency-Key": f"first-vocabulary-{number}"}
        answer = httpx2.post(f"{url}/v1/reports", json=report, headers=headers | key, timeout=60)
        if answer.status_code != 201:
            sys.exit(answer.text)


if __name__ == "__main__":
    main(sys.argv[1])
