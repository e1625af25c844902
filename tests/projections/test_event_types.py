"""Each event type has one name for readers."""

from service.domain.catalogue import EVENT_TYPES
from service.projections.words.event_types import event_name


def test_each_type_has_a_unique_name() -> None:
    names = {type: event_name(type) for type in EVENT_TYPES}
    assert len(set(names.values())) == len(EVENT_TYPES)
    assert not names.keys() & set(names.values())


def test_a_type_of_a_later_release_is_shown_as_it_is() -> None:
    assert event_name("TreatyRatified") == "TreatyRatified"
