"""Points in time that a parameter names: a position, a time of recording, a day of events, or the end of a round."""

from datetime import date, datetime
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.api.parameters import day, moment, whole

FORMS: Final = "position:41, known:2025-04-10T09:30:00Z, effective:2025-04-10 or round:istanbul-april"
SINCE_FORMS: Final = "position:41, known:2025-04-10T09:30:00Z or round:ru-us/istanbul-april"


class NamedPoint(NamedTuple):
    """A point as an address names it. `value` is the position, the time, the day, or the slug or id of the round."""

    by: Literal["position", "known", "effective", "round"]
    value: int | datetime | date | str

    def __str__(self) -> str:
        written = self.value.isoformat() if isinstance(self.value, date) else self.value
        return f"{self.by}:{written}"


def named_point(text: str) -> NamedPoint:
    """Parse a point. Raises PydanticCustomError."""
    by, _, value = text.partition(":")
    match by:
        case "position":
            return NamedPoint(by, whole(value))
        case "known":
            return NamedPoint(by, moment(value))
        case "effective":
            return NamedPoint(by, day(value))
        case "round" if value:
            return NamedPoint(by, value)
        case _:
            raise PydanticCustomError("at", f"must be {FORMS}")


def _since(text: str) -> NamedPoint:
    if text.partition(":")[0] == "effective":
        raise PydanticCustomError(
            "at", f"must be {SINCE_FORMS}; the feed is in the order of recording, so days of events do not divide it"
        )
    try:
        return named_point(text)
    except PydanticCustomError as refused:
        raise (PydanticCustomError("at", f"must be {SINCE_FORMS}") if refused.type == "at" else refused) from None


_AS_TEXT: Final = (PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"}))
PointParameter = Annotated[NamedPoint, BeforeValidator(named_point), *_AS_TEXT]
SinceParameter = Annotated[NamedPoint, BeforeValidator(_since), *_AS_TEXT]
