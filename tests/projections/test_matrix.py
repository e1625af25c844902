"""The position matrix: irritant by party."""

from service.domain.assertion import EventModel
from service.projections import matrix
from service.projections.matrix import MatrixRow
from tests.build import (
    Filed,
    contested,
    hold_placed,
    opened,
    position_stated,
    raised,
    relation_opened,
    reversed_to,
    understood,
)
from tests.projections.seeds import seeded

VISAS = "irritant/ru-us/visas"


def row(*events: EventModel) -> MatrixRow:
    filed = Filed().file("relation/ru-us", relation_opened()).file(VISAS, opened(), *events)
    whole = matrix.view(irritants=[filed.reading(VISAS)], rounds=[], relation=filed.reading("relation/ru-us"))
    (only,) = whole.items
    return only


def test_the_matrix_of_the_seeds() -> None:
    cells = {
        item.irritant: {party: (cell.rung, cell.wording, cell.silent) for party, cell in item.parties.items()}
        for item in matrix.view(**seeded().readings()).items
    }
    assert cells == {
        "ru-us/banking-access": {
            "RU": ("understanding", "committed", False),
            "US": ("formalised", "understanding", False),
        },
        "ru-us/diplomat-movement": {"RU": ("understanding", "understanding", False), "US": ("raised", None, False)},
        "ru-us/direct-flights": {"RU": ("proposed", None, False), "US": ("unstated", None, True)},
        "ru-us/property-return": {"RU": ("proposed", "confiscated", False), "US": ("unstated", None, True)},
        "ru-us/visas": {"RU": ("understanding", "understanding", False), "US": ("unstated", None, True)},
    }


def test_the_stance_is_the_last_that_the_party_stated_and_has_not_denied() -> None:
    stated = [position_stated("RU", "priority"), position_stated("RU", "red_line", channel="attributed")]
    assert row(*stated).parties["RU"].stance == "red_line"
    assert row(*stated, contested("e4", "RU")).parties["RU"].stance == "priority"
    assert row(*stated).parties["US"].stance == "none"


def test_a_cell_has_the_hold_of_its_side() -> None:
    cells = row(hold_placed("US", "suspended")).parties
    assert (cells["US"].hold, cells["RU"].hold) == ("suspended", "none")


def test_a_cell_has_the_last_statement_and_its_rung_if_any() -> None:
    cells = row(understood("RU"), raised("RU"), understood("US"), position_stated("US")).parties
    words = {party: cell.last_word and (cell.last_word.type, cell.last_word.rung) for party, cell in cells.items()}
    assert words == {"RU": ("ConcernRaised", "raised"), "US": ("PositionStated", None)}
    fallen = row(understood("RU"), reversed_to("unstated", "RU")).parties["RU"]
    assert fallen.last_word is not None
    assert (fallen.rung, fallen.last_word.type, fallen.last_word.rung) == ("unstated", "ProgressReversed", None)


def test_media_have_no_cell_and_affect_only_the_reported_status() -> None:
    only = row(raised("RU"), understood("MEDIA"))
    assert (set(only.parties), only.reported_status) == ({"RU", "US"}, "understanding")
