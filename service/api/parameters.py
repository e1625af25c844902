"""Parse query parameters strictly, and describe them for the OpenAPI document.

Unknown parameters are refused, because a misspelt `as_of_postion` would otherwise read the present. The record has two
clocks, so no parameter is called `date`: `known_at` is a time of recording, `effective_on` a day of the events. A time
must have its zone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from service.api.problems import Mistake, Problem
from service.domain.actors import CODES
from service.domain.mistakes import fields, takes
from service.domain.nearby import FORM_OF_IDS, ID_OF_A_RELATION
from service.domain.streams import id_meant, is_relation, parse_stream
from service.store.log import Head

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_MAX_PARAMETERS: Final = 40
_MAX_SHOWN: Final = 60
_EXAMPLES: Final[Mapping[str, str]] = {"round": "ru-us/istanbul-april", "relation": "ru-us"}


def whole(text: str) -> int:
    """Parse a whole number."""
    if not _WHOLE.fullmatch(text):
        raise PydanticCustomError("whole", "must be a whole number, such as 41")
    return int(text)


def day(text: str) -> date:
    """Parse a day."""
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise PydanticCustomError("day", "must be a day, such as 2025-04-10") from None


def moment(text: str) -> datetime:
    """Parse a date and time with its zone. Return it in UTC."""
    try:
        return datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "").astimezone(UTC)
    except (ValueError, OverflowError):
        why = "must be a date and time with its zone, such as 2025-04-10T09:30:00Z; write + as %2B"
        raise PydanticCustomError("moment", why) from None


def truth(text: str) -> bool:
    """Parse `true` or `false`."""
    if text not in ("true", "false"):
        raise PydanticCustomError("truth", "must be true or false")
    return text == "true"


def valid(is_valid: Callable[[str], object], why: str) -> BeforeValidator:
    """Return a validator for a text. `why` says in words what is allowed, for example "must be a day"."""

    def checked(text: str) -> str:
        if not is_valid(text):
            raise PydanticCustomError("value", why)
        return text

    return BeforeValidator(checked)


def valid_id(is_valid: Callable[[str], object], why: str, example: str) -> BeforeValidator:
    """Refuse a text that is not the id of a relation or of a part of one, and name the id that is meant."""

    def checked(text: str) -> str:
        if not is_valid(text):
            meant = id_meant(text[:_MAX_SHOWN])
            raise PydanticCustomError(
                "value",
                "{why}",
                {"why": f"{why}; use {meant}" if meant else f"{why}, such as {example}"},
            )
        return text

    return BeforeValidator(checked)


VALID_ROUND: Final = valid_id(
    lambda text: parse_stream(f"round/{text}"), f"must be the id of a round, {FORM_OF_IDS}", "ru-us/istanbul-april"
)
# Bounds come before the validator. Behind it, pydantic writes them to the JSON Schema as `ge`, which is no keyword.
Truth = Annotated[bool, BeforeValidator(truth)]
Whole = Annotated[int, Field(ge=0), BeforeValidator(whole)]
Day = Annotated[date, BeforeValidator(day)]
Moment = Annotated[datetime, BeforeValidator(moment)]
RelationId = Annotated[
    str,
    Field(description="only this relation, such as ru-us"),
    valid_id(is_relation, f"must be {ID_OF_A_RELATION}", "ru-us"),
]
Awaiting = Annotated[
    str,
    valid({*CODES, "both", "none"}.__contains__, "must be the code of a country, such as US, or both, or none"),
    Field(description="the side that is to act: the code of a country, `both` or `none`"),
]
Limit = Annotated[
    int, Field(ge=1, le=1000, description="the highest number of items in the response"), BeforeValidator(whole)
]
Cursor = Annotated[
    str, Field(min_length=1, max_length=400, description="`next` of the page before; its form may change")
]
DateMatch = Annotated[
    Literal["possible", "certain"],
    Field(description="an inexact date matches if it is possibly (default) or certainly within the bounds"),
]


class Query(BaseModel):
    """The query parameters of one resource. Their descriptions appear in the OpenAPI document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def is_final(self, _head: Head) -> bool:
        """Return whether the response can never change, because it shows the record at an earlier position."""
        return False

    @property
    def of_relation(self) -> str | None:
        """Return the relation that the response is limited to. None if it may cover the whole record."""
        relation: str | None = getattr(self, "relation", None)
        return relation


class AsOfQuery(Query):
    """The parameters that read an earlier state, one class for all resources that can.

    `as_of_position` and `known_at` choose by date of recording, `effective_on` by date of event. They combine.
    """

    as_of_position: Annotated[
        Whole | None, Field(description="read the record as it was at this position; the response never changes")
    ] = None
    known_at: Annotated[
        Moment | None, Field(description="read the record as it was at this moment, which must not be in the future")
    ] = None
    effective_on: Annotated[Day | None, Field(description="read only what had happened by the end of this day")] = None
    date_match: DateMatch | None = None

    @model_validator(mode="after")
    def _clocks_are_named(self) -> Self:
        if self.as_of_position is not None and self.known_at is not None:
            raise misplaced("known_at", "cannot be combined with as_of_position; send one of them")
        if self.date_match is not None and self.effective_on is None:
            raise misplaced("date_match", "needs effective_on; send both or neither")
        return self

    def is_final(self, _head: Head) -> bool:
        return self.as_of_position is not None or (self.known_at is not None and is_over(self.known_at, _head))

    @property
    def is_past(self) -> bool:
        return self.as_of_position is not None or self.known_at is not None

    @property
    def certain(self) -> bool:
        return self.date_match == "certain"


Q = TypeVar("Q", bound=Query)


def is_over(moment: datetime, head: Head) -> bool:
    """Return whether this moment is over for the record. At the time of the head itself, more events can follow."""
    return moment < head.recorded_at


def parse(model: type[Q], raw: bytes) -> Q:
    """Parse a query string into a model. Raises Problem with every mistake in it."""
    given = _pairs(raw) if raw else []
    twice = sorted(name for name, times in Counter(name for name, _ in given).items() if times > 1)
    if twice:
        raise _problem([Mistake(parameter=name[:_MAX_SHOWN], detail="is given twice; send it once") for name in twice])
    return written(model, **dict(given))


def written(model: type[Q], **given: object) -> Q:
    """Return a query with these values, as if they came from an address. None omits a parameter. Raises Problem."""
    try:
        return model.model_validate({name: str(value) for name, value in given.items() if value is not None})
    except ValidationError as refused:
        raise _refused(model, refused.errors()) from None


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        unquote_to_bytes(raw).decode()
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:
        raise malformed(
            None,
            f"The query cannot be read. Write name=value&name=value in UTF-8, {_MAX_PARAMETERS} parameters at most.",
        ) from None


def misplaced(parameter: str, detail: str) -> PydanticCustomError:
    """Return the error for a parameter that conflicts with another one. Validators of queries raise it."""
    return PydanticCustomError("misplaced", "{detail}", {"parameter": parameter, "detail": detail})


def malformed(parameter: str | None, detail: str) -> Problem:
    """Return a Problem with one mistake.

    With a parameter, `detail` continues its name: "must be a day". Without one, `detail` is a whole sentence.
    """
    return _problem([Mistake(parameter=parameter, detail=detail)])


def _refused(model: type[Query], errors: Iterable[ErrorDetails]) -> Problem:
    known = ", ".join(info.alias or name for name, info in model.model_fields.items())
    remedy = f"rename it, or remove it; allowed: {known}" if known else "remove it; allowed: none"
    mistakes = []
    unknown = True
    for error in errors:
        if error["type"] == "extra_forbidden":
            mistakes.append(
                Mistake(
                    parameter=str(error["loc"][0])[:_MAX_SHOWN],
                    detail=f"is not a parameter of this address; {remedy}",
                )
            )
        else:
            unknown = False
            name = str(error["loc"][0]) if error["loc"] else error["ctx"]["parameter"]
            mistakes.append(Mistake(parameter=name, detail=_sentence(error, model)))
    return _problem(mistakes, "unknown-parameter" if unknown else "malformed-parameter")


def _sentence(error: ErrorDetails, model: type[Query]) -> str:
    """Return the message for one mistake. It continues the name of the parameter: "must be a day"."""
    match error["type"]:
        case "greater_than_equal" | "less_than_equal":
            return f"must be {takes(fields(model)[str(error['loc'][0])])}"
        case "missing":
            return "is missing; send it"
        case "string_pattern_mismatch":
            # The message of pydantic would show a regular expression.
            example = _EXAMPLES.get(str(error["loc"][-1]), "ru-us/banking-access")
            return f"must be an id in lower-case letters, digits and hyphens, such as {example}"
        case _:
            return error["msg"].removeprefix("Input ").removeprefix("String ").replace("should ", "must ", 1)


def _problem(mistakes: list[Mistake], name: str = "malformed-parameter") -> Problem:
    detail = "; ".join(f"{m.parameter} {m.detail}" if m.parameter else m.detail for m in mistakes[:5])
    return Problem(name, detail, errors=mistakes)


def described(path: str, model: type[Query]) -> list[dict[str, Any]]:
    """Return the parameters of a resource for the OpenAPI document. `path` has those in braces."""
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    schema = model.model_json_schema()
    properties: Mapping[str, dict[str, Any]] = schema.get("properties", {})
    needed = schema.get("required", ())
    return in_path + [_described(name, dict(one), required=name in needed) for name, one in properties.items()]


def _described(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    description = schema.pop("description", "")
    schema.pop("title", None)
    # A parameter is present or absent. It cannot be null.
    alternatives = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    if schema.get("default", 0) is None:
        del schema["default"]
    for one in alternatives:
        description = description or one.pop("description", "")
        schema |= one
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}
