"""The words of a paragraph suggest values for the fields of an event."""

import pytest

from service.domain.catalogue import EVENT_TYPES
from service.readouts.details import details
from service.readouts.sentences import phrase_table
from service.web.forms.fields import fields_of

TAKEN = {"actor": {"both"}, "yes-no": {"true", "false"}}
"""What a field takes that has no list of choices, by its control."""


@pytest.mark.parametrize(
    ("type", "paragraph", "found"),
    [
        ("RoundConvened", "The delegations met on Monday in Moscow for seven hours.", {"place": "Moscow"}),
        ("RoundConvened", "In April the sides met in New York.", {"place": "New York"}),
        ("RoundConvened", "The delegations met in April.", {}),
        ("RoundConcluded", "They met for about seven hours.", {"hours": "7", "qualifier": "about"}),
        ("RoundConcluded", "They met for more than 5 hours.", {"hours": "5", "qualifier": "at_least"}),
        ("RoundConcluded", "They met for two hours.", {"hours": "2", "qualifier": "exact"}),
        (
            "RoundAnnounced",
            "It is planned in Geneva in the autumn.",
            {"place": "Geneva", "timing": "in the autumn", "preliminary": "true"},
        ),
        ("DelegationHeadNamed", "It was led by the Ambassador.", {"role": "Ambassador"}),
        ("ProposalAnswered", "It does not accept the proposal.", {"answer": "rejected"}),
        ("ProposalAnswered", "It accepts the proposal.", {"answer": "accepted"}),
        ("InstrumentExchanged", "A note was exchanged.", {"kind": "exchange_of_notes"}),
        ("DelegationHeadNamed", "It was led by Ann Smith.", {"person": "Ann Smith"}),
        (
            "DelegationHeadNamed",
            "It was led by the Deputy Minister, Ann Smith.",
            {"person": "Ann Smith", "role": "Deputy Minister"},
        ),
        ("ConcernRaised", "It protests in Moscow.", {}),
        ("NextStepAgreed", "The two delegations agreed to meet again next month in Ankara.", {"owner": "both"}),
    ],
)
def test_a_paragraph_suggests_values(type: str, paragraph: str, found: dict[str, str]) -> None:
    suggested = details(type, paragraph)
    suggested.pop("summary", None)
    assert suggested == found


@pytest.mark.parametrize(
    ("type", "paragraph"),
    [
        ("ProposalAnswered", "The American side said nothing about flights that the Russian side could accept."),
        ("ProposalAnswered", "Russia rejects the suspension of direct flights."),
        ("ProposalAnswered", "It denies that it accepted the proposal."),
        ("ProposalAnswered", "Its counterpart made a report."),
        ("PositionStated", "The American side said nothing about flights."),
        ("PositionStated", "Russia is not ready to talk."),
        ("NextStepClosed", "The commission was not carried out without delay."),
        ("NextStepClosed", "Banking is no longer blocked."),
        ("HoldPlaced", "Russia rejects the suspension of direct flights."),
        ("InstrumentStated", "The agreement is not in force."),
        ("RoundAnnounced", "The delegations met in May."),
    ],
)
def test_a_sentence_that_may_say_the_reverse_suggests_no_value(type: str, paragraph: str) -> None:
    taken = details(type, paragraph)
    assert not taken.keys() & {"answer", "stance", "outcome", "state", "kind", "preliminary"}, taken


def test_no_more_than_a_number_is_no_negation() -> None:
    found = details("InstrumentExchanged", "A note was exchanged; processing takes no more than thirty days.")
    assert found == {"kind": "exchange_of_notes"}


def test_every_value_in_the_table_is_one_that_its_field_takes() -> None:
    for type, fields in phrase_table()["values"].items():
        assert type in EVENT_TYPES
        taken = {field.name: field for field in fields_of(type)}
        for name, values in fields.items():
            assert values.keys() <= TAKEN.get(taken[name].control, set(taken[name].choices)), (type, name)
