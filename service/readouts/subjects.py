"""Find the party that a sentence is about, such as the owner of a step or the head of a delegation.

A party is suggested only where the sentence leaves no doubt. "The United States expects a reply from Russia" names two
parties, so it suggests neither as the owner.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from babel import Locale

from service.readouts.dates import LANGUAGES
from service.readouts.sentences import is_negated, phrase_table, sentences_of

STEM_LENGTH: Final = 5
"""Words with the same first letters, as many as this, are taken for forms of one word: банковский, банковских."""
_LONGEST_ARTICLE: Final = 4
"""The length of "The " in characters. The subject begins the sentence, perhaps after this article."""


def mentions(text: str, parties: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Yield each party that is named, with the place of its first mention. `spellings` are further names."""
    for party in parties:
        patterns = (*_names_of(party), *(_whole(name) for name in spellings.get(party, ())))
        if places := [match.start() for pattern in patterns if (match := pattern.search(text))]:
            yield min(places), party


def without_names(text: str, parties: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> str:
    """Return a text without the names of the parties, which say nothing of the subject of the talks."""
    for party in parties:
        for pattern in (*_names_of(party), *(_whole(name) for name in spellings.get(party, ()))):
            text = pattern.sub(" ", text)
    return text


def subjects_of(type: str) -> Iterable[str]:
    """Return the fields of an event type for which `subject_of` can find the party."""
    return list(phrase_table()["subjects"].get(type, {}))


def subject_of(
    type: str, field: str, paragraph: str, parties: Sequence[str], spellings: Mapping[str, Sequence[str]]
) -> str | None:
    """Return the party that the field asks for, if each sentence about it names only that party. None in doubt."""
    subjects = set()
    for sentence in sentences_of(paragraph):
        verb = _subjects(type, field).search(sentence)
        if verb is None or is_negated(sentence) or _expectation().search(sentence):
            continue
        named = list(mentions(sentence, parties, spellings))
        is_clear = len(named) == 1 and named[0][0] < verb.start() and named[0][0] <= _LONGEST_ARTICLE
        subjects.add(named[0][1] if is_clear else None)
    return subjects.pop() if len(subjects) == 1 else None


@dataclass(frozen=True)
class Head:
    """The head of a delegation as a sentence names it. A field is empty if the sentence does not have it."""

    party: str
    name: str
    post: str


def head_in(paragraph: str, parties: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> Head | None:
    """Return the head of the delegation in "The Russian side was led by the Ambassador". None without such a sentence.

    The words after "the" are a post, perhaps with a name after a comma. Words without "the" are a name.
    """
    for sentence in sentences_of(paragraph):
        if head := _HEAD.search(sentence):
            whose = [party for _, party in mentions(sentence[: head.start()], parties, spellings)]
            who = head["who"].strip()
            post, name = (who, (head["name"] or "").rstrip(".")) if head["the"] else ("", who)
            return Head(whose[0] if len(whose) == 1 else "", name, post)
    return None


_HEAD: Final = re.compile(
    r"\b(?:led|headed) by (?P<the>the )?(?P<who>[^.;,:]+)(?:, (?P<name>[A-Z][\w.’'-]+(?: [A-Z][\w.’'-]+)+))?"  # noqa: RUF001
)


@cache
def _subjects(type: str, field: str) -> re.Pattern[str]:
    return re.compile("|".join(phrase_table()["subjects"][type][field]), re.IGNORECASE)


@cache
def _expectation() -> re.Pattern[str]:
    return re.compile("|".join(phrase_table()["expectations"]["patterns"]), re.IGNORECASE)


@lru_cache(maxsize=1024)
def _whole(name: str) -> re.Pattern[str]:
    """Return a pattern for a name on record. An article at its beginning may be missing."""
    return re.compile(rf"(?<!\w){re.escape(name.removeprefix('the '))}(?!\w)", re.IGNORECASE)


@cache
def _names_of(party: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns for the names of an actor by CLDR, each also with another ending: Russia, Russian."""
    names = {
        name
        for language in LANGUAGES
        for key in (party, f"{party}-alt-short", f"{party}-alt-variant")
        if (name := Locale(language).territories.get(key))
    }
    stems = {name[:-1] if len(name) > STEM_LENGTH and " " not in name else name for name in names}
    patterns = [re.compile(rf"\b{re.escape(stem)}\w{{0,4}}\b", re.IGNORECASE) for stem in sorted(stems)]
    return (*patterns, *(re.compile(name) for name in phrase_table()["names"].get(party, ())))
