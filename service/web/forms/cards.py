"""Show an entry as a card, with the words that the record will use, and move, copy, open and close cards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from service.domain import edtf
from service.domain.assertion import OWN_WORDS
from service.web.formatting import edtf_in_words, name_at_start, own_fields, value_in_words
from service.web.forms.draft import Draft, Entry, Pressed
from service.web.forms.fields import Path
from service.web.forms.posted import Form


@dataclass(frozen=True)
class Card:
    """An entry in words. Parts that are still empty are empty here too."""

    speaker: Markup
    channel: str
    when: str
    is_inferred: bool
    own: list[tuple[Markup, str]]
    document: str
    paragraphs: str


def card_of(entry: Entry, document: str) -> Card:
    """Return an entry in words. `document` is the title of its document."""
    texts, party = entry.texts, entry.texts.get(("asserted_by", "party"), "")
    channel = texts.get(("asserted_by", "channel"), "")
    date = texts.get(("occurred",), "")
    return Card(
        speaker=name_at_start(party) if party else Markup(),
        channel=value_in_words(channel) if channel and channel not in OWN_WORDS else "",
        when=_in_words(date),
        is_inferred=bool(texts.get(("inference",))),
        own=list(own_fields(_own(entry.event))),
        document=document,
        paragraphs=texts.get(("source", "paragraphs"), ""),
    )


def _own(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the event. The names of actors are already in the speaker."""
    return {name: value for name, value in event.items() if name not in ("stream", "inference")}


def _in_words(date: str) -> str:
    try:
        edtf.parse(date)
    except edtf.NotEdtf:
        return date
    return edtf_in_words(date) or ""


def press(draft: Draft, form: Form) -> Pressed | None:
    """Return what a button of a card does to the draft. None for other buttons."""
    match form.get("do").split(" "):
        case [action, number] if number.isdecimal() and (entry := draft.entry(int(number))):
            pass
        case _:
            return None
    space = draft.workspace
    match action:
        case "open":
            space = replace(space, folded=space.folded - {entry.number}, edited=entry.number)
            return Pressed(replace(draft, workspace=space), entry.id)
        case "fold":
            return Pressed(replace(draft, workspace=replace(space, folded=space.folded | {entry.number})), entry.id)
        case "earlier" | "later":
            return Pressed(_moved(draft, entry, -1 if action == "earlier" else 1), entry.id)
        case "duplicate":
            return _duplicated(draft, entry)
        case _:
            return None


def opened(draft: Draft, numbers: Iterable[int]) -> Draft:
    """Return the draft with these entries as full forms, so that each mistake is at its field."""
    return replace(draft, workspace=replace(draft.workspace, folded=draft.workspace.folded - set(numbers)))


def _moved(draft: Draft, entry: Entry, by: int) -> Draft:
    """Return the draft with an entry before or after its neighbour on the same stream."""
    same = draft.entries_on(entry.stream)
    place = same.index(entry) + by
    if not 0 <= place < len(same):
        return draft
    swapped = {entry.number: same[place], same[place].number: entry}
    return replace(draft, entries=tuple(swapped.get(other.number, other) for other in draft.entries))


def _duplicated(draft: Draft, entry: Entry) -> Pressed:
    """Return the draft with a copy of an entry after it, open, without its paragraph."""
    number = max(other.number for other in draft.entries) + 1
    texts: dict[Path, str] = {path: text for path, text in entry.texts.items() if path != ("source", "paragraphs")}
    twin = replace(entry, number=number, texts=texts)
    place = draft.entries.index(entry) + 1
    marks = {twin.id_of(path): text for path, text in texts.items() if text}
    space = replace(draft.workspace, edited=number, copied={**draft.workspace.copied, **marks})
    entries = (*draft.entries[:place], twin, *draft.entries[place:])
    return Pressed(replace(draft, entries=entries, workspace=space), twin.id)
