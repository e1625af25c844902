"""What the buttons of the form do to a draft. Every button sends the form, so all works without a script.

The value of a button names the action and its object, such as `add irritant/ru-us/visas` or `remove 3`. An invalid or
outdated value changes nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from service.domain.catalogue import EVENT_TYPES, KINDS
from service.domain.streams import parse_stream
from service.web.forms.context import FormContext
from service.web.forms.draft import Draft
from service.web.forms.fields import Path
from service.web.forms.posted import Form

NOT_OFFERED: Final = frozenset({"AssertionCorrected", "AssertionRetracted"})
"""Filed from the page of the event that they change, not in a report."""
_LONGEST_SLUG: Final = 60


def edited(draft: Draft, form: Form, known: FormContext) -> Draft:
    """Return the draft after the pressed button. Enter adds what is in the field for a new name."""
    there = set(draft.shown)
    match form.get("do").split(" "):
        case ["add", stream] if stream in there and form.get(f"type-of-{stream}") in offered(stream, known):
            return draft.adding(stream, form.get(f"type-of-{stream}"))
        case ["remove", number] if number.isdecimal():
            return draft.without([int(number)])
        case ["close", stream, step] if stream in there:
            return draft.adding(stream, "NextStepClosed", {("step",): step})
        case ["answer", stream, proposal] if stream in there:
            return draft.adding(stream, "ProposalAnswered", {("proposal",): proposal})
        case ["show"] if form.get("subject") in streams_of(known):
            return draft.showing(form.get("subject"))
        case ["take-note"]:
            return replace(draft, seen={})
        case ["register"] | ["utter"] | ["open"] | [""]:
            return _named(draft, form, known)
        case _:
            return draft


def _named(draft: Draft, form: Form, known: FormContext) -> Draft:
    """Return the draft with a new document, origin or irritant."""
    if name := slug(form.get("new-document")):
        draft = draft.adding(f"source/{name}", "SourceRegistered")
    if (utterance := slug(form.get("new-utterance"))) and (document := _document_of(draft, form)):
        draft = draft.adding(f"source/{document}", "OriginRegistered", {("origin",): utterance})
    if (title := form.get("new-irritant")) and parse_stream(stream := new_irritant(draft.relation, title)) is not None:
        said: dict[Path, str] = {("title",): title}
        is_new = known.row(stream) is None and not draft.of(stream)
        draft = draft.adding(stream, "IrritantOpened", said) if is_new else draft.showing(stream)
    return draft


def _document_of(draft: Draft, form: Form) -> str:
    """Return the document of a new origin: the one that is named, else the last one that this report registers."""
    registered = [e.stream.partition("/")[2] for e in draft.entries if e.stream.startswith("source/")]
    return slug(form.get("document-of-utterance")) or (registered[-1] if registered else "")


def offered(stream: str, known: FormContext) -> Iterator[str]:
    """Yield the types of event that can be added to a stream."""
    name = parse_stream(stream)
    if name is None:
        return
    opening = {"IrritantOpened", "RelationOpened"} if known.history(stream).events else set()
    there = KINDS[name.kind] - NOT_OFFERED - opening
    yield from (type for type in EVENT_TYPES if type in there)


def streams_of(known: FormContext) -> dict[str, str]:
    """Return every stream of the relation with its title."""
    found = {f"irritant/{row.id}": row.title for row in known.board.items}
    found |= {f"round/{round.id}": round.slug for round in known.rounds}
    return {**found, f"relation/{known.board.relation}": known.board.title}


def wanted(draft: Draft, form: Form) -> set[str]:
    """Return the streams of the form, before and after its button."""
    return {*draft.shown, form.get("subject"), new_irritant(draft.relation, form.get("new-irritant"))}


def new_irritant(relation: str, title: str) -> str:
    return f"irritant/{relation}/{slug(title)}"


def slug(text: str) -> str:
    """Return a slug made of the words of a title."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_SLUG].strip("-")
