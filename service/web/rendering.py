"""Render templates, with the functions that they can call. All text is escaped except messages and drawings."""

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.api.reset import in_test_mode
from service.projections.words import names
from service.projections.words.bidi import isolated
from service.projections.words.documents import document_name
from service.web import formatting
from service.web.assets import ADDRESSES, ROOM
from service.web.messages import messages


def _but(parameters: Mapping[str, object], **changes: object) -> dict[str, object]:
    """Return the parameters of a link with these changes. A value of None removes a parameter."""
    return {**parameters, **changes}


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
    statement_of_date=formatting.statement_of_date,
    event_label=formatting.event_label,
    reason_label=formatting.reason_label,
    in_words=formatting.value_in_words,
    corrected_fields=formatting.corrected_fields,
    name_of=formatting.name_of,
    document_title=formatting.document_title,
    origin_speaker=formatting.origin_speaker,
    document_name=document_name,
    status_word=formatting.status_word,
    name_at_start=formatting.name_at_start,
    paragraph_numbers=formatting.paragraph_numbers,
    own_fields=formatting.own_fields,
    citations=formatting.citations,
    round_name=names.round_name,
    speaker=formatting.speaker,
    standing_value=formatting.standing_value,
    speaker_of=formatting.speaker_of,
    names_at_start=formatting.names_at_start,
    when_in_words=formatting.when_in_words,
    names_of=formatting.names_of,
)
_environment.globals.update(in_test_mode=in_test_mode.get)
_environment.filters.update(
    bdi=formatting.bdi,
    but=_but,
    mixed=formatting.mixed,
    isolated=isolated,
    day=formatting.day,
    moment=formatting.moment,
    edtf_in_words=formatting.edtf_in_words,
    isoday=formatting.iso_day,
)


_OWN_ADDRESS: Final = re.compile(
    rb'(\s(?:href|src|action|(?:data-)?hx-(?:get|post)|data-live|data-draft|data-citation)=")(?=/)(?!//)',
)
"""An attribute that holds an address of this service. Filed text cannot match, because its quotes are escaped."""


def rendered(template: str, values: Mapping[str, Any], prefix: str) -> bytes:
    """Return the HTML of a page. `prefix` is the path that a proxy serves the pages below, or empty.

    Addresses in templates begin at the root. This function adds the prefix to all of them, so no template can forget
    it. Addresses in the values of form fields stay without the prefix, because the service reads them again.
    """
    # Encode part by part: one character beyond Latin-1 would make a string of the whole page two bytes wide.
    page = b"".join([part.encode() for part in _environment.get_template(template).generate(values)])
    return _OWN_ADDRESS.sub(rb"\g<1>" + prefix.encode(), page) if prefix else page
