"""Name a document (a source) as people know it: by its title, else by its publisher, with its date of publication."""

from typing import Protocol

from service.domain import edtf


class Published(Protocol):
    """What a document is named by: a state, an event or a document of the API."""

    @property
    def publisher(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def published(self) -> str | None: ...


def document_name(source: Published | None) -> str:
    """Return the name of a document. None is a document that was never registered.

    Pages, exports, tables and citations use this name. The slug of a document is for addresses and report files.
    """
    title, publisher = (source.title, source.publisher) if source else (None, "")
    date = edtf.describe(source.published) if source and source.published else ""
    if name := title or publisher:
        return f"{name}, {date}" if date else name
    return f"Untitled document of {date}" if date else "Untitled document"
