"""Templates and what they can call. Everything is escaped unless a text or a drawing of ours says it is HTML."""

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.web import dates, reading, sentences, speech
from service.web.assets import ADDRESSES, ROOM
from service.web.texts import texts

_environment: Final = Environment(
    loader=FileSystemLoader(ROOM / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals.update(t=texts(), assets=ADDRESSES)
_environment.globals.update(
    day_of=speech.day_of,
    event_label=speech.event_label,
    in_words=speech.value_in_words,
    mended=speech.mended,
    name_of=sentences.name_of,
    named=speech.named,
    numbers=speech.numbers,
    particulars=speech.particulars,
    places=speech.places,
    round_name=sentences.round_name,
    speaker=speech.speaker,
    standing_value=reading.standing_value,
    speaker_of=speech.speaker_of,
    voices=speech.voices,
    when_in_words=speech.when_in_words,
    with_names=speech.with_names,
    within=speech.within,
)
_environment.filters.update(day=dates.day, moment=dates.moment, occurred=dates.occurred, isoday=dates.iso_day)


_OWN_ADDRESS: Final = re.compile(
    rb'(\s(?:href|src|action|(?:data-)?hx-(?:get|post)|data-live|data-draft)=")(?=/)(?!//)',
)
"""Where an attribute holds an address of this service. Quotation marks in what was filed are escaped and begin none."""


def rendered(template: str, told: Mapping[str, Any], prefix: str) -> bytes:
    """The HTML of a page. `prefix`: the path that the service is served below.

    Templates are written for the root, and their addresses are moved here: so none can forget the prefix. What a form
    sends back (`value`) stays as it is, for it is read at the root.
    """
    # Part by part: in one string a single dash from beyond Latin-1 would make a hundred thousand characters wide.
    page = b"".join([part.encode() for part in _environment.get_template(template).generate(told)])
    return _OWN_ADDRESS.sub(rb"\g<1>" + prefix.encode(), page) if prefix else page
