"""The whole document of a relation."""

from typing import Any

import pytest

from service.projections.relation import facets, view
from tests.build import (
    STREAMS,
    agrement_granted,
    concern_noted,
    contested,
    emphasised,
    evidence,
    excluded,
    format_decided,
    format_reversed,
    given,
    no_comment,
    obstacle_noted,
    person_named,
    process_started,
    relation_opened,
    report_attributed,
    took_post,
)
from tests.projections.shown import backed, cited


def shown(*events: Any) -> dict[str, Any]:
    return view(given(*events).filed.reading(STREAMS["relation"])).model_dump(mode="json")


NOTHING = {
    "id": "ru-us",
    "relation": "ru-us",
    "position": 0,
    "version": 0,
    "recorded_at": None,
    "title": "",
    "parties": ["RU", "US"],
    "process": [],
    "format": None,
    "decisions": [],
    "reversals": [],
    "scope_exclusions": [],
    "envoys": [],
    "obstacles": [],
    "silences": [],
    "concerns": [],
    "emphases": [],
    "persons": [],
    "attributions": [],
    "disputes": [],
    "names": {"RU": "Russia", "US": "the United States"},
}


def test_the_document_of_an_unopened_relation_has_every_field() -> None:
    assert view(given(stream=STREAMS["relation"]).filed.reading(STREAMS["relation"])).model_dump(mode="json") == NOTHING


def test_the_document_has_all_assertions_about_the_talks() -> None:
    """The assertions are undated, so they are in the order of filing."""
    document = shown(
        relation_opened(title="Russia and the United States"),
        process_started("MEDIA"),
        obstacle_noted("RU", "Opponents in Congress"),
        no_comment("MEDIA", ("White House", "Kremlin"), "the ambassador's statements"),
        concern_noted("JOINT", "credentials"),
        emphasised("RU", wording="still far away"),
    )
    assert document == {
        **NOTHING,
        "position": 6,
        "version": 6,
        "recorded_at": "2025-05-01T17:00:00Z",
        "title": "Russia and the United States",
        "process": [
            {
                "event": "e2",
                "summary": "ProcessStarted by MEDIA.",
                "wording": None,
                "backing": backed(cited("e2", "MEDIA", "ProcessStarted"), by=[]),
            }
        ],
        "obstacles": [
            {
                "event": "e3",
                "obstacle": "Opponents in Congress",
                "backing": backed(cited("e3", "RU", "ObstacleNoted"), by=["RU"]),
            }
        ],
        "silences": [
            {
                "event": "e4",
                "organs": ["White House", "Kremlin"],
                "about": "the ambassador's statements",
                "backing": backed(cited("e4", "MEDIA", "NoCommentRecorded"), by=[]),
            }
        ],
        "concerns": [
            {"subject": "credentials", "backing": backed(cited("e5", "JOINT", "ConcernNoted"), by=["RU", "US"])}
        ],
        "emphases": [
            {
                "event": "e6",
                "summary": "EmphasisStated by RU.",
                "wording": "still far away",
                "backing": backed(cited("e6", "RU", "EmphasisStated", wording="still far away"), by=["RU"]),
            }
        ],
    }


def test_a_format_that_one_side_alone_reports_is_unconfirmed() -> None:
    document = shown(relation_opened(), format_decided("RU", "Capitals", preliminary=True, reversible=True))
    decision = {
        "event": "e2",
        "format": "Capitals",
        "preliminary": True,
        "reversible": True,
        "backing": backed(cited("e2", "RU", "FormatDecided"), by=["RU"]),
    }
    assert document["decisions"] == [decision]
    assert document["format"] == {
        **decision,
        "reversed": False,
        "reversed_by": [],
        "sides": {"RU": "Capitals", "US": None},
        "confirmed_by": [],
        "silent": ["US"],
    }


def test_a_decision_that_one_side_says_was_reversed_is_in_dispute() -> None:
    document = shown(relation_opened(), format_decided("JOINT", "Capitals"), format_reversed("US"))
    assert document["format"]["sides"] == {"RU": "Capitals", "US": None}
    assert (document["format"]["reversed"], document["format"]["reversed_by"]) == (True, ["US"])
    assert document["disputes"] == [
        {
            "kind": "reversal",
            "about": "RU",
            "alleged_by": "US",
            "event": "e3",
            "occurred": None,
            "denied": False,
            "why": "The United States says that the decision on the format was reversed;"
            " Russia says that it is in force: Capitals.",
        }
    ]


def test_two_formats_of_the_sides_are_in_dispute() -> None:
    (dispute,) = shown(relation_opened(), format_decided("RU", "Capitals"), format_decided("US", "Geneva"))["disputes"]
    assert dispute["why"] == "The United States says that the format is: Geneva; Russia says that it is: Capitals."


def test_a_report_attributed_to_a_round_is_shown() -> None:
    document = shown(relation_opened(), report_attributed("r7", "ru-us/april"))
    assert document["attributions"] == [{"report": "r7", "round": "ru-us/april"}]


@pytest.mark.parametrize(
    ("history", "confirmed_by", "silent"),
    [
        ([format_decided("MEDIA")], [], ["RU", "US"]),
        ([format_decided("MEDIA"), evidence("e2", "RU")], ["RU"], ["US"]),
        ([format_decided("RU"), evidence("e2", "RU", origin="another")], [], ["US"]),
        ([format_decided("RU"), evidence("e2", "US")], ["US"], []),
        ([format_decided("JOINT")], ["RU", "US"], []),
        ([format_decided("RU"), contested("e2", "US")], [], []),
        ([format_decided("JOINT"), contested("e2", "US")], ["RU"], []),
    ],
)
def test_who_confirms_a_format_and_who_is_silent(history: Any, confirmed_by: list[str], silent: list[str]) -> None:
    format = shown(relation_opened(), *history)["format"]
    assert (format["confirmed_by"], format["silent"]) == (confirmed_by, silent)


def test_a_reversed_format_shows_who_reversed_it() -> None:
    document = shown(relation_opened(), format_decided("RU"), format_reversed("US"))
    assert document["format"]["reversed"] is True
    assert document["reversals"] == [
        {
            "event": "e3",
            "summary": "FormatDecisionReversed by US.",
            "wording": None,
            "backing": backed(cited("e3", "US", "FormatDecisionReversed"), by=["US"]),
        }
    ]


def test_each_subject_in_the_scope_counts_once() -> None:
    document = shown(
        relation_opened(),
        excluded("US", "ukraine"),
        excluded("US", "normalisation", origin="another"),
        excluded("MEDIA", "ukraine"),
    )
    ukraine = backed(cited("e2", "US", "ScopeExcluded"), cited("e4", "MEDIA", "ScopeExcluded"), by=["US"])
    normalisation = cited("e3", "US", "ScopeExcluded")
    normalisation["source"] = {**normalisation["source"], "origin": "another"}
    assert document["scope_exclusions"] == [
        {"subject": "ukraine", "backing": ukraine},
        {"subject": "normalisation", "backing": backed(normalisation, by=["US"])},
    ]


def test_a_subject_stays_named_by_a_side_that_denies_one_of_its_statements() -> None:
    document = shown(relation_opened(), excluded("US", "ukraine"), excluded("MEDIA", "ukraine"), contested("e3", "US"))
    (ukraine,) = document["scope_exclusions"]
    assert (ukraine["backing"]["said_by"], ukraine["backing"]["contested_by"]) == (["US"], [])


def test_an_envoy_is_one_person_under_every_spelling() -> None:
    document = shown(
        relation_opened(),
        person_named("darchiev", "Alexander Darchiev", "Aleksandr Darchiev", role="Ambassador of Russia"),
        agrement_granted("MEDIA", "Alexander Darchiev", "Ambassador to Washington"),
        took_post("MEDIA", "Aleksandr Darchiev", "Ambassador in Washington"),
    )
    assert document["envoys"] == [
        {
            "name": "Alexander Darchiev",
            "person": "darchiev",
            "names": ["Alexander Darchiev", "Aleksandr Darchiev"],
            "role": "Ambassador of Russia",
            "agrements": [
                {
                    "event": "e3",
                    "post": "Ambassador to Washington",
                    "backing": backed(cited("e3", "MEDIA", "AgrementGranted"), by=[]),
                }
            ],
            "posts": [
                {
                    "event": "e4",
                    "post": "Ambassador in Washington",
                    "backing": backed(cited("e4", "MEDIA", "EnvoyTookPost"), by=[]),
                }
            ],
        }
    ]
    assert document["persons"] == [
        {
            "person": "darchiev",
            "names": ["Alexander Darchiev", "Aleksandr Darchiev"],
            "role": "Ambassador of Russia",
        }
    ]


def test_unregistered_envoys_are_distinguished_by_name() -> None:
    document = shown(relation_opened(), took_post("MEDIA", "A person"), agrement_granted("MEDIA", "Another person"))
    envoys = [(e["name"], e["person"], e["names"], e["role"]) for e in document["envoys"]]
    assert envoys == [("Another person", None, ["Another person"], None), ("A person", None, ["A person"], None)]


def test_relations_are_listed_without_facets() -> None:
    assert facets(view(given(relation_opened()).filed.reading(STREAMS["relation"]))) == {}
