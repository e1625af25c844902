"""The classes of all commands and groups of commands, which say in our words what is wrong with a command line.

Each mistake says what is wrong, what is allowed and where the help is. Typer would show the sentences of its libraries.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from service.cli.terminal import Exit, Failed
from service.domain.nearby import listed, nearest
from service.settings import as_utf8

Parameter: TypeAlias = TyperArgument | TyperOption
_NUMBERS_OF_ARGUMENTS: Final = {0: "no arguments", 1: "only one argument"}


class Command(TyperCommand):
    """A command that refuses an option given twice, and reads text as UTF-8 in every locale.

    Click would use the last of several values and drop the others silently.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        unexpected: list[str] = []
        try:
            _, unexpected, order = self.make_parser(ctx).parse_args(args=list(args))
            if not ctx.resilient_parsing:
                _refuse_repeated(order, ctx)
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise _failed(_mistake(error, unexpected, ctx), ctx) from None
        ctx.params.update({name: _text(ctx, value) for name, value in ctx.params.items()})
        return rest


class Group(TyperGroup):
    """A group of commands. Without any argument, it prints its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if not args:
                raise  # the help was printed
            raise _failed(_mistake(error, [], ctx), ctx) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise _failed(_unknown("command", _quoted(args[0]), args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.TyperException:
            if ctx.invoked_subcommand is not None:
                raise
            raise _failed(f"missing command; known: {listed(self.list_commands(ctx))}", ctx) from None


def _failed(mistake: str, ctx: Any) -> Failed:
    return Failed(f"{mistake}. Help: {ctx.command_path} {ctx.help_option_names[-1]}", Exit.USAGE)


def _refuse_repeated(order: Sequence[Any], ctx: Any) -> None:
    """Raise Failed if an option that takes one value is given twice. `order`: each option as often as it is given."""
    for option, times in Counter(order).items():
        takes_one = isinstance(option, TyperOption) and not (option.multiple or option.is_flag)
        if takes_one and times > 1:
            raise _failed(f"{option.opts[0]} is given {times} times; give it once", ctx)


def _mistake(error: typer.TyperException, unexpected: Sequence[str], ctx: Any) -> str:
    """Return what is wrong and what is allowed. `unexpected`: the arguments that the command does not take."""
    if (name := getattr(error, "option_name", None)) is not None:
        return _mistaken_option(name, ctx)
    if isinstance(error, typer.BadParameter) and isinstance(error.param, Parameter):
        return _mistaken_value(error, error.param)
    if unexpected:
        number = sum(isinstance(parameter, TyperArgument) for parameter in ctx.command.params)
        allowed = _NUMBERS_OF_ARGUMENTS.get(number, f"only {number} arguments")
        return (
            f"unexpected argument {_quoted(unexpected[0])}; {ctx.command_path} takes {allowed}."
            " Leave it out, or write a text with blanks in quotes"
        )
    return error.message.rstrip(".")


def _mistaken_option(name: str, ctx: Any) -> str:
    """Return what is wrong with an option: it is unknown, lacks its value, or has a value and takes none."""
    options = [option for option in ctx.command.get_params(ctx) if isinstance(option, TyperOption)]
    named = {alias: option for option in options for alias in (*option.opts, *option.secondary_opts)}
    if name not in named and isinstance(ctx.command, TyperGroup):
        return f"unknown option {_printable(name)}; write the options of a command after the name of the command"
    if name not in named:
        long = [alias for alias in named if alias.startswith("--")]
        return _unknown("option", _printable(name), name, long)
    if (option := named[name]).is_flag:
        return f"{name} takes no value; write only {name}"
    allowed = _allowed(option)
    return f"{name} needs a value; write {name} {option.metavar or 'VALUE'}{f', {allowed}' if allowed else ''}"


def _mistaken_value(error: typer.BadParameter, parameter: Parameter) -> str:
    """Return what is wrong with a value: it is missing, or it is not allowed."""
    is_option = isinstance(parameter, TyperOption)
    name = parameter.opts[0] if is_option else parameter.metavar or parameter.name
    if not error.message:
        described = _allowed(parameter) or _described(parameter)
        kind, remedy = ("option", "add it with a value:") if is_option else ("argument", "add")
        return f"missing {kind} {name}; {remedy} {described}"
    # Typer keeps the error of pydantic, which has the value, as the cause. An error of a file has no cause.
    found: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if found and (allowed := _allowed(parameter)):
        return f"invalid {name} {_quoted(str(found[0]['input']))}; use {allowed}"
    other = "another file" if parameter.type_descriptor.is_path else "another value"
    return f"invalid {name}: {error.message.rstrip('.')}; use {other}"


def _allowed(parameter: Parameter) -> str:
    """Return the allowed values: a list, or a range of numbers. Empty for other parameters."""
    described = parameter.type_descriptor
    if described.choices is not None:
        *first, last = map(str, described.choices)
        return f"{', '.join(first)} or {last}" if first else last
    if described.annotation is not int:
        return ""
    match parameter.min, parameter.max:
        case None, None:
            return "a whole number"
        case least, None:
            return f"a whole number, at least {least}"
        case None, most:
            return f"a whole number, at most {most}"
        case least, most:
            return f"a whole number from {least} to {most}"


def _described(parameter: Parameter) -> str:
    """Return the first sentence of the help of a parameter, as the end of another sentence."""
    first = (parameter.help or "a value").partition(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _unknown(kind: str, shown: str, name: str, known: Sequence[str]) -> str:
    """Return that a name is unknown, with the nearest names, else the known ones. `shown`: the printable name."""
    by_word = {other.lstrip("-"): other for other in known}  # the dashes would make all options alike
    near = [by_word[word] for word in nearest(name.lstrip("-"), by_word)]
    suggestion = f"the nearest: {', '.join(near)}" if near else f"known: {listed(known)}"
    return f"unknown {kind} {shown}; {suggestion}"


def _quoted(text: str) -> str:
    return f'"{_printable(text)}"'


def _printable(text: str) -> str:
    """Return a text with escapes for control characters and for bytes that are not UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in as_utf8(text))


def _text(ctx: Any, value: Any) -> Any:
    """Decode a text as UTF-8. Return a value of another type unchanged."""
    if isinstance(value, list):
        return [_text(ctx, item) for item in value]
    if type(value) is not str:
        return value
    text = as_utf8(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _failed(f"{text} is not UTF-8; write it in UTF-8", ctx)
    return text
