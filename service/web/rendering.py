"""Templates and the functions that they call. All text is escaped, except messages and drawings of this room."""

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.web import formatting
from service.web.assets import ADDRESSES, ROOM
from service.web.messages import messages

_environment: Final = Environment(
    loader=FileSystemLoader(ROOM / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals.update(t=messages(), assets=ADDRESSES)
_environment.globals.update(
    day_of=formatting.day_of,
    event_label=formatting.event_label,
    in_words=formatting.value_in_words,
    corrected_fields=formatting.corrected_fields,
    name_of=formatting.name_of,
    named=formatting.named,
    numbers=formatting.numbers,
    particulars=formatting.particulars,
    places=formatting.places,
    round_name=formatting.round_name,
    speaker=formatting.speaker,
    standing_value=formatting.standing_value,
    speaker_of=formatting.speaker_of,
    voices=formatting.voices,
    when_in_words=formatting.when_in_words,
    with_names=formatting.with_names,
    within=formatting.within,
)
_environment.filters.update(
    day=formatting.day, moment=formatting.moment, occurred=formatting.occurred, isoday=formatting.iso_day
)


_OWN_ADDRESS: Final = re.compile(
    rb'(\s(?:href|src|action|(?:data-)?hx-(?:get|post)|data-live|data-draft)=")(?=/)(?!//)',
)
"""An attribute that holds an address of this service. Filed text cannot match, because its quotes are escaped."""


def rendered(template: str, values: Mapping[str, Any], prefix: str) -> bytes:
    """Return the HTML of a page. `prefix` is the path that the service is served below.

    Templates are written for the root. Their addresses get the prefix here, so no template can forget it. Values
    that a form sends back stay as they are, because they are read at the root.
    """
    # Encode part by part: one character beyond Latin-1 would make a string of the whole page two bytes wide.
    page = b"".join([part.encode() for part in _environment.get_template(template).generate(values)])
    return _OWN_ADDRESS.sub(rb"\g<1>" + prefix.encode(), page) if prefix else page
