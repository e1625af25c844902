"""Seeding fills an empty record completely, and never changes another."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.domain.errors import Refused
from service.seeding import FOLDER, seed
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


def test_an_empty_folder_leaves_the_record_empty(engine: Engine, tmp_path: Path) -> None:
    assert seed(engine, tmp_path) == 0


def test_a_refused_seed_is_reported(engine: Engine, tmp_path: Path) -> None:
    opened_nothing = "relation: ru-us\ntitle: A report\nevents: [{stream: relation, type: ProcessStarted}]"
    (tmp_path / "one.yaml").write_text(opened_nothing, encoding="utf-8")
    with pytest.raises(Refused):
        seed(engine, tmp_path)
    with connection(engine) as c:
        assert read_head(c).position == 0
