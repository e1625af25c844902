"""Say in words what is wrong with the fields of an event, and what each field takes.

pydantic finds the mistakes. Its own texts name Python types and regular expressions, and do not list what is allowed.
Names of fields, values and types are in backticks, so that a form can show its own labels instead.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from service.domain.assertion import Actor, Edtf, EventId, Line, MemberId, Party, Slug, Unit, Voice, Wording
from service.domain.irritant.events import Number
from service.domain.nearby import FORM_OF_IDS
from service.domain.paragraphs import numbers_in
from service.domain.streams import id_meant, slug_meant

_LONGEST_ID: Final = 120
_CLOSE: Final = 0.75
"""The similarity from which a name is a misspelling. At 0.6, `date` would be `after`."""
_MOST_IN_A_RANGE: Final = 20
_STATES: Final = "the code of a state in two capital letters, such as US (also EU, UN and XK)"
_ORGANISATION: Final = "the short name of a registered organisation"

_WORDS: Final[tuple[tuple[object, str], ...]] = (
    (Line, "text in one line, at most 300 characters"),
    (Wording, "at most five words, as the side itself said them"),
    (Unit, "a unit in words, at most 60 characters"),
    (Edtf, "a date, such as 2025-04-10, 2025-04 or [2025-04-10..]"),
    (Slug, "a short name in lower-case letters, digits and hyphens, such as notice-48-hours"),
    (MemberId, "an id, such as ru-us/banking-access"),
    (Party, _STATES),
    (Actor, f"{_STATES}, `both`, or {_ORGANISATION}"),
    (Voice, f"{_STATES}, {_ORGANISATION}, `JOINT` for one text of both sides, or `MEDIA`"),
    (
        EventId,
        "an event: its id, stream and version such as irritant/ru-us/visas@3, or `ref` of an earlier event here",
    ),
    (Number, 'a whole number, or a decimal in quotes such as "12.5"'),
    (bool, "`true` or `false`"),
    (str, "text"),
)
"""What the fields of each type take."""
_PATTERNS: Final[Mapping[str, str]] = {
    r"^([A-Z]{2}|[a-z0-9]+(-[a-z0-9]+)*)$": f"{_STATES}, or a short name in lower-case letters, digits and hyphens",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    r"^https?://[!-~]+$": "an address that begins with http:// or https://, without blanks",
    r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$": "the code of a language, such as en or pt-BR",
    r"^[A-Za-z0-9_.-]{1,60}$": "at most 60 letters, digits, dots, hyphens and underscores",
}
"""What each regular expression allows that belongs to no type above."""
_BY_NAME: Final[Mapping[str, str]] = {
    "stream": "the name of a stream, such as irritant/ru-us/banking-access",
    "relation": "the id of a relation, such as ru-us",
    "round": "the id of a round, such as ru-us/istanbul-april",
    "expect": "streams, each with its version, such as irritant/ru-us/visas: 3",
    "changes": "fields of the event, each with its corrected value",
    "document": "the short name of a document on record, such as ministry-briefing",
    "origin": "the short name of the statement behind it, such as ministry-briefing-of-may",
    "step": "the short name of the step, such as notice-48-hours",
    "item": "the short name of the item, such as consulate-seattle",
    "paragraphs": "a list of numbers of paragraphs, such as [4, 5]",
    "names": 'a list of names, first the one for use in sentences, such as ["the African Union", "African Union"]',
    "preliminary": "`true` if the round is only provisional, `false` if it is firm",
    "reversible": "`true` if the progress can be reversed, `false` if not",
}
"""What some fields take, by their names, where the type alone says less."""
_EXAMPLES: Final[Mapping[str, str]] = {
    "party": "RU",
    "document": "ministry-briefing",
    "paragraphs": "[4, 5]",
    "origin": "ministry-briefing-of-may",
    "value": "12",
    "unit": "cases",
    "done": "37",
    "of": "47",
}
"""A value of each required field that an object within an event has, unless it is a choice."""
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "date": "occurred",
    "day": "occurred",
    "party": "asserted_by",
    "speaker": "asserted_by",
    "document": "source",
    "paragraphs": "source",
    "origin": "source",
    "text": "summary",
    "description": "summary",
    "quote": "wording",
    "deadline": "due",
}
"""Names that clients write for another field, which are spelt too differently to be found as misspellings."""
_LIMITED_CHOICES: Final[Mapping[str, str]] = {"channel": ", where `outlet` is only for MEDIA"}
"""What is to be said of the choices of a field that do not all fit every event."""
# Rules about several fields. The mistake is reported at the field with the name of the rule.
_RULES_OF_A_MODEL: Final = {"inference", "channel"}
_OUR_OWN: Final = frozenset({"inference", "channel", "plain_text", "wording", "edtf", "party", "actor"})
"""The types of the mistakes that validators of the models find. Their messages are complete."""

_LIST: Final = "a list; each member is "
_CHOICE: Final = "one of: "
_OBJECT: Final = "an object "

Mistake = tuple[tuple[str, ...], str]
"""The path to a field, and what is wrong with it."""


def mistakes(error: ValidationError, model: type[BaseModel], also: Sequence[str] = ()) -> Iterator[Mistake]:
    """Yield the path and the text of all mistakes. The texts have no input of the client except numbers of a range.

    A text begins with its field in backticks, so that it can be understood without its place.

    `also` has fields that the client can send as well, but that are not validated with the model.
    """
    found = error.errors(include_url=False, include_context=True)
    within = {mistake["loc"][:-1] for mistake in found}
    seen: set[tuple[str, ...]] = set()
    for mistake in found:
        if mistake["type"] == "too_short" and mistake["loc"] in within:
            continue  # It is too short only because its invalid members, which are reported, do not count.
        loc = tuple(part for part in mistake["loc"] if part != "[key]")
        path, annotation = _at(model, loc)
        if mistake["type"] in _RULES_OF_A_MODEL:
            path = (*path, mistake["type"])
        if path not in seen or mistake["type"] in _OUR_OWN:  # pydantic reports each type of a union.
            seen.add(path)
            yield path, _of_field(path, mistake["type"], _sentence(mistake, model, path, annotation, also))


def without_field(detail: str, path: Sequence[str]) -> str:
    """Return the text of a mistake without the field that it begins with, for a place that shows the field itself.

    The text can also begin with a member of the field, such as `source.paragraphs.0`.
    """
    for length in range(len(path), 0, -1):
        field = re.escape(".".join(path[-length:]))
        if (beginning := re.match(rf"`{field}(\.[0-9]+)?`:? ", detail)) is not None:
            return detail[beginning.end() :]
    return detail


def takes(annotation: object) -> str:
    """Return what a field with this annotation takes, such as "one of: `offer`, `request` or `demand`"."""
    annotation = _without_none(annotation)
    for known, words in _WORDS:
        if annotation == known:
            return words
    base, constraints = _plain(annotation)
    if get_origin(base) is Literal:
        return (
            f"{_CHOICE}{alternatives(map(str, get_args(base)))}"
            if len(get_args(base)) > 1
            else _code(get_args(base)[0])
        )
    if get_origin(base) is tuple:
        return f"{_LIST}{takes(get_args(base)[0])}"
    if get_origin(base) is dict:
        return "fields, each with its value"
    if isinstance(base, type) and issubclass(base, BaseModel):
        return f"{_OBJECT}such as {_example(base)}, with {_names(base)}"
    if base is int:
        return _whole_number(constraints)
    pattern = next((str(c.pattern) for c in constraints if isinstance(c, StringConstraints) and c.pattern), "")
    return _PATTERNS.get(pattern) or _of_length(constraints)


def kind_of_json(value: object) -> str:
    """Return what a value of JSON is, in words."""
    match value:
        case None:
            return "`null`"
        case bool():
            return "`true`" if value else "`false`"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case _:
            return "a list"


def alternatives(names: Iterator[str] | Sequence[str]) -> str:
    """Return names in backticks as a choice: "`a`, `b` or `c`"."""
    *others, last = map(_code, names)
    return f"{', '.join(others)} or {last}" if others else last


@cache
def fields(model: type[BaseModel]) -> Mapping[str, object]:
    """Return the annotations of the fields of a model, by the names that clients send."""
    hints = get_type_hints(model, include_extras=True)
    return {info.alias or name: hints[name] for name, info in model.model_fields.items()}


def _code(name: object) -> str:
    return f"`{name}`"


def _names(model: type[BaseModel]) -> str:
    """Return the names of the fields: the required ones, each with its choices or an example, then the others."""
    info = {field.alias or name: field for name, field in model.model_fields.items() if name != "type"}
    required = [_described(model, name) for name, field in info.items() if field.is_required()]
    optional = [_described(model, name) for name, field in info.items() if not field.is_required()]
    return " and ".join(filter(None, [", ".join(required[:-1]), required[-1]])) + (
        f"; optional: {', '.join(optional)}" if optional else ""
    )


def _example(model: type[BaseModel]) -> str:
    """Return an object with the required fields, as it is written in YAML: "`{party: RU, channel: quote}`"."""
    info = {field.alias or name: field for name, field in model.model_fields.items() if name != "type"}
    required = [name for name, field in info.items() if field.is_required()]
    return _code(f"{{{', '.join(f'{name}: {_value(model, name)}' for name in required)}}}")


def _value(model: type[BaseModel], name: str) -> str:
    """Return a value that a required field can have."""
    base, _ = _plain(_without_none(fields(model)[name]))
    return str(get_args(base)[0]) if get_origin(base) is Literal else _EXAMPLES[name]


def _described(model: type[BaseModel], name: str) -> str:
    """Return the name of a field, with the choices that it has or an example."""
    annotation = _without_none(fields(model)[name])
    if get_origin(_plain(annotation)[0]) is Literal:
        return f"{_code(name)} ({takes(annotation)}{_LIMITED_CHOICES.get(name, '')})"
    return _code(name)


def _whole_number(constraints: Sequence[object]) -> str:
    low, high = (next((getattr(c, end) for c in constraints if hasattr(c, end)), None) for end in ("ge", "le"))
    words = "a whole number"
    if low is not None:
        words += f" from {low:,}" if high is not None else f", {low} or more"
    return f"{words} to {high:,}" if high is not None else words


def _of_length(constraints: Sequence[object]) -> str:
    longest = next((c.max_length for c in constraints if isinstance(c, StringConstraints) and c.max_length), None)
    return f"text, at most {longest} characters" if longest else "text"


def _without_none(annotation: object) -> object:
    """Return `T` for an annotation `T | None`, and other annotations unchanged."""
    if get_origin(annotation) is Annotated and _is_optional(get_args(annotation)[0]):
        return _without_none(get_args(annotation)[0])
    if not _is_optional(annotation):
        return annotation
    some = [option for option in get_args(annotation) if option is not NoneType]
    return some[0] if len(some) == 1 else Union[tuple(some)]  # noqa: UP007 -- made at run time


def _is_optional(annotation: object) -> bool:
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _plain(annotation: object) -> tuple[Any, list[object]]:
    """Return a type without its annotations, and these annotations."""
    if get_origin(annotation) is not Annotated:
        return annotation, []
    base, *extras = get_args(annotation)
    inner, more = _plain(base)
    constraints: list[object] = []
    for extra in extras:
        constraints += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    return inner, [*more, *constraints]


def _at(model: type[BaseModel], loc: Sequence[str | int]) -> tuple[tuple[str, ...], object]:
    """Return the path of a mistake and the annotation there. Parts of pydantic's own, such as union tags, are left out.

    The annotation of an unknown field is None.
    """
    annotation: object = model
    path: list[str] = []
    for part in loc:
        base, _ = _plain(_without_none(annotation))
        if isinstance(base, type) and issubclass(base, BaseModel):
            annotation = fields(base).get(str(part))
        elif get_origin(base) is tuple:
            annotation = get_args(base)[0]
        elif get_origin(base) is dict:
            annotation = get_args(base)[1]
        else:
            break
        path.append(str(part))
    return tuple(path), annotation


def _model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    base, _ = _plain(_without_none(_at(model, path)[1]))
    return base if isinstance(base, type) and issubclass(base, BaseModel) else model


def _of_field(path: Sequence[str], type: str, sentence: str) -> str:
    """Put the field in front of what is wrong with it. Only the sentences about dates have a subject of their own."""
    if not path:
        return sentence
    return f"{_code('.'.join(path))}{':' if type == 'edtf' else ''} {sentence}"


def _sentence(
    mistake: Mapping[str, Any],
    model: type[BaseModel],
    path: tuple[str, ...],
    annotation: object,
    also: Sequence[str],
) -> str:
    """Return what is wrong with a field and what is allowed, for one mistake, as a sentence without its subject."""
    type, given = mistake["type"], mistake["input"]
    if type in _OUR_OWN:
        return str(mistake["msg"])
    if type == "extra_forbidden":
        return _no_such_field(path[-1], given, _model_at(model, path[:-1]), also if len(path) == 1 else ())
    own_words = _BY_NAME.get(path[-1] if path else "", "") if type == "missing" or annotation != Slug else ""
    expected = (own_words or takes(annotation)).removeprefix(_CHOICE)
    if type == "missing":
        return f"is missing. Give {expected}"
    if type == "too_short" and get_origin(_plain(_without_none(annotation))[0]) is tuple:
        remedy = _too_few(len(given), mistake["ctx"]["min_length"], expected)
        return f"{remedy}{'; or leave the field out' if _can_be_left_out(model, path) else ''}"
    if type in ("string_too_short", "too_short"):
        return f"is empty. Give {expected}"
    if type == "string_too_long":
        return f"has {len(given)} characters, at most {mistake['ctx']['max_length']} are allowed. Shorten it"
    if type == "too_long":
        return f"has more than {mistake['ctx']['max_length']} members. Split it"
    if type == "string_pattern_mismatch" and (meant := _meant(str(given)[:_LONGEST_ID], annotation)):
        form = f", {FORM_OF_IDS}" if meant == id_meant(str(given)[:_LONGEST_ID]) else ""
        return f"must be {expected}{form}. Use {meant}"
    if isinstance(given, str) and "paragraphs" in path and (numbers := _range(given)):
        return f"must be {expected}. Write the range as its numbers, without quotes: [{numbers}]"
    return f"must be {expected}"


def _can_be_left_out(model: type[BaseModel], path: Sequence[str]) -> bool:
    """Return whether the field at a path is optional, so that nothing is lost without it if it is empty."""
    infos = _model_at(model, path[:-1]).model_fields
    return any(not info.is_required() for name, info in infos.items() if (info.alias or name) == path[-1])


def _too_few(given: int, least: int, expected: str) -> str:
    """Return what is wrong with a list that has too few members, where `expected` says what it takes."""
    wrong = f"has {given} of its {least} members" if given else "is empty"
    if expected.startswith(_LIST):
        members = "at least one member" if least == 1 else f"{least} members"
        return f"{wrong}. Give {members}, each {expected.removeprefix(_LIST)}"
    return f"{wrong}. Give {expected.removeprefix('a list of ')}"


def _no_such_field(name: str, given: object, model: type[BaseModel], also: Sequence[str]) -> str:
    """Return that a field does not exist, with the field that is meant, or else with all fields that there are."""
    known = [field for field in (*fields(model), *also) if field not in ("type", "stream", "ref")]
    nearest = get_close_matches(name, known, n=1, cutoff=_CLOSE)
    meant = nearest[0] if nearest else _OTHER_NAMES.get(name)
    if meant in known:
        return f"is not a field here. Use {_code(meant)}"
    if given in (None, "", [], {}):
        return "is not a field here. Remove it: it is empty"
    return f"is not a field here. Use another one, or, if none fits, remove it. Fields: {', '.join(map(_code, known))}"


def _meant(text: str, annotation: object) -> str | None:
    """Return the right form of an id or a slug, if the text shows which one is meant."""
    return id_meant(text) or (slug_meant(text) if _without_none(annotation) == Slug else None)


def _range(text: str) -> str | None:
    """Return the numbers of a range such as `4-6` as `4, 5, 6`. None if it is no range, or a long one."""
    numbers = numbers_in(text)
    is_range = 1 < len(numbers) <= _MOST_IN_A_RANGE and all(isinstance(number, int) for number in numbers)
    return ", ".join(map(str, numbers)) if is_range else None
