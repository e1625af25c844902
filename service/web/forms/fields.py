"""The fields of each type of event, read from its model, so that a new type has a form at once.

The annotation of a field decides its control.
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

Control = Literal[
    "line", "choice", "yes-no", "number", "numbers", "lines", "date", "slug", "party", "actor", "event", "member"
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
_GROUPS: Final[Mapping[str, str]] = {
    "summary": "said",
    "wording": "said",
    "asserted_by": "who",
    "source": "where",
    "occurred": "when",
    "inference": "when",
    "after": "when",
}
GROUPS: Final = ("own", "said", "who", "where", "when")
"""Groups of fields, in the order of the form."""
# The type is known, and a date with an inference is an inferred one.
_NOT_ASKED: Final = frozenset({"type", "occurred_basis"})


@dataclass(frozen=True)
class Field:
    """One field of an event: its path in the event, and its control."""

    path: Path
    control: Control
    required: bool
    choices: tuple[str, ...] = ()
    longest: int | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def group(self) -> str:
        return _GROUPS.get(self.path[0], "own")


@cache
def fields_of(type: str) -> tuple[Field, ...]:
    """Return the fields of a type of event: its own first, then what was said, by whom, where, and when."""
    return tuple(sorted(_fields(EVENT_TYPES[type], ()), key=lambda field: GROUPS.index(field.group)))


def _fields(model: type[BaseModel], path: Path) -> Iterator[Field]:
    hints = get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        if name in _NOT_ASKED:
            continue
        annotation, inner = _without_none(hints[name]), (*path, info.alias or name)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            # What is optional as a whole is asked for in parts, and left out where all of these are empty.
            yield from (replace(f, required=f.required and info.is_required()) for f in _fields(annotation, inner))
        else:
            yield _field(annotation, inner, required=info.is_required())


def _field(annotation: Any, path: Path, *, required: bool) -> Field:
    for known, control in _CONTROLS:
        if annotation == known:
            return Field(path, control, required, longest=_longest(annotation))
    if annotation == Number:
        return Field(path, "number", required)
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(bare) is Literal:
        return Field(path, "choice", required, choices=get_args(bare))
    if get_origin(bare) is tuple:
        member = _field(get_args(bare)[0], path, required=True)
        return Field(path, "numbers" if member.control == "number" else "lines", required)
    if bare is int:
        return Field(path, "number", required)
    return Field(path, "line", required, longest=_longest(annotation))


def _longest(annotation: Any) -> int | None:
    constraints = (c for c in getattr(annotation, "__metadata__", ()) if isinstance(c, StringConstraints))
    return next((c.max_length for c in constraints if c.max_length is not None), None)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    some = [option for option in get_args(annotation) if option is not NoneType]
    return some[0] if len(some) == 1 else annotation


def plain(field: Field, written: str) -> object:
    """Return a text as a JSON value. A text that does not fit the field stays a text, and is refused when filed."""
    match field.control:
        case "yes-no":
            return {"true": True, "false": False}.get(written, written)
        case "number":
            return _whole(written)
        case "numbers":
            return [_whole(one) for one in written.replace(",", " ").split()]
        case "lines":
            return [line.strip() for line in written.splitlines() if line.strip()]
        case "line":
            return " ".join(written.split())
        case _:
            return written


def written(field: Field, value: object) -> str:
    """Return a JSON value as the text in its control."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case Sequence():
            return ("\n" if field.control == "lines" else ", ").join(str(one) for one in value)
        case _:
            raise TypeError(f"{field.name} holds no {type(value)}")


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else text
