"""Parse forms with files (multipart/form-data, RFC 7578) in memory.

Starlette and the form parser of the library write large files to disk. The text of a readout must not be stored, so
this module uses only the parser of the library.
"""

from dataclasses import dataclass, field
from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

_KIND: Final = b"multipart/form-data"


class NotMultipart(ValueError):
    """The body is not a form, or has too many parts."""


@dataclass
class Part:
    """A field or a file of a form. `name` is that of the field."""

    name: str = ""
    is_file: bool = False
    content: bytes = b""


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a form with files. None for other content."""
    kind, parameters = parse_options_header(content_type)
    return parameters.get(b"boundary") or None if kind == _KIND else None


def parse(raw: bytes, boundary: bytes, max_parts: int) -> list[Part]:
    """Return the parts of a form, at most `max_parts`. A file that was not chosen is left out. Raises NotMultipart."""
    reader = _Reader(max_parts)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": reader.begin,
            "on_header_field": reader.add_to_header,
            "on_header_value": reader.add_to_value,
            "on_header_end": reader.end_header,
            "on_part_data": reader.add_to_content,
            "on_part_end": reader.end,
            "on_end": reader.finish,
        },
    )
    try:
        parser.write(raw)
        parser.finalize()
    except MultipartParseError as error:
        raise NotMultipart(str(error)) from None
    if not reader.is_complete:
        raise NotMultipart("the body ends before the form does")
    return reader.parts


@dataclass
class _Reader:
    """Collects the parts, as the parser finds them."""

    max_parts: int
    parts: list[Part] = field(default_factory=list)
    is_complete: bool = False
    _part: Part = field(default_factory=Part)
    _content: list[bytes] = field(default_factory=list)
    _header: bytes = b""
    _value: bytes = b""
    _is_chosen: bool = True

    def begin(self) -> None:
        self._part, self._content, self._is_chosen = Part(), [], True

    def add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, parameters = parse_options_header(self._value)
            self._part.name = parameters.get(b"name", b"").decode("utf-8", "replace")
            self._part.is_file = b"filename" in parameters
            self._is_chosen = parameters.get(b"filename") != b""
        self._header = self._value = b""

    def add_to_content(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def end(self) -> None:
        self._part.content = b"".join(self._content)
        if self._is_chosen:
            self.parts.append(self._part)
        if len(self.parts) > self.max_parts:
            raise NotMultipart(f"the form has more than {self.max_parts} parts")

    def finish(self) -> None:
        self.is_complete = True
