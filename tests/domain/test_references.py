"""The list of fields that refer to events names every such field, in all event types."""

from typing import get_args, get_type_hints

from service.domain.assertion import REFERENCE_FIELDS, EventId
from service.domain.catalogue import EVENT_TYPES


def test_every_field_that_refers_to_an_event_is_listed() -> None:
    hints = [get_type_hints(type, include_extras=True) for type in EVENT_TYPES.values()]
    found = {name for fields in hints for name, hint in fields.items() if hint == EventId or EventId in get_args(hint)}
    assert found == set(REFERENCE_FIELDS)
