"""Seeding fills an empty record completely, and never changes another."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.seeding import FOLDER, BadSeeds, read, seed
from service.store import reports
from service.store.engine import connection
from service.store.log import read_head


def test_an_empty_record_gets_every_report_of_the_folder_in_order(engine: Engine) -> None:
    assert seed(engine) == len(list(FOLDER.glob("*.yaml")))
    with connection(engine) as c:
        filed = reports.page(c)
    assert {report.actor for report in filed} == {"seeds"}
    assert [report.key for report in filed] == [f"seed-{path.stem}" for path in sorted(FOLDER.glob("*.yaml"))]


def test_a_record_with_events_is_not_changed(engine: Engine) -> None:
    seed(engine)
    with connection(engine) as c:
        before = read_head(c)
    assert seed(engine) == 0
    with connection(engine) as c:
        assert read_head(c) == before


def test_no_seeds_leave_the_record_empty(engine: Engine) -> None:
    assert seed(engine, []) == 0


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Reports come later.", encoding="utf-8")
    with pytest.raises(BadSeeds, match=rf"^{tmp_path}: the folder has no report file \(.yaml, .yml, .json\)"):
        read(tmp_path)


def test_an_empty_folder_is_refused_with_the_usual_cause(tmp_path: Path) -> None:
    (tmp_path / ".hidden.yaml").write_text("hidden", encoding="utf-8")
    with pytest.raises(BadSeeds, match=rf"^{tmp_path}: the folder is empty. If it is mounted into a container, check"):
        read(tmp_path)


def test_a_relative_path_is_named_with_the_folder_that_it_begins_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadSeeds, match=rf"^nothing \(in {tmp_path}\): cannot be read: No such file or directory$"):
        read(Path("nothing"))


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSeeds, match=f"^{tmp_path}/nothing: cannot be read: No such file or directory$"):
        read(tmp_path / "nothing")


OPENING = """\
relation: {relation}
title: {title}
events:
  - {{stream: relation, type: RelationOpened, parties: [{parties}], title: Parties}}
"""


def opening(relation: str, title: str = "A relation") -> str:
    return OPENING.format(relation=relation, title=title, parties=", ".join(relation.upper().split("-")))


def test_fixtures_are_the_reports_of_a_folder_in_yaml_and_json_or_one_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "2.yml").write_text(opening("xa-xb"), encoding="utf-8")
    (tmp_path / "1.yaml").write_text(opening("xc-xd"), encoding="utf-8")
    filed = {"stream": "relation/aa-zz", "type": "RelationOpened", "parties": ["AA", "ZZ"], "title": "AA and ZZ"}
    third = {"relation": "aa-zz", "title": "In JSON", "events": [filed]}
    (tmp_path / "3.json").write_text(json.dumps(third), encoding="utf-8")
    (tmp_path / ".hidden.yaml").write_text("hidden", encoding="utf-8")
    assert [each.path.name for each in read(tmp_path)] == ["1.yaml", "2.yml", "3.json"]
    assert [each.path.name for each in read(tmp_path / "3.json")] == ["3.json"]
    assert seed(engine, read(tmp_path)) == 3
    with connection(engine) as c:
        assert [report.relation for report in reports.page(c)] == ["xc-xd", "xa-xb", "aa-zz"]


def test_mistakes_in_the_form_of_several_files_are_listed_together(tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text("relation: xa-xb\ntitle: [", encoding="utf-8")
    (tmp_path / "2.yaml").write_text(f"{opening('xa-xb')}colour: red\n", encoding="utf-8")
    with pytest.raises(BadSeeds) as refused:
        read(tmp_path)
    first, second = str(refused.value).splitlines()
    assert first.startswith(f"{tmp_path}/1.yaml:2:")
    assert second.startswith(f"{tmp_path}/2.yaml:5:9: colour: unknown field")


def test_a_refused_seed_is_reported_with_its_place_and_none_is_filed(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text(opening("xa-xb"), encoding="utf-8")
    started = "relation: xa-xc\ntitle: A report\nevents:\n- {stream: relation, type: ProcessStarted}\n"
    (tmp_path / "2.yaml").write_text(started, encoding="utf-8")
    with pytest.raises(BadSeeds, match=rf"^{tmp_path}/2.yaml:4:3: "):
        seed(engine, read(tmp_path))
    with connection(engine) as c:
        assert read_head(c).position == 0


def test_two_seeds_with_the_same_title_are_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text(opening("xa-xb"), encoding="utf-8")
    (tmp_path / "2.yaml").write_text(opening("xa-xb").replace("Parties", "Others"), encoding="utf-8")
    with pytest.raises(BadSeeds, match=rf"^{tmp_path}/2.yaml:2:8: title: 1.yaml has the same title or `key`"):
        seed(engine, read(tmp_path))
