"""Make the ids of new relations, irritants, rounds, organisations, persons and documents from titles and names.

`slugs.py` makes slugs from titles, and `actors.py` finds the code of a state by its name. The form and the command line
use both, so that the same title has the same slug in each.
"""

from service.domain.countries import parties_of
from service.domain.streams import is_relation
from service.projections.words.names import at_the_beginning, name_of


class NotARelation(ValueError):
    """Two actors cannot be the parties of a relation. The message says why."""


def relation_between(one: str, other: str) -> str:
    """Return the id of the relation of two codes, in either order: `FR` and `DZ` give `dz-fr`. Raise NotARelation."""
    relation = "-".join(sorted((one.lower(), other.lower())))
    if one == other:
        raise NotARelation(f"a relation has two different parties; {name_of(one)} is named twice")
    if not is_relation(relation):
        raise NotARelation(f"{one} and {other} are not two codes of states; use codes such as DZ and FR")
    return relation


def title_of_relation(relation: str) -> str:
    """Return the usual title of a relation: `dz-fr` gives "Algeria and France"."""
    one, other = parties_of(relation)
    return at_the_beginning(f"{name_of(one)} and {name_of(other)}")
