"""The whole document of a round."""

from typing import Any

from service.domain.round.events import RoundTitled
from service.projections.round import facets, view
from service.projections.words.names import round_name
from tests.build import (
    STREAMS,
    announced,
    cancelled,
    characterised,
    concluded,
    contested,
    convened,
    evidence,
    given,
    head_named,
    relocated,
    said,
    scheduled,
    venue_named,
)
from tests.projections.shown import backed, cited


def step(event: str, step: str, backing: dict[str, Any], **more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("place", "date", "timing", "preliminary", "hours", "qualifier"))
    return {"event": event, "step": step, **nothing, **more, "backing": backing}


def shown(*events: Any) -> dict[str, Any]:
    return view(given(*events).filed.reading(STREAMS["round"])).model_dump(mode="json")


NOTHING = {
    "id": "ru-us/istanbul-april",
    "relation": "ru-us",
    "position": 0,
    "version": 0,
    "recorded_at": None,
    "slug": "istanbul-april",
    "name": "Istanbul April",
    "phase": "none",
    "phase_by": [],
    "phases": {"RU": "none", "US": "none"},
    "disputes": [],
    "said_by": [],
    "title": None,
    "titles": [],
    "contested_by": [],
    "origins": 0,
    "preliminary": False,
    "place": None,
    "venue": None,
    "host": None,
    "date": None,
    "earliest": None,
    "latest": None,
    "timing": None,
    "duration": None,
    "course": [],
    "venues": [],
    "heads": {"RU": [], "US": []},
    "characterisations": {"RU": [], "US": [], "MEDIA": []},
    "names": {"RU": "Russia", "US": "the United States"},
}


def test_the_document_of_an_unreported_round_has_every_field() -> None:
    document = view(given(stream=STREAMS["round"]).filed.reading(STREAMS["round"]))
    assert document.model_dump(mode="json") == NOTHING


def test_the_document_of_an_announced_round_without_a_date() -> None:
    interview = {"origin": "interview", "document": "a0", "paragraphs": [4, 6]}
    said = cited(
        "e1",
        "RU",
        "RoundAnnounced",
        asserted_by={"party": "RU", "organ": "Embassy", "person": "The ambassador", "channel": "quote"},
        source=interview,
        occurred="[2025-04-10..]",
        occurred_basis="inferred",
        inference="The year follows from the weekday.",
        earliest="2025-04-10",
        summary="The next round is to be in Moscow.",
        wording="very soon",
    )
    again = {**said, "event": "e2", "position": 2, "summary": "The same.", "wording": None}
    again["source"] = {"origin": "interview", "document": "a1", "paragraphs": [2]}
    announcement = announced(
        "RU",
        preliminary=True,
        place="Moscow",
        timing="soon",
        organ="Embassy",
        speaker="The ambassador",
        origin="interview",
        paragraphs=(4, 6),
        on="[2025-04-10..]",
        inferred="The year follows from the weekday.",
        summary="The next round is to be in Moscow.",
        wording="very soon",
    )
    relayed = evidence(
        "e1",
        "RU",
        organ="Embassy",
        speaker="The ambassador",
        origin="interview",
        document="a1",
        paragraphs=(2,),
        summary="The same.",
    )
    assert shown(announcement, relayed) == {
        **NOTHING,
        "position": 2,
        "version": 2,
        "recorded_at": "2025-05-01T13:00:00Z",
        "phase": "announced",
        "phase_by": ["RU"],
        "phases": {"RU": "announced", "US": "none"},
        "said_by": ["RU"],
        "origins": 1,
        "preliminary": True,
        "place": "Moscow",
        "timing": "soon",
        "course": [
            step(
                "e1",
                "announced",
                backed(said, again, by=["RU"], origins=1),
                place="Moscow",
                timing="soon",
                preliminary=True,
            )
        ],
    }


def test_the_document_of_a_concluded_round() -> None:
    on = {"occurred": "2025-04-10", "earliest": "2025-04-10", "latest": "2025-04-10"}
    document = shown(
        convened("MEDIA", on="2025-04-10"),
        evidence("e1", "RU"),
        venue_named("MEDIA", "Consulate General of Russia", host="RU"),
        head_named("MEDIA", "US", "Sonata Coulter", "Deputy Assistant Secretary"),
        concluded("MEDIA", 5, "at_least", on="2025-04-10", origin="other-paper"),
        characterised("US", wording="constructive"),
    )
    held = cited("e1", "MEDIA", "RoundConvened", **on)
    ended = cited("e5", "MEDIA", "RoundConcluded", **on)
    ended["source"] = {**ended["source"], "origin": "other-paper"}
    constructive = cited("e6", "US", "RoundCharacterised", wording="constructive")
    assert document == {
        **NOTHING,
        "position": 6,
        "version": 6,
        "recorded_at": "2025-05-01T17:00:00Z",
        "phase": "concluded",
        "phase_by": ["MEDIA"],
        "phases": {"RU": "convened", "US": "none"},
        "said_by": ["RU"],
        "origins": 3,
        "place": "Istanbul",
        "venue": "Consulate General of Russia",
        "host": "RU",
        "date": "2025-04-10",
        "earliest": "2025-04-10",
        "latest": "2025-04-10",
        "duration": {"hours": 5, "qualifier": "at_least"},
        "course": [
            step(
                "e1",
                "convened",
                backed(held, cited("e2", "RU", "EvidenceAdded", **on), by=["RU"]),
                place="Istanbul",
            ),
            step("e5", "concluded", backed(ended, by=[]), hours=5, qualifier="at_least"),
        ],
        "venues": [
            {
                "event": "e3",
                "venue": "Consulate General of Russia",
                "host": "RU",
                "backing": backed(cited("e3", "MEDIA", "RoundVenueNamed"), by=[]),
            }
        ],
        "heads": {
            "RU": [],
            "US": [
                {
                    "person": "Sonata Coulter",
                    "roles": ["Deputy Assistant Secretary"],
                    "backing": backed(cited("e4", "MEDIA", "DelegationHeadNamed"), by=[]),
                }
            ],
        },
        "characterisations": {
            "RU": [],
            "US": [
                {
                    "event": "e6",
                    "summary": "RoundCharacterised by US.",
                    "wording": "constructive",
                    "backing": backed(constructive, by=["US"]),
                }
            ],
            "MEDIA": [],
        },
    }


def test_a_denial_is_shown_with_its_target() -> None:
    document = shown(announced("JOINT"), contested("e1", "US"))
    (announcement,) = document["course"]
    assert (document["said_by"], document["contested_by"]) == (["RU"], ["US"])
    (dispute,) = document["disputes"]
    assert (dispute["kind"], dispute["about"], dispute["denied"]) == ("claim", "US", True)
    assert dispute["why"] == "Russia says: RoundAnnounced by JOINT; the United States denies this."
    assert announcement["backing"] == backed(
        cited("e1", "JOINT", "RoundAnnounced"),
        by=["RU"],
        contested_by=["US"],
        denials=[cited("e2", "US", "ClaimContested")],
    )


def test_a_round_that_has_a_title_is_called_by_it() -> None:
    document = shown(announced("RU"), said(RoundTitled, "RU", title="The Istanbul consultations"))
    assert (document["name"], document["title"]) == ("The Istanbul consultations", "The Istanbul consultations")


def test_the_word_next_in_a_slug_is_left_out_of_the_name_of_the_round() -> None:
    assert round_name("ru-us/moscow-next") == "Moscow"
    assert round_name("ru-us/next") == "Round"
    assert round_name("ru-us/washington-in-the-autumn") == "Washington in the Autumn"


def test_two_sides_that_name_two_days_are_in_dispute() -> None:
    (dispute,) = shown(scheduled("RU", "2025-05-01"), scheduled("US", "2025-05-03"))["disputes"]
    assert dispute["why"] == "The United States gives the date 3 May 2025; Russia gives another date."


def test_the_course_shows_also_statements_that_did_not_change_the_phase() -> None:
    document = shown(announced("RU"), relocated("MEDIA", "Ankara"), cancelled("MEDIA"))
    assert [s["step"] for s in document["course"]] == ["announced", "relocated", "cancelled"]
    assert document["phase"] == "announced"


def test_a_head_named_by_several_actors_is_one_head() -> None:
    document = shown(
        convened("MEDIA"),
        head_named("RU", "US", "Sonata Coulter", "Deputy Assistant Secretary"),
        head_named("MEDIA", "US", "Sonata Coulter", "Diplomat"),
        head_named("MEDIA", "US", "Another person", "Diplomat", origin="other-paper"),
    )
    heads = [
        (h["person"], h["roles"], h["backing"]["said_by"], h["backing"]["origins"]) for h in document["heads"]["US"]
    ]
    assert heads == [
        ("Sonata Coulter", ["Deputy Assistant Secretary", "Diplomat"], ["RU"], 2),
        ("Another person", ["Diplomat"], [], 1),
    ]


def test_each_side_has_its_own_characterisation() -> None:
    document = shown(
        convened("MEDIA"),
        characterised("RU", wording="substantive"),
        evidence("e2", "US", wording="constructive", summary="Useful talks."),
    )
    words = {side: [(c["event"], c["wording"]) for c in told] for side, told in document["characterisations"].items()}
    assert words == {"RU": [("e2", "substantive")], "US": [("e2", "constructive")], "MEDIA": []}


def test_a_third_party_has_its_own_characterisation() -> None:
    document = shown(convened("MEDIA"), characterised("TR", summary="Good talks."))
    (words,) = document["characterisations"]["TR"]
    assert (words["summary"], words["backing"]["said_by"]) == ("Good talks.", [])


def test_rounds_are_listed_by_phase() -> None:
    reading = given(announced("RU")).filed.reading(STREAMS["round"])
    assert facets(view(reading)) == {"phase": "announced"}
