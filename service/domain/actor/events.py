"""Define the event type that streams of actors take.

The model is stored: see `assertion.py` for what may change. Forms and the OpenAPI document show its docstring to
people, as the purpose of the type.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Line, RecordKeeping

_CODE = r"^([A-Z]{2}|[a-z0-9]+(-[a-z0-9]+)*)$"

ActorName = Annotated[str, StringConstraints(pattern=_CODE, max_length=80)]
"""The code of a state, such as `TR`, or the slug of an organisation or a former state, such as `iaea`."""


class ActorRegistered(RecordKeeping):
    """Register the names of an organisation, a former state or a state.

    Sentences use the first name as it is written here, such as `the African Union`, `NATO` or `Türkiye`.
    """

    type: Literal["ActorRegistered"] = "ActorRegistered"
    actor: ActorName
    kind: Literal["organisation", "former_state", "state"]
    names: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]


ActorEvent = ActorRegistered
