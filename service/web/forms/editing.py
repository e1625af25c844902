"""Change a draft as the pressed button of the form says. Every button sends the form, so no button needs a script.

The value of a button names the action and its object, such as `add irritant/ru-us/visas` or `remove 3`. An invalid or
outdated value changes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from service.domain.catalogue import EVENT_TYPES, KINDS
from service.domain.streams import parse_stream
from service.web.forms.context import FormContext
from service.web.forms.draft import Draft
from service.web.forms.openings import possible_streams, with_new_names
from service.web.forms.posted import Form

NOT_ADDABLE: Final = frozenset({"AssertionCorrected", "AssertionRetracted", "HandlingChanged"})
"""These types are filed from the page of the event that they change, not in the form of a report."""


def apply_button(draft: Draft, form: Form, context: FormContext) -> Draft:
    """Return the draft after the pressed button.

    The key Enter (an empty value) and each button for something new add everything that has a name in the form.
    """
    streams = set(draft.streams)
    match form.get("do").split(" "):
        case ["add", stream] if stream in streams and form.get(f"type-of-{stream}") in addable_types(stream, context):
            return draft.with_entry(stream, form.get(f"type-of-{stream}"))
        case ["remove", number] if number.isdecimal():
            return draft.without([int(number)])
        case ["close", stream, step] if stream in streams:
            return draft.with_entry(stream, "NextStepClosed", {("step",): step})
        case ["answer", stream, proposal] if stream in streams:
            return draft.with_entry(stream, "ProposalAnswered", {("proposal",): proposal})
        case ["show"] if form.get("subject") in streams_of(context):
            return draft.with_section(form.get("subject"))
        case ["take-note"]:  # the operator has read what was filed meanwhile, so the draft expects no versions
            return replace(draft, seen_versions={})
        case ["register"] | ["utter"] | ["open"] | ["name"] | ["name-person"] | ["open-round"] | [""]:
            return with_new_names(draft, form, context)
        case _:
            return draft


def addable_types(stream: str, context: FormContext) -> Iterator[str]:
    """Yield the event types that the form offers for a stream."""
    name = parse_stream(stream)
    if name is None:
        return
    opening = {"IrritantOpened", "RelationOpened"} if context.history(stream).events else set()
    addable = KINDS[name.kind] - NOT_ADDABLE - opening
    yield from (type for type in EVENT_TYPES if type in addable)


def streams_of(context: FormContext) -> dict[str, str]:
    """Return the title of every irritant and round of the relation, and of the relation itself, by stream."""
    titles = {f"irritant/{row.id}": row.title for row in context.board.items}
    titles |= {f"round/{round.id}": round.name for round in context.rounds}
    return {**titles, f"relation/{context.board.relation}": context.board.title}


def needed_streams(draft: Draft, form: Form) -> set[str]:
    """Return the streams whose histories are needed to draw the form before and after the pressed button."""
    stream_of_new_fact = draft.workspace.fact_texts.get(("stream",), "")
    return {*draft.streams, form.get("subject"), *possible_streams(draft, form), stream_of_new_fact}
