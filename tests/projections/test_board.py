"""The board: one line per irritant, with its state and its course."""

from datetime import date

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from service.domain.round.membership import membership
from service.projections import board, sheet
from tests.build import (
    STREAMS,
    Filed,
    concluded,
    convened,
    discussed,
    exchanged,
    opened,
    raised,
    relation_opened,
    reversed_to,
    scheduled,
    step_agreed,
    understood,
)
from tests.projections.seeds import seeded
from tests.strategies import records

TALKS = Filed().file("relation/ru-us", relation_opened()).reading("relation/ru-us")


def test_the_seeds_on_the_board() -> None:
    pinned = board.view(**seeded().readings(), members=seeded().members())
    assert [(row.id, row.status, row.confirmed_status, row.reported_status, row.awaiting) for row in pinned.items] == [
        ("ru-us/banking-access", "formalised", "understanding", "formalised", "both"),
        ("ru-us/diplomat-movement", "understanding", "raised", "understanding", "both"),
        ("ru-us/direct-flights", "proposed", "unstated", "proposed", "US"),
        ("ru-us/property-return", "proposed", "unstated", "in_talks", "US"),
        ("ru-us/visas", "understanding", "unstated", "understanding", "both"),
    ]
    assert [(round.id, round.phase, round.date) for round in pinned.rounds] == [
        ("ru-us/istanbul-february", "concluded", "2025-02-27"),
        ("ru-us/istanbul-april", "concluded", "2025-04-10"),
    ]
    assert (pinned.position, pinned.next) == (seeded().head, None)


def test_a_line_has_the_rung_after_each_round() -> None:
    met = (
        Filed()
        .file("round/ru-us/one", convened("RU", on="2025-02-27"), concluded("RU", on="2025-02-27"))
        .file("round/ru-us/two", convened("RU", on="2025-04-10"))
    )
    filed = Filed().file(
        "irritant/ru-us/visas",
        opened(),
        raised("US"),
        exchanged("MEDIA", on="2025-04-10"),
        discussed("RU", on="2025-02-27"),
        understood("RU", on="2025-05-01"),
    )
    pinned = board.view(
        irritants=[filed.reading("irritant/ru-us/visas")],
        rounds=[met.reading("round/ru-us/two"), met.reading("round/ru-us/one")],
        relation=TALKS,
    )
    assert [after.model_dump() for after in pinned.items[0].over_the_rounds] == [
        {
            "round": "ru-us/one",
            "status": "in_talks",
            "confirmed_status": "raised",
            "reported_status": "in_talks",
        },
        {
            "round": "ru-us/two",
            "status": "in_talks",
            "confirmed_status": "raised",
            "reported_status": "formalised",
        },
    ]


ROUNDS = (
    Filed()
    .file("round/ru-us/one", convened("RU", on="2025-02-27"))
    .file("round/ru-us/three", convened("RU", on="2025-04-10/2025-04-12"))
    .file("round/ru-us/two", convened("RU", on="2025-03-15"))
)


@whatever(
    records("irritant"),
    st.dictionaries(st.sampled_from([f"r{n}" for n in range(1, 12)]), st.sampled_from(["one", "two", "three"])),
)
def test_the_board_and_the_sheet_of_a_round_say_the_same(filed: Filed, on: dict[str, str]) -> None:
    reading = filed.reading(STREAMS["irritant"])
    read = [ROUNDS.reading(f"round/ru-us/{name}") for name in ("one", "two", "three")]
    members = membership(read, TALKS, {report: f"ru-us/{round}" for report, round in on.items()})
    (row,) = board.view(irritants=[reading], rounds=read, relation=TALKS, members=members).items
    assert [after.round for after in row.over_the_rounds] == ["ru-us/one", "ru-us/two", "ru-us/three"]
    for after, round in zip(row.over_the_rounds, read, strict=True):
        document = sheet.view(round=round, irritants=[reading], relation=TALKS, members=members)
        shown = [item.after for item in document.items] + [one.standing for one in document.untouched]
        assert [(s.status, s.confirmed_status, s.reported_status) for s in shown] in (
            [(after.status, after.confirmed_status, after.reported_status)],
            [],
        )


def test_a_round_that_has_a_day_and_has_not_met_is_listed_and_is_no_column() -> None:
    filed = Filed().file("irritant/ru-us/visas", opened(), raised("US"))
    coming = Filed().file("round/ru-us/one", scheduled("RU", "2025-05-01")).reading("round/ru-us/one")
    pinned = board.view(irritants=[filed.reading("irritant/ru-us/visas")], rounds=[coming], relation=TALKS)
    assert ([round.phase for round in pinned.rounds], pinned.items[0].over_the_rounds) == (["scheduled"], ())
    assert "ru-us/one" not in board.csv(pinned)


def test_before_the_interview_property_rests_on_media_alone() -> None:
    seeds = seeded()
    pinned = board.view(**seeds.readings(seeds.before("08-interview")))
    (row,) = (row for row in pinned.items if row.id == "ru-us/property-return")
    assert (row.status, row.reported_status, row.basis, row.origins) == ("unstated", "in_talks", "media_only", 2)


def test_the_table_has_a_column_for_each_side_and_each_round() -> None:
    heading, first, *_ = board.csv(board.view(**seeded().readings(), members=seeded().members())).splitlines()
    assert heading.split(",")[-7:] == [
        "RU",
        "US",
        "settled",
        "items",
        "last_moved",
        "ru-us/istanbul-february",
        "ru-us/istanbul-april",
    ]
    assert first.endswith("understanding,formalised,0,0,[2025-04-10..],raised,formalised")


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1+1", "\uff20SUM(A1)"])
def test_no_cell_is_a_formula(formula: str) -> None:
    filed = Filed().file("irritant/ru-us/visas", opened("Visas").model_copy(update={"title": formula}))
    table = board.csv(board.view(irritants=[filed.reading("irritant/ru-us/visas")], rounds=[], relation=TALKS))
    assert f",'{formula}," in table


def test_the_counts_are_those_of_all_irritants_whatever_the_filters() -> None:
    pinned = board.view(**seeded().readings(), members=seeded().members(), on=date(2025, 5, 1))
    assert pinned.counts.model_dump() == {
        "irritants": 5,
        "suspended": 0,
        "stalled": 0,
        "fell_back": 0,
        "disputed": 0,
        "overdue": 0,
        "awaiting": {"US": 2, "both": 3},
    }
    shown = board.chosen(pinned, {"awaiting": "US", "changed_after": 100})
    assert [row.id for row in shown.items] == ["ru-us/property-return"]
    assert shown.counts == pinned.counts


def test_a_reversal_below_an_earlier_rung_is_a_fall() -> None:
    filed = Filed().file("irritant/ru-us/visas", opened(), understood("RU", on="2025-04-10"))
    stood = board.view(irritants=[filed.reading("irritant/ru-us/visas")], rounds=[], relation=TALKS)
    filed = filed.file("irritant/ru-us/visas", reversed_to("raised", "RU", on="2025-05-01"))
    fell = board.view(irritants=[filed.reading("irritant/ru-us/visas")], rounds=[], relation=TALKS)
    assert [shown.items[0].fell_back for shown in (stood, fell)] == [False, True]
    assert (fell.counts.fell_back, board.chosen(fell, {"fell_back": False}).items) == (1, ())


def test_an_act_is_overdue_after_its_last_possible_day() -> None:
    filed = Filed().file("irritant/ru-us/visas", opened(), step_agreed("RU", owner="US", due="2025-05"))
    reading = filed.reading("irritant/ru-us/visas")

    def on(day: date | None) -> bool | None:
        return board.view(irritants=[reading], rounds=[], relation=TALKS, on=day).items[0].overdue

    assert [on(None), on(date(2025, 5, 31)), on(date(2025, 6, 1))] == [None, False, True]


FLIGHTS = "Bring back direct flights between both countries"


def test_what_is_awaited_names_the_side_and_the_act() -> None:
    rows = board.view(**seeded().readings(), members=seeded().members()).items
    assert {row.id: row.awaits for row in rows if row.id != "ru-us/diplomat-movement"} == {
        "ru-us/banking-access": ("both sides: Provide the missions with smooth banking and financial services",),
        "ru-us/direct-flights": (f"the United States: answer to what Russia is said to propose: {FLIGHTS}",),
        "ru-us/property-return": (
            "the United States: answer to Russia: Swift return of the confiscated Russian diplomatic properties",
        ),
        "ru-us/visas": ("both sides: Take further measures on visa procedures",),
    }
