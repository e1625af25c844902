"""The board: every irritant in one line, how it stands and how it came there."""

import pytest

from service.projections import board
from tests.build import Filed, concluded, convened, discussed, exchanged, opened, raised, relation_opened, understood
from tests.projections.seeds import seeded

TALKS = Filed().file("relation/ru-us", relation_opened()).reading("relation/ru-us")


def test_the_seeds_on_the_board() -> None:
    pinned = board.view(**seeded().readings())
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


def test_a_line_tells_where_the_irritant_stood_after_each_round() -> None:
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


def test_before_the_interview_property_rests_on_media_alone() -> None:
    seeds = seeded()
    pinned = board.view(**seeds.readings(seeds.before("08-interview")))
    (row,) = (row for row in pinned.items if row.id == "ru-us/property-return")
    assert (row.status, row.reported_status, row.basis, row.origins) == ("unstated", "in_talks", "media_only", 2)


def test_the_table_has_a_column_for_each_side_and_each_round() -> None:
    heading, first, *_ = board.csv(board.view(**seeded().readings())).splitlines()
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
