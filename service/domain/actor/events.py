"""What is recorded of actors that have no code. On disk: see `assertion.py` for what may change and how."""

from typing import Annotated, Literal

from pydantic import Field

from service.domain.assertion import Keeping, Line, Slug


class ActorRegistered(Keeping):
    """An organisation or a former state, with the names by which it is shown; the first is its usual one."""

    type: Literal["ActorRegistered"] = "ActorRegistered"
    actor: Slug
    kind: Literal["organisation", "former_state"]
    names: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]


ActorEvent = ActorRegistered
