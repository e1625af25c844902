"""An irritant in plain words: where it stands, who says so, what the other side confirms, whose move it is.

The words are in the messages; which of them fit is decided here, from the document alone.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from service.domain.ladder import LEVELS
from service.web.dates import days_since
from service.web.standing import Standing
from service.web.texts import texts

_BREAK: Final = Markup("<br>")


def sentence(standing: Standing) -> Markup:
    """How it stands."""
    parts = (_stands(standing), *_besides(standing), _to_move(standing))
    return Markup(" ").join(capitalised(part) for part in parts if part)


def _stands(standing: Standing) -> Markup:
    t = texts()
    (one, higher), (other, lower) = sorted(standing.rungs, key=lambda side: -LEVELS[side[1]])
    if higher == "unstated":
        if standing.reported == "unstated":
            return t("sentence.nobody")
        kind = "media-only" if standing.basis == "media_only" else "no-side"
        return t(f"sentence.{kind}", what=t(f"told.{standing.reported}"))
    if higher == lower:
        return t("sentence.both", claim=t(f"claims.{higher}.both"))
    spoken = "attributed" if standing.basis == "attributed" else "one"
    first = t("sentence.says", side=name_of(one), claim=t(f"claims.{higher}.{spoken}"))
    second = t("sentence.silent", side=name_of(other))
    if lower != "unstated":
        second = t("sentence.confirms", side=name_of(other), claim=t(f"confirms.{lower}"))
    return t("sentence.two", first=first, second=second)


def _besides(standing: Standing) -> Iterable[Markup]:
    """What a reader must know beside the rungs."""
    t = texts()
    if "unstated" != standing.claimed != standing.reported:
        yield t("sentence.further", what=t(f"told.{standing.reported}"))
    if standing.basis == "contested":
        yield t("sentence.contested")
    if standing.trend == "regressed":
        yield t("sentence.fell")
    if standing.hold != "none":
        yield t(f"sentence.{standing.hold}")


def _to_move(standing: Standing) -> Markup:
    t = texts()
    if standing.lifecycle != "open":
        return t(f"sentence.{standing.lifecycle}")
    if standing.awaiting in ("both", "none"):
        return t(f"sentence.move.{standing.awaiting}")
    return t("sentence.move.one", side=name_of(standing.awaiting))


def basis(standing: Standing) -> Markup:
    """What the claimed rung rests on: whose word, and how many utterances."""
    t = texts()
    there = [name_of(party) for party, rung in standing.rungs if rung == standing.claimed]
    said = capitalised(t(f"basis.{standing.basis}", side=there[0] if there else ""))
    return (
        t("basis.rests", basis=said, origins=t.counted("basis.origins", standing.origins)) if standing.origins else said
    )


def beside(standing: Standing) -> Markup:
    """What is said beside the ladder: holds, falls, whether it can be undone, how much of it is settled."""
    t, said = texts(), list[Markup]()
    if standing.hold != "none":
        said.append(t(f"beside.{standing.hold}"))
    if standing.regressions:
        said.append(t.counted("beside.regressions", standing.regressions))
    if standing.reversible != "unknown":
        said.append(t(f"beside.reversible.{standing.reversible}"))
    if standing.total:
        said.append(t("beside.items", settled=standing.settled, total=standing.total))
    return _BREAK.join(said)


@lru_cache(maxsize=4096)
def since(occurred: str | None, counted_to: date) -> Markup:
    """How many days ago that was, as far as that is known."""
    t = texts()
    least, most = days_since(occurred, counted_to)
    if least == most == 0:
        return t("since.today")
    if least is not None and least == most:
        return t.counted("since.days", least) if least >= 0 else t.counted("since.ahead", -least)
    if most is not None and (least is None or least < 0):
        return t.counted("since.at-most", most) if most >= 0 else t("since.to-come")
    if least is None or least < 0:
        return t("since.unknown")
    if most is None:
        return t.counted("since.at-least", least)
    return t("since.between", least=least, most=most)


def name_of(party: str) -> Markup:
    """The name of whoever speaks or is awaited, as it stands within a sentence."""
    t = texts()
    return t(f"voice.{party}") if f"voice.{party}" in t else t(f"country.{party}")


def capitalised(text: Markup) -> Markup:
    """Its first letter as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def round_name(id: str) -> str:
    """What a round is called: the record gives it no title, and its slug is made of words."""
    return " ".join(word.capitalize() for word in id.partition("/")[2].split("-"))
