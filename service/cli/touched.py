"""Describe what a command touches, so that the operator can check it: an event, a report or a round, with its date.

`irritants correct`, `retract`, `evidence` and `attribute` show it, also in a dry run. `irritants history` uses the same
words for reports and rounds.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from rich.text import Text

from service.cli import drawing
from service.cli.client import Service, ServiceProblem
from service.cli.streams import events, reference
from service.domain import edtf
from service.domain.assertion import Assertion, Recorded, Statement, when
from service.domain.corrections import BEGINNING, END
from service.projections.words.event_types import event_name

_WIDTH: Final = 10


def event(service: Service, target: Recorded, names: drawing.Names) -> Iterator[Text]:
    """Yield lines on one event: what it says, by whom, when, and in which report."""
    data = target.data
    yield _line("event", Text(f"{reference(target)}, {event_name(target.type)}{_statement(data, names)}"))
    filed = service.read(f"/v1/reports/{target.report}")
    yield _line("report", Text(f"{report_in_words(filed)}{_on_round(service, filed['round'])}"))


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[Text]:
    """Yield a line for each field that a correction changes, with its value before and after."""
    for name, value in changes.items():
        old = before.get(name)
        if isinstance(value, Mapping):
            old = {part: (old or {}).get(part) for part in value}
        before_and_after = " → ".join(drawing.value_in_words(name, one) for one in (old, value))
        yield _line("corrects", Text(f"{name.replace('_', ' ')}: {before_and_after}"))


def attribution(service: Service, report: str, round: str) -> list[Text]:
    """Return lines on a report, the dates of its events, the round that it is on now, and the new round.

    Return nothing if the report or the round is not on record: the refusal of the service says so.
    """
    try:
        filed = service.read(f"/v1/reports/{report}")
        described = f"{report_in_words(filed)}; {dates(events(service, {'report': report}))}"
        before = round_in_words(service, filed["round"]) if filed["round"] else "no round"
        after = round_in_words(service, round)
    except ServiceProblem as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return []
    return [_line("report", Text(described)), _line("from", Text(before)), _line("to", Text(after))]


def report_in_words(filed: Mapping[str, Any]) -> str:
    """Return a report by its title, with the day of its filing."""
    return f"“{filed['title']}”, filed on {edtf.describe(str(filed['recorded_at'])[:10])} by {filed['actor']}"


def round_in_words(service: Service, round: str) -> str:
    """Return a round by its name, with its date."""
    document = service.read(f"/v1/rounds/{round}")
    return f"{document['name']} ({edtf.describe(document['date']) if document['date'] else 'no date'})"


def dates(recorded: Iterable[Recorded]) -> str:
    """Return the number of assertions among these events, and the first and the last date that they give."""
    occurred = [event.data.occurred for event in recorded if isinstance(event.data, Assertion)]
    counted = drawing.counted(len(occurred), "assertion")
    dated = sorted(
        (when(date).earliest or BEGINNING, when(date).latest or END, date) for date in occurred if date is not None
    )
    if not dated:
        return f"{counted}, undated" if occurred else counted
    first, last = (edtf.describe(dated[end][2]) for end in (0, -1))
    undated = f", {len(occurred) - len(dated)} undated" if len(dated) < len(occurred) else ""
    return f"{counted}, dated {first}{undated}" if first == last else f"{counted}, dated {first} to {last}{undated}"


def _statement(data: object, names: drawing.Names) -> str:
    """Return who says what and when, if the event is a statement. Empty for an event of record-keeping."""
    if not isinstance(data, Statement):
        return ""
    occurred = data.occurred if isinstance(data, Assertion) else None
    on = f", {edtf.describe(occurred)}" if occurred else ", undated" if isinstance(data, Assertion) else ""
    return f" by {drawing.within([data.asserted_by.party], names)}{on}: {data.summary}"


def _on_round(service: Service, round: str | None) -> str:
    return f", on the round {round_in_words(service, round)}" if round else ""


def _line(label: str, text: Text) -> Text:
    return Text.assemble(drawing.label(label, _WIDTH), text)
