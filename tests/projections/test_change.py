"""The sentence of a change, and corrected dates."""

from service.projections import change, difference
from service.projections.change import Redated
from service.read_models.builder import replayed
from tests.build import Filed, breach_alleged, contested, corrected, hold_placed, opened, raised, retracted, step_agreed

VISAS = "irritant/ru-us/visas"


def changes_of(filed: Filed) -> list[change.ChangeDocument]:
    rows = replayed(VISAS, filed.events)
    return [change.ChangeDocument.model_validate_json(row.body) for row in rows if row.name == change.NAME]


def test_a_change_says_in_one_sentence_what_moved() -> None:
    filed = Filed().file(VISAS, opened()).file(VISAS, raised("RU", on="2025-04-10"))
    assert [told.sentence for told in changes_of(filed)] == [
        "It was opened; no status is claimed yet.",
        "The claimed and the reported status went from nothing to raised.",
    ]


def test_a_hold_that_is_retracted_was_not_lifted() -> None:
    filed = Filed().file(
        VISAS, opened(), raised("RU", on="2025-04-10"), hold_placed("RU", "suspended", on="2025-04-11")
    )
    filed.file(VISAS, retracted("e3"))
    assert changes_of(filed)[-1].sentence == "It is no longer suspended."


def test_a_denied_dispute_is_named() -> None:
    filed = Filed().file(VISAS, opened(), raised("JOINT", on="2025-04-10"), breach_alleged("RU", "US", on="2025-04-11"))
    filed.file(VISAS, contested("e3", "US", on="2025-04-12"))
    assert changes_of(filed)[-1].sentence == (
        "Russia says that the United States broke what was agreed (11 April 2025), which the United States denies."
    )
    filed.file(VISAS, retracted("e3"))
    assert changes_of(filed)[-1].sentence == "1 dispute is no longer open."


def test_a_corrected_date_is_a_change_although_no_status_moves() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU", on="2025-04-10"))
    filed.file(VISAS, corrected("e2", occurred="2025-04-12"))
    told = changes_of(filed)[-1]
    assert (told.reason, told.before) == ("correction", told.after)
    assert told.redated == (
        Redated(event="e2", type="ConcernRaised", field="occurred", before="2025-04-10", after="2025-04-12"),
    )
    assert told.sentence == "The date of “Concern raised” was corrected from 10 April 2025 to 12 April 2025."


def test_a_retracted_correction_of_a_date_is_a_change_back() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU", on="2025-04-10"))
    filed.file(VISAS, corrected("e2", occurred="2025-04-12")).file(VISAS, retracted("e3"))
    told = changes_of(filed)[-1]
    assert (told.reason, told.redated[0].before, told.redated[0].after) == ("retraction", "2025-04-12", "2025-04-10")


def test_two_corrections_of_a_date_in_one_report_are_one_change() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU", on="2025-04-10"))
    filed.file(VISAS, corrected("e2", occurred="2025-04-12"), corrected("e2", occurred="2025-04-13"))
    told = changes_of(filed)[-1]
    assert [(date.before, date.after) for date in told.redated] == [("2025-04-10", "2025-04-13")]


def test_a_corrected_due_date_is_named() -> None:
    filed = Filed().file(VISAS, opened(), step_agreed("RU", "notice", on="2025-04-10", due="2025-05-01"))
    filed.file(VISAS, corrected("e2", due=None))
    assert changes_of(filed)[-1].sentence == (
        "The due date of “Next step agreed” was corrected from 1 May 2025 to no date."
    )


def test_a_corrected_summary_alone_is_no_change() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU", on="2025-04-10"))
    filed.file(VISAS, corrected("e2", summary="In other words."))
    assert [told.reason for told in changes_of(filed)] == ["world"]


def test_a_difference_names_a_corrected_date() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU", on="2025-04-10"))
    filed.file(VISAS, corrected("e2", occurred="2025-04-12"))
    history = filed.history(VISAS)
    found = difference.view(history.as_of(2).reading(), history.reading())
    assert found.sentence == "The date of “Concern raised” was corrected from 10 April 2025 to 12 April 2025."
    assert found.changed == ()
