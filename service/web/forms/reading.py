"""Read a pasted text or a chosen file into the form as a readout, and register its document.

The text goes back to the browser in the form. It is not stored and not logged.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from anyio import CapacityLimiter, to_thread

from service.domain.assertion import OWN_WORDS, Statement
from service.openings.slugs import slug_of, unused
from service.readouts import MAX_BYTES, Readout, UnreadableReadout, published_on, read
from service.web.forms.context import FormContext
from service.web.forms.draft import Draft, Entry
from service.web.forms.fields import Path
from service.web.forms.posted import Form

FILE: Final = "readout-file"
FILE_BYTES: Final = MAX_BYTES
_MAX_CHARACTERS: Final = 200_000
_MAX_PARAGRAPHS: Final = 1_000
"""The whole text is in each request of the form, and each paragraph is a button."""
_MAX_LINE_LENGTH: Final = 300
_MAX_SLUG_LENGTH: Final = 60
# A file is parsed in a process of its own with up to 1 GiB, so at most two are parsed at the same time.
_readers = CapacityLimiter(2)


class Unreadable(Exception):
    """The posted readout cannot be read. The message says what to do, and perhaps why."""


async def with_posted_readout(draft: Draft, form: Form, context: FormContext) -> Draft:
    """Return the draft with the pasted text or the chosen file in a tab of its own. Raises Unreadable.

    A document on record is recognised by its SHA-256. Other documents get entries that register them.
    """
    readout = await _read_posted(draft.workspace.pasted_text, form.files.get(FILE))
    text = "\n".join(readout.paragraphs)
    known = next((source.id for source in context.sources if source.sha256 == readout.sha256), None)
    if (opened := _opened_before(draft, readout.sha256, known)) is not None:
        return replace(
            draft, workspace=replace(draft.workspace, shown_number=opened, pasted_text="").without_new_fact()
        )
    draft = _without_untouched_meeting(draft)
    if known is not None:
        return replace(draft, workspace=draft.workspace.with_readout(known, text))
    return _with_registration(draft, readout, text, context)


async def _read_posted(pasted: str, file: bytes | None) -> Readout:
    """Return the readout in the file, or without a file in the pasted text. Raises Unreadable."""
    content = file if file is not None else pasted.encode()
    if not content.strip():
        raise Unreadable("paste its text, or choose a file")
    try:
        readout = await to_thread.run_sync(lambda: read(content, is_text=file is None), limiter=_readers)
    except UnreadableReadout as error:
        raise Unreadable(str(error)) from None
    if len(readout.paragraphs) > _MAX_PARAGRAPHS or sum(map(len, readout.paragraphs)) > _MAX_CHARACTERS:
        most = f"{_MAX_PARAGRAPHS} paragraphs or {_MAX_CHARACTERS} characters"
        raise Unreadable(f"the document has more than {most}; paste only the part on the talks")
    return readout


def _opened_before(draft: Draft, sha256: str, known: str | None) -> int | None:
    """Return the tab in which the same document is open, or None."""
    registered = {entry.stream.partition("/")[2] for entry in draft.entries if entry.texts.get(("sha256",)) == sha256}
    return next((opened.number for opened in draft.workspace.readouts if opened.document in {*registered, known}), None)


def _without_untouched_meeting(draft: Draft) -> Draft:
    """Return the draft without the empty meeting that the form of a round begins with: the readout reports it."""
    untouched = (e.number for e in draft.entries if e.type == "RoundConvened" and _is_untouched(e))
    return draft.without(list(untouched))


def _is_untouched(entry: Entry) -> bool:
    """Return whether the operator has filled in no field. The form itself fills in the place."""
    return not any(text for path, text in entry.texts.items() if path != ("place",))


def _with_registration(draft: Draft, readout: Readout, text: str, context: FormContext) -> Draft:
    """Return the draft with two entries that register the document and its origin, and with the readout in a tab.

    If the publisher and the party are known, the two entries are shown as cards, as they need no more input. A draft
    without a title gets one.
    """
    party = draft.workspace.author
    publisher = readout.publisher or _usual_organ(party, context) or ""
    published = day.isoformat() if (day := published_on(readout)) else ""
    document = _free_slug(draft, context, publisher or readout.title or "readout", published)
    texts: dict[Path, str] = {
        ("publisher",): publisher[:_MAX_LINE_LENGTH],
        ("title",): (readout.title or "")[:_MAX_LINE_LENGTH],
        ("sha256",): readout.sha256,
        ("paragraphs",): str(len(readout.paragraphs)),
        ("published",): published,
        ("address",): readout.address if readout.address and readout.address.startswith("http") else "",
        ("language",): readout.language or "",
    }
    origin: dict[Path, str] = {
        ("origin",): f"{document}-statement",
        ("speaker",): publisher[:_MAX_LINE_LENGTH],
        ("party",): party,
        ("channel",): "outlet" if party == "MEDIA" else "quote" if party else "",
    }
    stream = f"source/{document}"
    draft = draft.with_entry(stream, "SourceRegistered", texts).with_entry(stream, "OriginRegistered", origin)
    last = max(entry.number for entry in draft.entries)
    complete = {last - 1, last} if publisher and party else set()
    workspace = draft.workspace.with_readout(document, text)
    title = draft.title or (readout.title or " ".join(filter(None, (publisher, published))))[:_MAX_LINE_LENGTH]
    return replace(draft, title=title, workspace=replace(workspace, card_numbers=workspace.card_numbers | complete))


def _usual_organ(party: str, context: FormContext) -> str | None:
    """Return the organ that speaks most often for a party in its own words, in the histories of the context."""
    organs = Counter(_organs_of(party, context))
    return organs.most_common(1)[0][0] if organs else None


def _organs_of(party: str, context: FormContext) -> Iterator[str]:
    """Yield the organ of each statement that a party makes in its own words."""
    for history in context.histories.values():
        for event in history.events:
            by = event.data.asserted_by if isinstance(event.data, Statement) else None
            if by and by.party == party and by.organ and by.channel in OWN_WORDS:
                yield by.organ


def _free_slug(draft: Draft, context: FormContext, name: str, published: str) -> str:
    """Return a slug for the document that no source on record or in the draft has.

    It is made of the name and the day, such as `kremlin-2025-07-14`, with a number from 2 if that is taken.
    """
    taken = {source.id for source in context.sources} | {entry.stream.partition("/")[2] for entry in draft.entries}
    return unused("-".join(filter(None, (slug_of(name)[:_MAX_SLUG_LENGTH].strip("-"), published))) or "readout", taken)
