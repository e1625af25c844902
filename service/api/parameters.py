"""Query parameters: read strictly, each with its place in the contract.

What is not known is refused: a misspelt `as_of_postion` must not read the present. Nothing is guessed either: a date
says on which of the two clocks it is, and a moment says in which zone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from service.api.problems import Mistake, Problem
from service.domain.streams import is_relation
from service.store.log import Head

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST: Final = 40
_SHOWN: Final = 60


def whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise PydanticCustomError("whole", "is a whole number, such as 41")
    return int(text)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise PydanticCustomError("day", "is a day, such as 2025-04-10") from None


def moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text if _MOMENT.fullmatch(text) else "").astimezone(UTC)
    except (ValueError, OverflowError):
        why = "is a moment with its zone, such as 2025-04-10T09:30:00Z; in an address + is written %2B"
        raise PydanticCustomError("moment", why) from None


def _relation(text: str) -> str:
    if not is_relation(text):
        raise PydanticCustomError("relation", "is a relation's id, such as ru-us")
    return text


# Bounds stand before the validator: after it, pydantic says them in the contract as `ge`, which is no JSON Schema.
Whole = Annotated[int, Field(ge=0), BeforeValidator(whole)]
Day = Annotated[date, BeforeValidator(day)]
Moment = Annotated[datetime, BeforeValidator(moment)]
RelationId = Annotated[str, BeforeValidator(_relation)]
Limit = Annotated[int, Field(ge=1, le=1000, description="how many items at most"), BeforeValidator(whole)]
Cursor = Annotated[
    str, Field(min_length=1, max_length=400, description="`next` of the page before; it means nothing by itself")
]
DateMatch = Annotated[
    Literal["possible", "certain"],
    Field(description="whether a date that is not exact counts where it may fit (default), or only where it must"),
]


class Query(BaseModel):
    """The parameters of one resource. The descriptions are those of the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def is_at_rest(self, _head: Head) -> bool:
        """Whether the record can never answer this otherwise: every clock is past what is asked for."""
        return False

    @property
    def of_relation(self) -> str | None:
        """The only relation that an answer tells of; None where it may tell of the whole record."""
        relation: str | None = getattr(self, "relation", None)
        return relation


class At(Query):
    """Where a state is read: by the record's clock (`as_of_position` or `known_at`), by the world's, or by both."""

    as_of_position: Annotated[
        Whole | None, Field(description="only what was on record at this position; such a reading never changes")
    ] = None
    known_at: Annotated[
        Moment | None, Field(description="only what was on record at this moment, which is not in the future")
    ] = None
    effective_on: Annotated[
        Day | None, Field(description="only what had happened in the world by the end of this day")
    ] = None
    date_match: DateMatch | None = None

    @model_validator(mode="after")
    def _clocks_are_named(self) -> Self:
        if self.as_of_position is not None and self.known_at is not None:
            raise misplaced("known_at", "is on the same clock as as_of_position: give one of them")
        if self.date_match is not None and self.effective_on is None:
            raise misplaced("date_match", "says how days are compared, and there is none")
        return self

    def is_at_rest(self, _head: Head) -> bool:
        return self.as_of_position is not None or (self.known_at is not None and is_over(self.known_at, _head))

    @property
    def is_past(self) -> bool:
        return self.as_of_position is not None or self.known_at is not None

    @property
    def certain(self) -> bool:
        return self.date_match == "certain"


Q = TypeVar("Q", bound=Query)


def is_over(moment: datetime, head: Head) -> bool:
    """Whether nothing more will be recorded then: at the moment of the head itself, more may be."""
    return moment < head.recorded_at


def parse(model: type[Q], raw: bytes) -> Q:
    """The parameters of a query string. Raises Problem with every mistake in it."""
    given = _pairs(raw) if raw else []
    twice = sorted(name for name, times in Counter(name for name, _ in given).items() if times > 1)
    if twice:
        raise _problem([Mistake(parameter=name[:_SHOWN], detail="is given twice") for name in twice])
    return written(model, **dict(given))


def written(model: type[Q], **given: object) -> Q:
    """The parameters, as if they were written in an address; None leaves one out. Raises Problem as `parse` does."""
    try:
        return model.model_validate({name: str(value) for name, value in given.items() if value is not None})
    except ValidationError as refused:
        raise _refused(model, refused.errors()) from None


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        unquote_to_bytes(raw).decode()
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST)
    except ValueError:
        raise malformed(None, "The query is not of the form name=value&name=value, in UTF-8.") from None


def misplaced(parameter: str, detail: str) -> PydanticCustomError:
    """For a model's validator: a parameter that does not go with another."""
    return PydanticCustomError("misplaced", "{detail}", {"parameter": parameter, "detail": detail})


def malformed(parameter: str | None, detail: str) -> Problem:
    """One mistake in the parameters; without a name, in their form."""
    return _problem([Mistake(parameter=parameter, detail=detail)])


def _refused(model: type[Query], errors: Iterable[ErrorDetails]) -> Problem:
    known = ", ".join(model.model_fields) or "none"
    mistakes = []
    unknown = True
    for error in errors:
        if error["type"] == "extra_forbidden":
            mistakes.append(
                Mistake(parameter=str(error["loc"][0])[:_SHOWN], detail=f"is no parameter; there are: {known}")
            )
        else:
            unknown = False
            name = str(error["loc"][0]) if error["loc"] else error["ctx"]["parameter"]
            mistakes.append(Mistake(parameter=name, detail=_sentence(error)))
    return _problem(mistakes, "unknown-parameter" if unknown else "malformed-parameter")


def _sentence(error: ErrorDetails) -> str:
    """Goes on from the parameter's name, as ours do."""
    return "is needed" if error["type"] == "missing" else error["msg"].removeprefix("Input ").removeprefix("String ")


def _problem(mistakes: list[Mistake], name: str = "malformed-parameter") -> Problem:
    said = "; ".join(f"{m.parameter} {m.detail}" if m.parameter else m.detail for m in mistakes[:5])
    return Problem(name, said, errors=mistakes)


def described(path: str, model: type[Query]) -> list[dict[str, Any]]:
    """The parameters of a resource as OpenAPI has them."""
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
    # Absent is absent: nobody writes null into an address.
    alternatives = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    if schema.get("default", 0) is None:
        del schema["default"]
    for one in alternatives:
        description = description or one.pop("description", "")
        schema |= one
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}
