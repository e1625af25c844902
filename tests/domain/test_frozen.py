"""The fast `replace` of frozen values equals `dataclasses.replace`."""

import dataclasses

import pytest

from service.domain.frozen import replace
from service.domain.irritant.state import Irritant, Proposal

OFFER = Proposal("e1", 1, "An offer.", ())


def test_a_copy_has_the_changes_and_the_original_stays() -> None:
    copy = replace(OFFER, data="A better offer.", place=2)
    assert copy == dataclasses.replace(OFFER, data="A better offer.", place=2)
    assert Proposal("e1", 1, "An offer.", ()) == OFFER


def test_a_copy_without_changes_is_equal_and_not_identical() -> None:
    state = Irritant(("RU", "US"))
    copy = replace(state)
    assert copy == state
    assert copy is not state


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Proposal has no field addresee"):
        replace(OFFER, addresee="RU")  # type: ignore[call-arg]
