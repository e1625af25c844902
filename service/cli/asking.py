"""What every command that reads has in common: at which point of both clocks, from which service, in which form.

A command says what is its own and takes the rest as one `Asked`; so no command can forget a clock, and a further one is
added in one place.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, Final, TypeAlias

from rich.console import RenderableType

from service.cli import terminal
from service.cli.client import NONE, Query, Service, service
from service.cli.options import AsJson, AsOfPosition, DateMatch, EffectiveOn, KnownAt, Url

Drawn: TypeAlias = Iterable[RenderableType]

_CLOCKS: Final[dict[str, Any]] = {
    "as_of_position": AsOfPosition,
    "known_at": KnownAt,
    "effective_on": EffectiveOn,
    "date_match": DateMatch,
}


def _option(name: str, kind: Any, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


_SHARED: Final = (
    *(_option(name, kind) for name, kind in _CLOCKS.items()),
    _option("url", Url),
    _option("as_json", AsJson, default=False),
)


@dataclass(frozen=True)
class Asked:
    """A reading as it was asked for. `then`: the query of its point on the clocks, empty for the present."""

    service: Service
    then: Query
    as_json: bool

    def read(self, path: str, query: Query = NONE) -> Any:
        return self.service.read(path, {**self.then, **query})

    def items(self, path: str, query: Query = NONE) -> list[dict[str, Any]]:
        return list(self.service.items(path, {**self.then, **query}))

    def text(self, path: str, media_type: str, query: Query = NONE) -> str:
        return self.service.get(path, {**self.then, **query}, accept=media_type).text

    def show(self, document: object, draw: Callable[[Any], Drawn]) -> None:
        """A document as it is, or drawn."""
        if self.as_json:
            terminal.show_json(document)
        elif drawn := list(draw(document)):
            terminal.show(*drawn)
        else:
            terminal.note("Nothing of the kind is on record.")


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of every reading; what they come to it is handed as `asked`."""
    own = [parameter for name, parameter in signature(command).parameters.items() if name != "asked"]

    @wraps(command)
    def run(*, url: str | None, as_json: bool, **given: Any) -> None:
        then = {name: value for name in _CLOCKS if (value := given.pop(name)) is not None}
        with service(url) as asked:
            command(asked=Asked(asked, then, as_json), **given)

    # What typer goes by.
    options = (*own, *_SHARED)
    vars(run)["__signature__"] = Signature(list(options))
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run
