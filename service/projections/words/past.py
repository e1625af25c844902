"""The sentence on a reading of the past. Pages, print and exports carry it, so that none is taken for the present."""

import datetime as dt

from service.domain.edtf import describe


def reading_in_words(known: dt.date | None, effective: dt.date | None, position: int | None = None) -> str:
    """Return the sentence on a point, such as `As known on 6 June 2025. Not the current state`, with its full stop.

    `known` is the day of recording up to which the record is read, and `effective` the day of events. `position`: the
    last position that is read, which stands in for a day that is not known.
    """
    parts = [f"as known on {describe(known.isoformat())}"] if known else []
    parts += [f"as known at position {position}"] if position and not known else []
    parts += [f"effective on {describe(effective.isoformat())}"] if effective else []
    point = ", ".join(parts) or "as known before the first event"
    return f"{point[:1].upper()}{point[1:]}. Not the current state."
