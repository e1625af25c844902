"""List the form fields of each event type, and convert between the texts of form fields and JSON.

The fields come from the pydantic model of the type, so a new type has a form at once. The annotation of a field decides
its control, such as a line of text, a choice or a date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, StringConstraints

from service.domain.assertion import Actor, Edtf, EventId, MemberId, Party, Slug, Voice
from service.domain.catalogue import EVENT_TYPES
from service.domain.irritant.events import Number
from service.domain.paragraphs import numbers_in
from service.openings.actors import code_of
from service.openings.slugs import is_slug, slug_of
from service.readouts.dates import edtf_of
from service.web.formatting import names_in_use

Control = Literal[
    "line",
    "choice",
    "yes-no",
    "number",
    "numbers",
    "lines",
    "date",
    "slug",
    "person",
    "party",
    "parties",
    "actor",
    "event",
    "member",
    "round",
    "report",
]
Path = tuple[str, ...]

_CONTROLS: Final[tuple[tuple[object, Control], ...]] = (
    (Edtf, "date"),
    (Slug, "slug"),
    (MemberId, "member"),
    (EventId, "event"),
    (Voice, "party"),
    (Party, "party"),
    (Actor, "actor"),
    (bool, "yes-no"),
)
_CONTROLS_OF_LISTS: Final[Mapping[Control, Control]] = {"number": "numbers", "party": "parties"}
_GROUP_OF_FIELD: Final[Mapping[str, str]] = {
    "summary": "said",
    "wording": "said",
    "asserted_by": "who",
    "source": "where",
    "occurred": "when",
    "inference": "when",
    "after": "when",
}
GROUPS: Final = ("own", "said", "who", "where", "when")
"""Groups of fields, in the order of the form: the fields of the type, what was said, by whom, where and when."""
# The form sets these itself: a date with an inference is an inferred date.
_NOT_IN_FORM: Final = frozenset({"type", "occurred_basis"})


@dataclass(frozen=True)
class Field:
    """One field of an event: its path in the event, its control, and its limits."""

    path: Path
    control: Control
    required: bool
    choices: tuple[str, ...] = ()
    max_length: int | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def group(self) -> str:
        return _GROUP_OF_FIELD.get(self.path[0], "own")


@cache
def fields_of(type: str) -> tuple[Field, ...]:
    """Return the fields of an event type, in the order of `GROUPS`."""
    return tuple(sorted(_fields(EVENT_TYPES[type], ()), key=lambda field: GROUPS.index(field.group)))


def _fields(model: type[BaseModel], path: Path) -> Iterator[Field]:
    hints = get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        if name in _NOT_IN_FORM:
            continue
        annotation, inner = _without_none(hints[name]), (*path, info.alias or name)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            # An optional object is shown as its fields, and is left out of the event if all of them are empty.
            yield from (replace(f, required=f.required and info.is_required()) for f in _fields(annotation, inner))
        else:
            yield _field(annotation, inner, required=info.is_required())


def _field(annotation: Any, path: Path, *, required: bool) -> Field:
    if annotation == Slug and path == ("person",):
        return Field(path, "person", required=False)  # derived from the names, if none is chosen
    if path in (("round",), ("report",)):
        return Field(path, "round" if path == ("round",) else "report", required)
    for known, control in _CONTROLS:
        if annotation == known:
            return Field(path, control, required, max_length=_max_length(annotation))
    if annotation == Number:
        return Field(path, "number", required)
    base = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(base) is Literal:
        return Field(path, "choice", required, choices=get_args(base))
    if get_origin(base) is tuple:
        member = _field(get_args(base)[0], path, required=True)
        return Field(path, _CONTROLS_OF_LISTS.get(member.control, "lines"), required)
    if base is int:
        return Field(path, "number", required)
    return Field(path, "line", required, max_length=_max_length(annotation))


def _max_length(annotation: Any) -> int | None:
    """Return the maximum length of a text, or None."""
    constraints = (c for c in getattr(annotation, "__metadata__", ()) if isinstance(c, StringConstraints))
    return next((c.max_length for c in constraints if c.max_length is not None), None)


def _without_none(annotation: Any) -> Any:
    """Return `T` for an annotation `T | None`, and other annotations unchanged."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    others = [option for option in get_args(annotation) if option is not NoneType]
    return others[0] if len(others) == 1 else annotation


def json_value(field: Field, text: str) -> object:
    """Convert the text of a form field to JSON. A text that does not fit stays text, and filing refuses it.

    Names of actors become codes, and titles become slugs, so that operators need not write codes and slugs.
    """
    match field.control:
        case "date":
            return edtf_of(text) or text
        case "yes-no":
            return {"true": True, "false": False}.get(text, text)
        case "number":
            return _whole_number(text)
        case "numbers":
            return numbers_in(text)
        case "lines":
            return _lines(text)
        case "parties":
            return [_actor(line) for line in _lines(text)]
        case "party":
            return _actor(text)
        case "slug":
            return text if is_slug(text) else slug_of(text) or text
        case "line":
            return " ".join(text.split())
        case _:
            return text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _actor(text: str) -> str:
    """Return the code of an actor by its name, such as Russia. An unknown name becomes a slug."""
    return code_of(text, names_in_use()) or (text if is_slug(text) else slug_of(text.removeprefix("the ")) or text)


def form_text(field: Field, value: object) -> str:
    """Convert a JSON value to the text of its form field."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case Sequence():
            return (", " if field.control == "numbers" else "\n").join(map(str, value))
        case _:
            raise TypeError(f"{field.name} cannot have a {type(value)}")


def _whole_number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else text
