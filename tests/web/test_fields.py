"""The form fields of each event type follow from its model, and recorded events pass through a form unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.domain.catalogue import EVENT_TYPES
from service.web.formatting import event_label
from service.web.forms.controls import explanation, word_for
from service.web.forms.corrections import value_at
from service.web.forms.draft import Entry
from service.web.forms.editing import NOT_ADDABLE
from service.web.forms.fields import Field, fields_of, form_text, json_value
from service.web.messages import messages

GOLDEN = Path(__file__).parents[1] / "golden"
ASKED = sorted(EVENT_TYPES.keys() - NOT_ADDABLE)


def asked(type: str) -> dict[str, Field]:
    return {".".join(field.path): field for field in fields_of(type)}


def test_the_fields_of_an_assertion_begin_with_its_own() -> None:
    assert list(asked("ProposalTabled")) == [
        "kind",
        "addressee",
        "terms",
        "due",
        "summary",
        "wording",
        "asserted_by.party",
        "asserted_by.organ",
        "asserted_by.person",
        "asserted_by.channel",
        "source.document",
        "source.paragraphs",
        "source.origin",
        "occurred",
        "inference",
        "after",
    ]


def test_corrections_and_registrations_have_no_fields_of_assertions() -> None:
    assert list(asked("IrritantOpened")) == ["title", "category"]


@pytest.mark.parametrize(
    ("type", "path", "control"),
    [
        ("ConcernRaised", "occurred", "date"),
        ("ConcernRaised", "asserted_by.party", "party"),
        ("ConcernRaised", "source.paragraphs", "numbers"),
        ("ConcernRaised", "source.document", "slug"),
        ("ProposalTabled", "addressee", "actor"),
        ("ProposalTabled", "kind", "choice"),
        ("ProposalTabled", "terms", "line"),
        ("ProposalAnswered", "proposal", "event"),
        ("DiscussionReported", "round", "round"),
        ("ReversibilityStated", "reversible", "yes-no"),
        ("RoundConcluded", "hours", "number"),
        ("NoCommentRecorded", "organs", "lines"),
        ("PersonNamed", "person", "person"),
        ("EnvoyTookPost", "person", "line"),
        ("ProgressReversed", "to", "choice"),
    ],
)
def test_a_control_follows_from_the_annotation(type: str, path: str, control: str) -> None:
    assert asked(type)[path].control == control


def test_a_field_has_its_choices_its_length_and_whether_it_is_required() -> None:
    fields = asked("ProposalTabled")
    assert fields["kind"].choices == ("offer", "request", "demand")
    assert (fields["terms"].max_length, fields["terms"].required) == (300, True)
    assert fields["wording"].required is False


@pytest.mark.parametrize("type", ASKED)
def test_every_type_has_a_name_an_explanation_and_a_label_for_each_field(type: str) -> None:
    assert event_label(type)
    assert explanation(type).endswith(".")
    assert [name for name in asked(type) if f"field.{name}" not in messages()] == []


@pytest.mark.parametrize("type", ASKED)
def test_every_choice_has_a_text(type: str) -> None:
    for field in fields_of(type):
        assert not [choice for choice in field.choices if "_" in word_for(choice)]


@pytest.mark.parametrize("type", ASKED)
def test_a_recorded_event_passes_through_a_form_unchanged(type: str) -> None:
    for file in GOLDEN.glob(f"{type}.v*.json"):
        event: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        said = {field.path: form_text(field, value_at(event, field.path)) for field in fields_of(type)}
        filed = Entry(1, "irritant/ru-us/visas", type, said).event
        stated = {key: value for key, value in event.items() if (key, value) != ("occurred_basis", "stated")}
        assert filed == {**stated, "stream": "irritant/ru-us/visas"}


@pytest.mark.parametrize(
    ("control", "text", "value"),
    [
        ("numbers", "4, 5 7", [4, 5, 7]),
        ("numbers", "four", ["four"]),
        ("number", "5", 5),
        ("number", "5.5", "5.5"),
        ("number", "\u0665", "\u0665"),
        ("yes-no", "true", True),
        ("yes-no", "perhaps", "perhaps"),
        ("lines", "White House\n\n Kremlin ", ["White House", "Kremlin"]),
        ("line", "one\ntwo  three", "one two three"),
        ("date", "2025-04-10", "2025-04-10"),
    ],
)
def test_form_input_becomes_json_and_invalid_input_is_passed_on(control: Any, text: str, value: object) -> None:
    assert json_value(Field(("field",), control, required=True), text) == value
