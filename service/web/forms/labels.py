"""Word mistakes as the form does: with the labels of its fields instead of the names of the HTTP interface."""

import re
from typing import Final

from markupsafe import Markup

from service.domain.catalogue import EVENT_TYPES
from service.domain.mistakes import without_field
from service.projections.words.event_types import event_name
from service.web.forms.fields import Field
from service.web.messages import messages

_CODE: Final = re.compile(r"`([^`]+)`")
_CONTROLS_WITH_LISTS: Final = frozenset({"choice", "yes-no", "event", "actor", "person"})
"""Controls that list the allowed values."""
_GROUPS: Final = ("", "asserted_by.", "source.")
_FIRST_FIELD: Final = {"asserted_by": "asserted_by.party", "source": "source.document"}
"""The first field of each group, whose label stands for the group."""


def with_labels(detail: str, stream: str, field: Field | None, *, is_empty: bool) -> str:
    """Return the detail of a mistake with the labels of the form. `stream` and `field`: the place of the mistake.

    Names in backticks become labels. The form lists events by version, so `irritant/ru-us/visas@3` becomes `@3`.
    """
    if field is not None:
        detail = without_field(detail, field.path)
    if is_empty and field is not None and field.control in _CONTROLS_WITH_LISTS and detail.startswith("is missing"):
        return str(messages()("file.choose-one"))
    text = _CODE.sub(lambda code: _label(code[1]), detail.replace(f"{stream}@", "@"))
    text = text.replace("[4, 5]", "4, 5 or 4-6")  # the example of a list, as people write it in the form
    kind = stream.partition("/")[0]
    return text.replace(stream, str(messages()(f"file.this.{kind}"))) if kind in ("irritant", "round") else text


def _label(name: str) -> str:
    """Return the label of a field, the name of a type, or the words for a value."""
    if name in EVENT_TYPES:
        return f"“{event_name(name)}”"
    t = messages()
    for text in (f"field.{group}{_FIRST_FIELD.get(name, name)}" for group in _GROUPS):
        if text in t:
            return f"“{_plain(t(text))}”"
    return next((_plain(t(text)) for text in (f"choice.{name}", f"rung.{name}") if text in t), name)


def _plain(text: Markup) -> str:
    return text.striptags()
