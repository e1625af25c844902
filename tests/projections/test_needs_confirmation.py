"""What needs confirming, why, and what would settle it."""

from collections.abc import Sequence

import pytest

from service.domain.assertion import Contract
from service.projections import needs_confirmation
from service.projections.needs_confirmation import Unconfirmed, of_irritant, of_relation, of_round
from tests.build import (
    announced,
    characterised,
    contested,
    convened,
    discussed,
    evidence,
    exchanged,
    format_decided,
    format_reversed,
    given,
    item_added,
    opened,
    position_stated,
    raised,
    relation_opened,
    reversed_to,
    settled,
    took_post,
    understood,
)
from tests.projections.seeds import seeded


def found(*events: Contract) -> list[Unconfirmed]:
    """What needs confirming of an irritant after these, of which the first is `e2`."""
    return list(of_irritant(given(opened()).when(*events).reading))


def kinds(items: Sequence[Unconfirmed]) -> set[tuple[str, str | None]]:
    return {(item.kind, item.party) for item in items}


BOTH = [understood("RU"), understood("US")]


def test_what_both_sides_say_needs_nothing() -> None:
    assert found(*BOTH) == []
    assert found() == []


def test_every_kind_of_the_seeds() -> None:
    listed = needs_confirmation.view(**seeded().readings()).items
    by_subject: dict[str, set[tuple[str, str | None]]] = {}
    for item in listed:
        by_subject.setdefault(item.about, set()).add((item.kind, item.party))
    assert by_subject == {
        "irritant/ru-us/banking-access": {("claimed_above_confirmed", "RU"), ("one_origin", None)},
        "irritant/ru-us/diplomat-movement": {("claimed_above_confirmed", "US"), ("one_origin", None)},
        "irritant/ru-us/direct-flights": {
            ("claimed_above_confirmed", "US"),
            ("one_origin", None),
            ("attributed_only", None),
            ("silent_side", "US"),
        },
        "irritant/ru-us/property-return": {
            ("claimed_above_confirmed", "US"),
            ("one_origin", None),
            ("media_only", None),
            ("silent_side", "US"),
        },
        "irritant/ru-us/visas": {
            ("claimed_above_confirmed", "US"),
            ("one_origin", None),
            ("silent_side", "US"),
        },
        "round/ru-us/moscow-next": {("one_origin", None), ("silent_side", "US")},
        "relation/ru-us": {("one_origin", None), ("silent_side", "US"), ("media_only", None)},
    }


def test_the_next_round_in_moscow_rests_on_one_utterance_in_three_documents() -> None:
    (item,) = (i for i in of_round(seeded().reading("round/ru-us/moscow-next")) if i.kind == "one_origin")
    assert item.why == ("That there is to be such a round rests on one statement, darchiev-interview, in 3 documents.")
    assert len({cited.source.document for cited in item.cited}) == 3


def test_claimed_above_confirmed_names_the_side_whose_word_is_wanted() -> None:
    (item, *_) = found(exchanged("US"), understood("RU"))
    assert item.model_dump(exclude={"cited"}) == {
        "about": "irritant/ru-us/banking-access",
        "kind": "claimed_above_confirmed",
        "party": "RU",
        "why": "The other side is at formalised, Russia at understanding.",
        "settled_by": "A statement by Russia that it is at formalised, or a denial.",
    }
    assert [cited.event for cited in item.cited] == ["e2"]


def test_a_relay_is_no_second_origin() -> None:
    told = [*BOTH, exchanged("US")]
    assert ("one_origin", None) in kinds(found(*told, evidence("e4", "US", document="a1")))
    assert ("one_origin", None) not in kinds(found(*told, evidence("e4", "US", origin="another")))


def test_one_text_of_both_needs_no_second() -> None:
    assert kinds(found(understood("JOINT"))) == set()


def test_what_is_only_attributed_wants_the_sides_own_words() -> None:
    assert ("attributed_only", None) in kinds(found(understood("JOINT", channel="attributed")))
    assert ("attributed_only", None) not in kinds(found(understood("JOINT")))


def test_what_media_report_above_both_sides_wants_a_side() -> None:
    assert kinds(found(*BOTH, exchanged("MEDIA"))) == {("media_only", None)}
    assert kinds(found(discussed("MEDIA"), discussed("MEDIA", origin="other"))) == {
        ("media_only", None),
        ("silent_side", "RU"),
        ("silent_side", "US"),
    }


def test_a_denial_is_listed_with_what_it_denies() -> None:
    (item,) = (i for i in found(*BOTH, contested("e2", "US")) if i.kind == "contested")
    assert item.why == "The United States denies what the other side says."
    assert [cited.event for cited in item.cited] == ["e2", "e4"]


def test_a_side_is_silent_that_has_said_nothing_at_all() -> None:
    assert ("silent_side", "US") in kinds(found(understood("RU")))
    assert ("silent_side", "US") not in kinds(found(understood("RU"), position_stated("US", "no_comment")))
    assert ("silent_side", "US") not in kinds(found(understood("RU"), contested("e2", "US")))
    assert kinds(found(position_stated("RU"))) == {("silent_side", "US")}


def test_a_side_whose_latest_word_is_below_its_rung() -> None:
    (item,) = found(*BOTH, raised("RU"))
    assert (item.kind, item.party) == ("latest_word_below_rung", "RU")
    assert item.why == "Russia is at understanding; its latest statement is at raised."
    assert found(*BOTH, position_stated("RU")) == []


def test_a_reversal_that_only_media_report() -> None:
    reported = reversed_to("raised", "MEDIA")
    assert kinds(found(*BOTH, reported)) == {("reversal_by_media_alone", None)}
    assert ("reversal_by_media_alone", None) in kinds(found(*BOTH, reported, evidence("e4", "US")))
    assert ("alleged_by_others", None) in kinds(found(*BOTH, reversed_to("raised", "TR")))
    assert found(raised("RU"), raised("US"), understood("MEDIA", origin="other"), reported)[0].kind == "media_only"


def test_a_reversal_that_media_report_of_a_time_before_anything_it_could_undo() -> None:
    late = [discussed("MEDIA", on="2025-01-01"), *(e.model_copy(update={"occurred": "2025-04-01"}) for e in BOTH)]
    assert found(*late, reversed_to("raised", "MEDIA", on="2025-02-01")) == []


OVERLAPS: dict[str, tuple[bool, Contract, Contract]] = {
    "of one day": (True, understood("JOINT", on="2025-04-10"), reversed_to("raised", "JOINT", on="2025-04-10")),
    "one undated": (True, understood("JOINT"), reversed_to("raised", "JOINT", on="2025-04-10")),
    "a range over a day": (
        True,
        understood("JOINT", on="[2025-04-01..]"),
        reversed_to("raised", "JOINT", on="2025-04-10"),
    ),
    "well before": (False, understood("JOINT", on="2025-04-01"), reversed_to("raised", "JOINT", on="2025-04-10")),
    "named": (False, understood("JOINT"), reversed_to("raised", "JOINT", on="2025-04-10", undoes="e2")),
    "below it anyway": (False, raised("JOINT"), reversed_to("raised", "JOINT", on="2025-04-10")),
}


@pytest.mark.parametrize(("overlaps", "told", "fall"), OVERLAPS.values(), ids=OVERLAPS)
def test_dates_that_leave_open_whether_a_reversal_came_after(*, overlaps: bool, told: Contract, fall: Contract) -> None:
    listed = {item.kind for item in found(told, exchanged("MEDIA", on="2024-01-01"), fall)}
    assert ("dates_overlap_reversal" in listed) is overlaps


# Beside the irritants.


def test_a_round_that_either_side_describes_did_meet() -> None:
    told = [convened("MEDIA"), convened("MEDIA", origin="other")]
    assert kinds(list(of_round(given(*told).filed.reading("round/ru-us/istanbul-april")))) == {("media_only", None)}
    described = given(*told, characterised("RU"), characterised("US")).filed.reading("round/ru-us/istanbul-april")
    assert list(of_round(described)) == []


def test_a_round_that_one_side_denies_is_contested() -> None:
    reading = given(announced("RU"), contested("e1", "US")).filed.reading("round/ru-us/istanbul-april")
    assert kinds(list(of_round(reading))) == {("one_origin", None), ("contested", None)}


def test_the_format_and_its_reversal() -> None:
    decided = [relation_opened(), format_decided("RU"), format_decided("US")]
    assert list(of_relation(given(*decided).filed.reading("relation/ru-us"))) == []
    undone = given(*decided, format_reversed("MEDIA")).filed.reading("relation/ru-us")
    assert kinds(list(of_relation(undone))) == {("reversal_by_media_alone", None)}
    ended = given(*decided, format_reversed("RU")).filed.reading("relation/ru-us")
    assert list(of_relation(ended)) == []


def test_an_envoy_whose_post_is_only_attributed() -> None:
    reading = given(relation_opened(), took_post("JOINT", "Someone", channel="attributed")).filed.reading(
        "relation/ru-us"
    )
    assert kinds(list(of_relation(reading))) == {("attributed_only", None)}


def test_a_settled_irritant_can_still_need_confirming() -> None:
    assert kinds(found(settled("RU"), settled("US"), item_added("a-house", on="2025-01-01"))) == {
        ("items_outstanding", None)
    }
