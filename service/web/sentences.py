"""One sentence for each irritant: where it stands, who says so, what the other side confirms, whose move it is.

The words are in the messages; which of them fit is decided here, from the document alone.
"""

from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from service.domain.ladder import LEVELS, Rung
from service.projections.change import StandingDocument
from service.web.texts import Texts, texts


class _Standing(NamedTuple):
    """What of an irritant its sentence tells."""

    rungs: tuple[tuple[str, Rung], ...]
    reported: Rung
    basis: str
    lifecycle: str
    hold: str
    awaiting: str
    fell: bool


def sentence(row: StandingDocument) -> Markup:
    """How the irritant stands, in plain words."""
    fell = row.trend == "regressed"
    return _sentence(
        _Standing(tuple(row.rungs.items()), row.reported_status, row.basis, row.lifecycle, row.hold, row.awaiting, fell)
    )


@lru_cache(maxsize=4096)
def _sentence(standing: _Standing) -> Markup:
    t = texts()
    parts = [_stands(t, standing), *_beside(t, standing), _move(t, standing)]
    return Markup(" ").join(capitalised(part) for part in parts if part)


def _stands(t: Texts, standing: _Standing) -> Markup:
    (one, higher), (other, lower) = sorted(standing.rungs, key=lambda side: -LEVELS[side[1]])
    if higher == "unstated":
        media = standing.basis == "media_only"
        return t("sentence.media-only", what=t(f"told.{standing.reported}")) if media else t("sentence.nobody")
    if higher == lower:
        return t("sentence.both", claim=t(f"claims.{higher}.both"))
    spoken = "attributed" if standing.basis == "attributed" else "one"
    claim = t("sentence.says", side=name_of(one), claim=t(f"claims.{higher}.{spoken}"))
    second = t("sentence.silent", side=name_of(other))
    if lower != "unstated":
        second = t("sentence.confirms", side=name_of(other), claim=t(f"confirms.{lower}"))
    return t("sentence.two", first=claim, second=second)


def _beside(t: Texts, standing: _Standing) -> list[Markup]:
    """What a reader must know beside the rungs."""
    highest = max(LEVELS[rung] for _, rung in standing.rungs)
    goes_further = 0 < highest < LEVELS[standing.reported]
    return [
        t("sentence.further", what=t(f"told.{standing.reported}")) if goes_further else Markup(),
        t("sentence.contested") if standing.basis == "contested" else Markup(),
        t("sentence.fell") if standing.fell else Markup(),
        t(f"sentence.{standing.hold}") if standing.hold != "none" else Markup(),
    ]


def _move(t: Texts, standing: _Standing) -> Markup:
    if standing.lifecycle != "open":
        return t(f"sentence.{standing.lifecycle}")
    if standing.awaiting in ("both", "none"):
        return t(f"sentence.move.{standing.awaiting}")
    return t("sentence.move.one", side=name_of(standing.awaiting))


def name_of(party: str) -> Markup:
    """The name of a voice as it stands within a sentence; its code where the messages have none."""
    t = texts()
    return t(f"country.{party}") if f"country.{party}" in t else Markup.escape(party)


def capitalised(text: Markup) -> Markup:
    """Its first letter as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]
