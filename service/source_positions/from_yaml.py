"""Read YAML into nodes with positions, from the events of the YAML parser.

`yaml.compose` is not used: it is several times slower, and a file of many opening brackets would crash the process.
"""

import re
from collections.abc import Iterator
from typing import Final, NoReturn

import yaml

from service.source_positions.source import MAX_DEPTH, Node, SourceText, remedy

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML refuses these, or reads them as line breaks where an editor shows none.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK_STYLES: Final = ("|", ">")
_REMEDIES: Final = {
    "mapping values are not allowed": "put a text with a colon and a space in quotes, and indent fields alike",
    "cannot start any token": "put a text that begins with @, `, % or another special character in quotes",
    "unknown escape": "in double quotes write \\\\ for a backslash",
    "did not find expected key": "check the indentation of this line, and the quotes before it",
    "expected <block end>": "check the indentation of this line, and the quotes before it",
    "could not find expected ':'": "write every field as `name: value`",
    "unexpected end of stream": "close the quotes",
}


def read_yaml(source: SourceText) -> None:
    """Add the nodes of a YAML document. Raise UnreadableText."""
    if unwritable := _UNWRITABLE.search(source.text):
        character = f"the invisible character U+{ord(unwritable[0]):04X} is not allowed"
        raise source.error_at(unwritable.start(), f"{character}; remove it, or save the file as plain text")
    events = _yaml_events(source)
    next(events)  # the start of the stream
    if isinstance(next(events), yaml.StreamEndEvent):
        empty = "the file has only comments" if source.text.strip() else "the file is empty"
        raise source.error_at(0, f"{empty}; write the fields of a report")
    _add_value(source, events, next(events), parent=None, token="", depth=1)
    next(events)  # the end of the document
    more = next(events)
    if not isinstance(more, yaml.StreamEndEvent):
        raise source.error_at(_at(more), "a second YAML document begins here; put each report in its own file")


def _yaml_events(source: SourceText) -> Iterator[yaml.Event]:
    """Yield the events of the parser, such as the start of a mapping. Raise UnreadableText if the text is not YAML."""
    try:
        yield from yaml.parse(source.text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        _not_yaml(source, error)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise source.error_at(0, f"not YAML: {error}") from None


def _not_yaml(source: SourceText, error: yaml.MarkedYAMLError) -> NoReturn:
    """Raise UnreadableText for an error of the parser, with its place and what to do."""
    problem = error.problem or error.context or ""
    at = error.problem_mark.index if error.problem_mark else 0
    if source.text.startswith("\t", at):
        raise source.error_at(at, "not YAML: tabs are not allowed here; use spaces") from None
    began = ""
    if error.context and error.context_mark and error.context_mark.index != at:
        place = source.diagnostic_at(error.context_mark.index, "", "")
        began = f" {error.context} that begins at line {place.line}, column {place.column}"
    advice = remedy(problem, _REMEDIES)
    raise source.error_at(at, f"not YAML: {problem}{began}{advice and f'; {advice}'}") from None


def _at(event: yaml.Event) -> int:
    """Return where an event begins, as an offset in characters."""
    return event.start_mark.index if event.start_mark else 0


def _add_value(
    source: SourceText, events: Iterator[yaml.Event], event: yaml.Event, *, parent: Node | None, token: str, depth: int
) -> None:
    """Add the value that begins with this event of the parser. Take the further events of the value from `events`.

    `token`: the key or index of the value in `parent`. `depth`: the level of nesting, from 1.
    """
    at = _at(event)
    if depth > MAX_DEPTH:
        raise source.error_at(at, f"nested more than {MAX_DEPTH} levels deep; use fewer levels")
    match event:
        case yaml.ScalarEvent():
            value = event.value.removesuffix("\n") if event.style in _BLOCK_STYLES else event.value
            node = source.add(value, at, parent, token, is_unquoted=not event.style)
        case yaml.SequenceStartEvent():
            node = source.add([], at, parent, token)
            for index, item in enumerate(events):
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                _add_value(source, events, item, parent=node, token=str(index), depth=depth + 1)
        case yaml.MappingStartEvent():
            node = source.add({}, at, parent, token)
            for key in events:
                if isinstance(key, yaml.MappingEndEvent):
                    break
                first = next(events)
                _add_value(source, events, first, parent=node, token=_key(source, key), depth=depth + 1)
        case _:
            source.add_mistake(
                source.add("", at, parent, token),
                "aliases are not allowed; write the value out, or put a text that begins with * in quotes",
            )
            return
    if event.anchor:
        source.add_mistake(node, "anchors are not allowed; remove it, or put a text that begins with & in quotes")
    if event.tag:
        source.add_mistake(node, "tags are not allowed; remove it, or put a text that begins with ! in quotes")


def _key(source: SourceText, event: yaml.Event) -> str:
    """Return the name of a field. Raise UnreadableText if it is not plain text."""
    if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
        raise source.error_at(_at(event), "a field name must be plain text; write every field as `name: value`")
    return event.value
