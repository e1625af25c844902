"""Make cards, which show entries in words, and apply the buttons that move, copy, open and close them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from service.domain import edtf
from service.domain.assertion import OWN_WORDS
from service.web.formatting import edtf_in_words, name_at_start, own_fields, value_in_words
from service.web.forms.draft import ButtonResult, Draft, Entry
from service.web.forms.fields import Path
from service.web.forms.posted import Form


@dataclass(frozen=True)
class Card:
    """The parts of an entry in words. `particulars` has the fields of its type. A part is empty if its fields are."""

    speaker: Markup
    channel: str
    when: str
    is_inferred: bool
    particulars: list[tuple[Markup, str]]
    document: str
    paragraphs: str


def card_of(entry: Entry, document: str) -> Card:
    """Return an entry in words. `document` is the title of its document."""
    texts = entry.texts
    party = texts.get(("asserted_by", "party"), "")
    channel = texts.get(("asserted_by", "channel"), "")
    date = texts.get(("occurred",), "")
    return Card(
        speaker=name_at_start(party) if party else Markup(),
        channel=value_in_words(channel) if channel and channel not in OWN_WORDS else "",
        when=_in_words(date),
        is_inferred=bool(texts.get(("inference",))),
        particulars=list(own_fields(_without_speaker(entry.event))),
        document=document,
        paragraphs=texts.get(("source", "paragraphs"), ""),
    )


def _without_speaker(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an event without those that the card shows elsewhere."""
    return {name: value for name, value in event.items() if name not in ("stream", "inference")}


def _in_words(date: str) -> str:
    try:
        edtf.parse(date)
    except edtf.NotEdtf:
        return date
    return edtf_in_words(date) or ""


def press_button(draft: Draft, form: Form) -> ButtonResult | None:
    """Return the draft after a button of a card. None for other buttons."""
    match form.get("do").split(" "):
        case [action, number] if number.isdecimal() and (entry := draft.entry(int(number))):
            pass
        case _:
            return None
    workspace = draft.workspace
    match action:
        case "open":
            workspace = replace(
                workspace, card_numbers=workspace.card_numbers - {entry.number}, last_edited_number=entry.number
            )
            return ButtonResult(replace(draft, workspace=workspace), entry.id)
        case "fold":
            return ButtonResult(
                replace(draft, workspace=replace(workspace, card_numbers=workspace.card_numbers | {entry.number})),
                entry.id,
            )
        case "earlier" | "later":
            return ButtonResult(_moved(draft, entry, -1 if action == "earlier" else 1), entry.id)
        case "duplicate":
            return _duplicated(draft, entry)
        case _:
            return None


def with_open_forms(draft: Draft, numbers: Iterable[int]) -> Draft:
    """Return the draft with these entries as forms instead of cards, so that each mistake is at its field."""
    return replace(draft, workspace=replace(draft.workspace, card_numbers=draft.workspace.card_numbers - set(numbers)))


def _moved(draft: Draft, entry: Entry, by: int) -> Draft:
    """Return the draft with an entry and its neighbour on the stream swapped. `by`: 1 for later, -1 for earlier."""
    on_stream = draft.entries_on(entry.stream)
    index = on_stream.index(entry) + by
    if not 0 <= index < len(on_stream):
        return draft
    swapped = {entry.number: on_stream[index], on_stream[index].number: entry}
    return replace(draft, entries=tuple(swapped.get(other.number, other) for other in draft.entries))


def _duplicated(draft: Draft, entry: Entry) -> ButtonResult:
    """Return the draft with a copy of an entry after it, as a form, without the paragraphs."""
    number = max(other.number for other in draft.entries) + 1
    texts: dict[Path, str] = {path: text for path, text in entry.texts.items() if path != ("source", "paragraphs")}
    copy = replace(entry, number=number, texts=texts)
    index = draft.entries.index(entry) + 1
    marks = {copy.id_of(path): text for path, text in texts.items() if text}
    workspace = replace(
        draft.workspace, last_edited_number=number, copied_texts={**draft.workspace.copied_texts, **marks}
    )
    entries = (*draft.entries[:index], copy, *draft.entries[index:])
    return ButtonResult(replace(draft, entries=entries, workspace=workspace), copy.id)
