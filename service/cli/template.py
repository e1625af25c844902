"""A template of a report: every open irritant with the events that usually follow.

Open decisions are commented out or in <angle brackets>. Filing looks for these first, so that a forgotten one is an
error with its line and is never recorded.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.cli import drawing
from service.cli.client import Service, ServiceProblem
from service.cli.streams import read_history, reference
from service.cli.terminal import Exit, Failed
from service.domain.history import History
from service.domain.irritant.undertakings import agreements, offers
from service.domain.report import escaped
from service.domain.streams import parse_stream

_HEAD: Final = """\
# Report on the round {round}. The record ended at position {position}.
#
# Remove the `# ` in front of what was said, leave or delete the rest, and fill in the text in <angle brackets>.
# Dates are EDTF: 2025-04-10, 2025-04 (some day in it), "[2025-04-10..]" (that day or later), "[..2025-04-10]".
# Leave out a date that is not known.
# Then run: irritants report {file} --dry-run

relation: {relation}
round: {round}
title: {title}

# The versions when this file was written. If one has changed, the report is refused, and the new events are listed.
expect:
{expect}

# Register a document once, and each origin (the statement that it relays) once: two documents that relay one interview
# have one origin. Cite what is on record without registering it again.
sources:
  - slug: <document>
    publisher: <who published it>
    paragraphs: <how many lines that are not blank>
    # address: https://…
    # published: <date>
    # language: en
    origins:
      - origin: <origin>
        speaker: <who spoke>
        party: <{one}, {other}, JOINT, MEDIA or a third party>
        channel: <quote, paraphrase, attributed or outlet>

# Defaults for every assertion below.
defaults:
  asserted_by:
    party: <{one}, {other}, JOINT, MEDIA or a third party>
    # organ: <such as a ministry>
    # person: <name>
    channel: <quote, paraphrase, attributed or outlet>
  source:
    document: <document>
    paragraphs: [<number>]
    origin: <origin>
  occurred: <date>

events:
"""

_ROUND: Final = """\
  # The round itself, {phase}.
{begin}  # - stream: {stream}
  #   type: DelegationHeadNamed
  #   party: <{one} or {other}>
  #   person: <name>
  #   role: <role>
  #   summary: <in your own words>
  # - stream: {stream}
  #   type: RoundCharacterised
  #   summary: <in your own words>
  #   wording: <their own word for it>
  # - stream: {stream}
  #   type: RoundConcluded
  #   hours: <whole hours, or leave it out>
  #   qualifier: <exact, at_least or about>
  #   summary: <in your own words>
"""

_LEFT: Final = re.compile(r"<[^<>]+>\Z")
_CONVENED: Final = """\
  - stream: {stream}
    type: RoundConvened
    place: <place>
    summary: <in your own words>
"""
_BEFORE: Final = frozenset({"none", "announced", "scheduled", "postponed"})

_IRRITANT: Final = """
  # {title}: claimed {status}, confirmed {confirmed_status}, reported {reported_status};
  # {basis}; awaiting {awaiting}.
  # - stream: {stream}
  #   type: <DiscussionReported, UnderstandingReported, InstrumentExchanged, ImplementationReported, …>
  #   summary: <in your own words>
  #   wording: <their own word for it>
"""

_STEP: Final = """\
  # Open next step: {action} ({owner}).
  # - stream: {stream}
  #   type: NextStepClosed
  #   step: {step}
  #   outcome: <done, lapsed or dropped>
  #   summary: <in your own words>
"""

_PROPOSAL: Final = """\
  # Open proposal: {terms} ({kind}, to {addressee}).
  # - stream: {stream}
  #   type: ProposalAnswered
  #   proposal: {reference}
  #   answer: <accepted, rejected, deferred or countered>
  #   summary: <in your own words>
"""


def template(service: Service, round: str, file: str | None) -> str:
    """Return the text. Raises Failed for an invalid round, and ServiceProblem if its relation is not on record."""
    name = parse_stream(f"round/{round}")
    if name is None or name.relation is None:
        raise Failed(f'invalid round "{round}"; use an id such as ru-us/istanbul-april', Exit.USAGE)
    relation = service.read(f"/v1/relations/{name.relation}")
    irritants = list(service.items("/v1/irritants", {"relation": name.relation, "lifecycle": "open"}))
    one, other = relation["parties"]
    sides = {"one": one, "other": other, "relation": name.relation, "round": round, "stream": f"round/{name.slug}"}
    versions = "\n".join(f"  irritant/{i['slug']}: {i['version']}" for i in irritants) or "  {}"
    head = _HEAD.format(
        **sides,
        file=file or "FILE",
        title=f"Readouts of the round {name.slug}",
        position=max([relation["position"], *(i["position"] for i in irritants)]),
        expect=versions,
    )
    return "".join([head, _round(service, sides), *(_irritant(service, irritant) for irritant in irritants)])


def _round(service: Service, sides: Mapping[str, str]) -> str:
    begin, phase = _CONVENED.format(**sides), "not on record so far"
    try:
        round = service.read(f"/v1/rounds/{sides['round']}")
    except ServiceProblem as refused:
        if refused.status != 404:
            raise
    else:
        phase = f"{round['phase']} so far"
        begin = begin if round["phase"] in _BEFORE else ""
    return _ROUND.format(**sides, phase=phase, begin=begin)


def _irritant(service: Service, irritant: Mapping[str, Any]) -> str:
    stream = f"irritant/{irritant['slug']}"
    history = read_history(service, f"irritant/{irritant['id']}")
    standing = {**{name: drawing.in_words(value) for name, value in irritant.items()}, "stream": stream}
    standing["basis"] = drawing.basis(irritant)
    return "".join([_IRRITANT.format(**standing), *_open(history, stream)])


def _open(history: History[Any], stream: str) -> Iterator[str]:
    """Yield the open next steps and proposals."""
    for step in agreements(history.state):
        if step.open:
            yield _STEP.format(stream=stream, step=step.step, action=step.last.data.action, owner=step.terms.owner)
    for proposal in (offer.proposal for offer in offers(history.state) if offer.awaited):
        tabled = history.recorded(proposal.root)
        assert tabled is not None
        yield _PROPOSAL.format(
            stream=stream,
            terms=proposal.data.terms,
            kind=proposal.data.kind,
            addressee=proposal.data.addressee,
            reference=f"irritant/{reference(tabled)}",
        )


def unfilled(value: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the JSON Pointer of each place that is not filled in, with an error."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from unfilled(part, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from unfilled(part, f"{pointer}/{index}")
    elif isinstance(value, str) and (left := _LEFT.search(value)):
        yield pointer, f"fill in {left[0]}"
