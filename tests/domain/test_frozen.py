"""A copy of a frozen value is what `dataclasses.replace` makes of it."""

import dataclasses

import pytest

from service.domain.frozen import replace
from service.domain.irritant.state import Irritant, Proposal

OFFER = Proposal("e1", 1, "An offer.", ())


def test_a_copy_has_the_other_fields_and_leaves_the_value_as_it_was() -> None:
    copy = replace(OFFER, data="A better offer.", place=2)
    assert copy == dataclasses.replace(OFFER, data="A better offer.", place=2)
    assert Proposal("e1", 1, "An offer.", ()) == OFFER


def test_a_copy_without_a_change_is_equal_and_another() -> None:
    state = Irritant(("RU", "US"))
    copy = replace(state)
    assert copy == state
    assert copy is not state


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="Proposal has no field addresee"):
        replace(OFFER, addresee="RU")  # type: ignore[call-arg]
