"""Matters that need confirmation: the reason for each, and what would settle it."""

from collections.abc import Sequence
from datetime import date

import pytest

from service.domain.assertion import EventModel
from service.projections import needs_confirmation
from service.projections.needs_confirmation import Unconfirmed, of_irritant, of_relation, of_round
from tests.build import (
    STREAMS,
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
    hold_placed,
    instrument_stated,
    item_added,
    opened,
    position_stated,
    postponed,
    raised,
    relation_opened,
    reversed_to,
    settled,
    took_post,
    understood,
)
from tests.projections.seeds import seeded


def found(*events: EventModel) -> list[Unconfirmed]:
    """Return what needs confirmation on an irritant after these events, of which the first is `e2`."""
    return list(of_irritant(given(opened()).when(*events).reading))


def kinds(items: Sequence[Unconfirmed]) -> set[tuple[str, str | None]]:
    return {(item.kind, item.party) for item in items}


BOTH = [understood("RU"), understood("US")]


def test_statements_of_both_sides_need_no_confirmation() -> None:
    assert found(*BOTH) == []
    assert found() == []


def test_a_denial_of_the_opening_is_no_denial_of_the_claim() -> None:
    items = found(discussed("RU"), contested("e2", "US"), contested("e1", "US"))
    assert [c.event for item in items if item.kind == "contested" for c in item.cited] == ["e2", "e3"]


def test_the_seeds_need_these_confirmations() -> None:
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
        "relation/ru-us": {("one_origin", None), ("not_confirmed", "US"), ("media_only", None)},
    }


def test_the_next_round_in_moscow_has_one_origin_in_three_documents() -> None:
    (item,) = (i for i in of_round(seeded().reading("round/ru-us/moscow-next")) if i.kind == "one_origin")
    assert item.why == (
        "That there is to be such a round rests on one statement, by Russia (Alexander Darchiev), in 3 documents."
    )
    assert len({cited.source.document for cited in item.cited}) == 3


def test_claimed_above_confirmed_names_the_side_that_has_to_confirm() -> None:
    (item, *_) = found(exchanged("US"), understood("RU"))
    assert item.model_dump(exclude={"cited"}) == {
        "about": "irritant/ru-us/banking-access",
        "kind": "claimed_above_confirmed",
        "party": "RU",
        "why": "The United States is at formalised, Russia at understanding.",
        "settled_by": "A statement by Russia that it is at formalised, or a denial.",
    }
    assert [cited.event for cited in item.cited] == ["e2"]


def test_a_relay_is_no_second_origin() -> None:
    told = [*BOTH, exchanged("US")]
    assert ("one_origin", None) in kinds(found(*told, evidence("e4", "US", document="a1")))
    assert ("one_origin", None) not in kinds(found(*told, evidence("e4", "US", origin="another")))


def test_a_joint_text_needs_no_second_origin() -> None:
    assert kinds(found(understood("JOINT"))) == set()


def test_attributed_words_need_the_sides_own_words() -> None:
    assert ("attributed_only", None) in kinds(found(understood("JOINT", channel="attributed")))
    assert ("attributed_only", None) not in kinds(found(understood("JOINT")))


def test_a_report_of_media_above_both_sides_needs_a_side() -> None:
    assert kinds(found(*BOTH, exchanged("MEDIA"))) == {("media_only", None)}
    assert kinds(found(discussed("MEDIA"), discussed("MEDIA", origin="other"))) == {
        ("media_only", None),
        ("silent_side", "RU"),
        ("silent_side", "US"),
    }


def test_a_denial_is_listed_with_its_target() -> None:
    (item,) = (i for i in found(*BOTH, contested("e2", "US")) if i.kind == "contested")
    assert item.why == "The United States denies what Russia says."
    assert [cited.event for cited in item.cited] == ["e2", "e4"]


def test_a_side_without_any_statement_is_silent() -> None:
    assert ("silent_side", "US") in kinds(found(understood("RU")))
    assert ("silent_side", "US") not in kinds(found(understood("RU"), position_stated("US", "no_comment")))
    assert ("silent_side", "US") not in kinds(found(understood("RU"), contested("e2", "US")))
    assert kinds(found(position_stated("RU"))) == {("silent_side", "US")}


def test_a_side_whose_latest_statement_is_below_its_rung_is_listed() -> None:
    both = understood("JOINT", on="2025-04-10")
    (item,) = found(both, raised("RU", on="2025-04-11"))
    assert (item.kind, item.party) == ("latest_word_below_rung", "RU")
    assert item.why == "Russia is at understanding; its latest statement, by date, is at raised."
    assert found(*BOTH, position_stated("RU")) == []


@pytest.mark.parametrize(
    ("on", "dated"),
    [
        ("[2025-04-10..]", " (on or after 10 April 2025, day unknown)"),
        ("2025-04-10", " (10 April 2025)"),
        ("2025-04-10/..", " (from 10 April 2025, end open)"),
    ],
)
def test_a_statement_that_the_dates_do_not_show_to_be_the_latest_is_not_called_the_latest(on: str, dated: str) -> None:
    (item,) = found(understood("JOINT", on="2025-04-10"), raised("RU", on=on))
    assert item.why == f"Russia is at understanding. A statement{dated}, which may be its latest, is at raised."
    (item,) = found(understood("JOINT"), raised("RU", on="2025-04-11"))
    assert "which may be its latest" in item.why
    (item,) = found(understood("JOINT"), raised("RU", on="2025-04-11", after="e2"))
    assert "its latest statement, by date, is at raised" in item.why


def test_a_latest_statement_on_an_instrument_is_described_by_what_it_says() -> None:
    told = [exchanged("US", on="2025-04-10"), settled("US", on="2025-04-11"), exchanged("RU", on="2025-04-10")]
    (item,) = (
        i
        for i in found(*told, instrument_stated("US", "e2", "expired", on="2025-06-01"))
        if i.kind == "latest_word_below_rung"
    )
    assert (
        item.why == "The United States is at resolved; its latest statement, by date, says that an instrument expired."
    )


def test_a_suspension_that_may_follow_the_return_into_force_is_listed() -> None:
    told = [exchanged("JOINT", on="2025-04-10"), instrument_stated("RU", "e2", "suspended", on="[2025-05-01..]")]
    (item,) = found(*told, instrument_stated("RU", "e2", "in_force", on="2025-06-01"))
    assert (item.kind, item.why) == (
        "dates_overlap_reversal",
        "Russia suspends an instrument and says that it is in force: which came first is not certain.",
    )
    assert found(*told, instrument_stated("RU", "e2", "in_force", on="2025-06-01", after="e3")) == []


def test_an_account_without_an_end_does_not_hide_that_the_other_has_run_out() -> None:
    told = [exchanged("RU", on="2025-04-10", valid_until="2025-06"), exchanged("US", on="2025-04-11", instrument="e2")]
    listed = of_irritant(given(opened()).when(*told).reading, date(2025, 7, 1))
    assert [i.kind for i in listed if i.kind == "run_out"] == ["run_out"]


def test_what_two_third_parties_report_is_not_said_to_be_reported_by_one_only() -> None:
    whys = [
        i.why
        for i in found(*BOTH, reversed_to("raised", "TR"), reversed_to("raised", "MEDIA"), hold_placed("TR", by="RU"))
    ]
    assert [why for why in whys if "nly" in why] == []
    assert "Türkiye reports that it went back to raised. This moves neither side." in whys
    assert "Media report that it went back to raised. This moves neither side." in whys
    assert "Türkiye reports a hold. This moves neither side." in whys


def test_only_a_denial_of_the_claimed_rung_contests_it() -> None:
    told = [understood("RU"), raised("MEDIA", origin="other"), contested("e3", "US")]
    assert [i for i in found(*told) if i.kind == "contested"] == []
    (item,) = (i for i in found(*told, contested("e2", "US", channel="attributed")) if i.kind == "contested")
    assert (item.why, item.party) == ("The United States is said to deny what Russia says.", "US")


def test_an_instrument_past_its_end_does_not_hide_a_statement_that_may_be_later() -> None:
    told = [
        exchanged("RU", on="2025-01-10", valid_until="2027-06-30"),
        exchanged("US", on="[2025-01-10..]", valid_until="2025-06-30", instrument="e2"),
        instrument_stated("US", "e2", "extended", on="2025-02-01", valid_until="2025-06-30"),
    ]
    july = date(2025, 7, 1)
    (item,) = (i for i in of_irritant(given(opened()).when(*told[:2]).reading, july) if i.kind == "run_out")
    assert item.why == (
        "By what the United States states (on or after 10 January 2025, day unknown), it was valid until 30 June 2025."
        " Another statement, which may be later, on its validity is on record."
    )
    (item,) = (i for i in of_irritant(given(opened()).when(told[0], told[2]).reading, july) if i.kind == "run_out")
    assert item.why.endswith("it was valid until 30 June 2025. No later statement on its validity is on record.")


def test_a_reversal_by_media_alone_is_listed() -> None:
    reported = reversed_to("raised", "MEDIA")
    assert kinds(found(*BOTH, reported)) == {("reversal_by_media_alone", None)}
    assert ("reversal_by_media_alone", None) in kinds(found(*BOTH, reported, evidence("e4", "US")))
    assert ("alleged_by_others", None) in kinds(found(*BOTH, reversed_to("raised", "TR")))
    assert found(raised("RU"), raised("US"), understood("MEDIA", origin="other"), reported)[0].kind == "media_only"


def test_a_reversal_by_media_before_any_advance_is_not_listed() -> None:
    late = [discussed("MEDIA", on="2025-01-01"), *(e.model_copy(update={"occurred": "2025-04-01"}) for e in BOTH)]
    assert found(*late, reversed_to("raised", "MEDIA", on="2025-02-01")) == []


OVERLAPS: dict[str, tuple[bool, EventModel, EventModel]] = {
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
def test_an_advance_whose_date_overlaps_a_reversal_is_listed(
    *, overlaps: bool, told: EventModel, fall: EventModel
) -> None:
    listed = {item.kind for item in found(told, exchanged("MEDIA", on="2024-01-01"), fall)}
    assert ("dates_overlap_reversal" in listed) is overlaps


# Rounds and relations.


def test_a_round_that_a_side_characterises_is_confirmed() -> None:
    told = [convened("MEDIA"), convened("MEDIA", origin="other")]
    assert kinds(list(of_round(given(*told).filed.reading("round/ru-us/istanbul-april")))) == {("media_only", None)}
    described = given(*told, characterised("RU"), characterised("US")).filed.reading("round/ru-us/istanbul-april")
    assert list(of_round(described)) == []


def test_who_only_announced_a_round_does_not_say_that_it_met() -> None:
    told = [announced("RU", on="2025-04-01"), convened("US", on="2025-04-10")]
    items = list(of_round(given(*told).filed.reading(STREAMS["round"])))
    assert {(i.kind, i.party): i.why for i in items} == {
        ("one_origin", None): "That the round met rests on one statement, by the United States, in 1 document.",
        ("not_confirmed", "RU"): "That the round met is not on record from Russia.",
    }


def test_a_round_that_one_side_denies_is_contested() -> None:
    reading = given(announced("RU"), contested("e1", "US")).filed.reading("round/ru-us/istanbul-april")
    assert kinds(list(of_round(reading))) == {("one_origin", None), ("contested", None)}


def test_a_reversal_of_the_format_by_media_alone_is_listed() -> None:
    decided = [relation_opened(), format_decided("RU"), format_decided("US")]
    assert list(of_relation(given(*decided).filed.reading("relation/ru-us"))) == []
    undone = given(*decided, format_reversed("MEDIA")).filed.reading("relation/ru-us")
    assert kinds(list(of_relation(undone))) == {("reversal_by_media_alone", None)}
    ended = given(*decided, format_reversed("RU")).filed.reading("relation/ru-us")
    assert kinds(list(of_relation(ended))) == {("dispute", "US")}
    agreed = given(*decided, format_reversed("JOINT")).filed.reading("relation/ru-us")
    assert list(of_relation(agreed)) == []


def test_a_round_that_one_side_puts_off_and_the_other_still_announces() -> None:
    told = [announced("JOINT", on="2025-04-01"), postponed("RU", on="2025-04-02")]
    (dispute,) = [item for item in of_round(given(*told).filed.reading(STREAMS["round"])) if item.kind == "dispute"]
    assert (dispute.party, dispute.why, dispute.settled_by) == (
        "US",
        "Russia says that it is postponed; the United States says that it is to come.",
        "A statement by the United States, or Russia taking it back.",
    )


def test_an_envoy_with_an_attributed_post_is_listed() -> None:
    reading = given(relation_opened(), took_post("JOINT", "Someone", channel="attributed")).filed.reading(
        "relation/ru-us"
    )
    assert kinds(list(of_relation(reading))) == {("attributed_only", None)}


def test_a_resolved_irritant_with_outstanding_items_is_listed() -> None:
    assert kinds(found(settled("RU"), settled("US"), item_added("a-house", on="2025-01-01"))) == {
        ("items_outstanding", None)
    }
