"""Titles and names become slugs and codes: the same in the form and on the command line."""

import pytest

from service.domain.actor.names import ActorNames
from service.openings import NotARelation, relation_between, title_of_relation
from service.openings.actors import UnknownActor, code_of, code_or_error, states
from service.openings.slugs import slug_of, unused

NAMES = {
    "Russia": "RU",
    "россия": "RU",
    "the Russian Federation": "RU",
    "U.S.": "US",
    "the U.S.": "US",
    "США": "US",
    "the UK": "GB",
    "Algérie": "DZ",
    "الجزائر": "DZ",
    "Turkiye": "TR",
    "Turkey": "TR",
    "dz": "DZ",
    "the Holy See": "VA",
    "South Korea": "KR",
    "日本": "JP",
    "Niger": "NE",
    "Nigeria": "NG",
    "joint": "JOINT",
}


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_a_state_is_found_by_its_name_in_many_languages(name: str, code: str) -> None:
    assert code_of(name) == code


def test_every_state_is_found_by_the_name_that_sentences_use() -> None:
    for code, name in states().items():
        assert code_of(name) == code


def test_an_organisation_is_found_by_the_name_on_record() -> None:
    names = ActorNames(1, {"african-union": "the African Union", "TR": "Türkiye"})
    assert code_of("African Union", names) == "african-union"
    assert code_of("african-union", names) == "african-union"
    assert code_of("African Union") is None


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownActor, match=r'"Algiria" is not the code or the name of an actor; the nearest: Algeria'):
        code_or_error("Algiria")


def test_a_relation_has_the_same_id_in_either_order() -> None:
    assert relation_between("FR", "DZ") == relation_between("DZ", "FR") == "dz-fr"
    assert title_of_relation("dz-fr") == "Algeria and France"
    with pytest.raises(NotARelation, match="France is named twice"):
        relation_between("FR", "FR")
    with pytest.raises(NotARelation, match="not two codes of states"):
        relation_between("FR", "JOINT")


def test_a_title_in_any_script_has_a_slug_that_is_not_in_use() -> None:
    assert slug_of("Visas for diplomats") == "visas-for-diplomats"
    assert slug_of("الوصول") == "lwswl"
    assert slug_of("«…»") == ""
    assert unused("readout", {"visas"}) == "readout"
    assert unused("readout", {"readout", "readout-2"}) == "readout-3"
