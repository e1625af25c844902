"""Every type of event is where people can file it and read of it: template, form, schema and words."""

import re
from typing import Any

import pytest
import yaml

from service.domain.catalogue import EVENT_TYPES, KINDS
from service.projections.words.event_types import _NAMES
from service.reportfile.schema import schema
from service.web.forms.editing import NOT_ADDABLE, addable_types
from service.web.forms.fields import fields_of
from service.web.messages import messages
from tests.cli.conftest import Desk

# Every type by the stream that takes it.
CATALOGUE = {
    "irritant": """
        IrritantOpened ConcernRaised ProposalTabled ProposalAnswered DiscussionReported UnderstandingReported
        InstrumentExchanged InstrumentStated NextStepAgreed NextStepClosed ImplementationReported ResolutionDeclared
        ProgressReversed BreachAlleged HoldPlaced HoldLifted IrritantReopened IrritantWithdrawn ItemAdded
        ItemStatusChanged ReversibilityStated PositionStated LinkageStated""",
    "round": """
        RoundAnnounced RoundScheduled RoundPostponed RoundRelocated RoundCancelled RoundConvened RoundVenueNamed
        DelegationHeadNamed RoundCharacterised RoundConcluded RoundTitled""",
    "relation": """
        RelationOpened ProcessStarted FormatDecided FormatDecisionReversed ScopeExcluded ObstacleNoted AgrementGranted
        EnvoyTookPost NoCommentRecorded ConcernNoted EmphasisStated PersonNamed ReportAttributed""",
    "source": "SourceRegistered OriginRegistered",
    "actor": "ActorRegistered",
    "any": "EvidenceAdded ClaimContested AssertionCorrected AssertionRetracted HandlingChanged",
}
TYPES = [(kind, type) for kind, types in CATALOGUE.items() for type in types.split()]


def test_the_catalogue_is_whole() -> None:
    assert {type for _, type in TYPES} == set(EVENT_TYPES)


@pytest.mark.parametrize(("kind", "type"), TYPES)
def test_a_type_has_a_stream_words_and_a_place_in_the_schema(kind: str, type: str) -> None:
    assert any(type in types for stream, types in KINDS.items() if kind in (stream, "any"))
    assert _NAMES[type] != type
    described = schema()
    assert type in described["$defs"]
    assert type in str(described["properties"]["events"])


@pytest.mark.parametrize(("kind", "type"), TYPES)
def test_every_field_of_a_type_has_words_in_the_form(kind: str, type: str) -> None:
    t = messages()
    fields = fields_of(type)
    assert fields or type in NOT_ADDABLE
    for field in fields:
        assert type in NOT_ADDABLE or f"field.{'.'.join(field.path)}" in t, field.path


class Opened:
    """A context in which every stream has events, or none."""

    def __init__(self, *events: str) -> None:
        self.events = events

    def history(self, _stream: str) -> "Opened":
        return self


STREAMS = {
    "irritant": "irritant/ru-us/visas",
    "round": "round/ru-us/moscow",
    "relation": "relation/ru-us",
    "source": "source/readout",
    "actor": "actor/iaea",
    "any": "irritant/ru-us/visas",
}


@pytest.mark.parametrize(("kind", "type"), [pair for pair in TYPES if pair[1] not in NOT_ADDABLE])
def test_the_form_offers_a_type(kind: str, type: str) -> None:
    """But corrections and retractions, which begin on the page of their event."""
    known: Any = Opened()
    assert type in set(addable_types(STREAMS[kind], known))


def test_the_template_has_every_type_with_its_fields(reader: Desk) -> None:
    text = reader.done("report", "--template", "ru-us/istanbul-april")
    catalogue = text.partition("# Every other type of event.")[2].partition("\n")[2]
    entries = yaml.safe_load(re.sub(r"^  # ", "", catalogue, flags=re.MULTILINE))
    written = {entry["type"]: entry for entry in entries}
    assert set(written) == set(EVENT_TYPES)
    for type, entry in written.items():
        fields = {field.alias or name: field for name, field in EVENT_TYPES[type].model_fields.items()}
        assert set(entry) - {"stream"} <= set(fields)
        common = {"asserted_by", "source", "occurred"}
        assert {name for name, field in fields.items() if field.is_required()} - common <= set(entry)
