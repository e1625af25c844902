"""Each type of event has one name for readers."""

from service.domain.catalogue import EVENT_TYPES
from service.projections.event_types import event_name


def test_each_type_has_a_name_of_its_own() -> None:
    names = {type: event_name(type) for type in EVENT_TYPES}
    assert len(set(names.values())) == len(EVENT_TYPES)
    assert not names.keys() & set(names.values())


def test_a_type_of_a_later_release_is_its_own_name() -> None:
    assert event_name("TreatyRatified") == "TreatyRatified"
