"""The form and the previews say who may read a report, and what each audience would see change."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.handling.test_audiences import CANARY, concern
from tests.keys import key_on
from tests.web.conftest import browsing, sign_in

File = Callable[..., Any]
Headers = dict[str, str]


def previewed(client: TestClient, headers: Headers, *events: dict[str, Any]) -> Any:
    report = {"relation": "ru-us", "title": "A démarche", "events": list(events)}
    return client.post("/v1/reports?dry_run=true", json=report, headers=headers).json()


def test_a_preview_shows_the_effect_for_each_audience(client: TestClient, cleared: Headers) -> None:
    settled = concern(type="ResolutionDeclared", handling="restricted")
    audiences = previewed(client, cleared, settled)["audiences"]
    assert [(audience["label"], len(audience["changes"])) for audience in audiences] == [("open", 0), ("restricted", 1)]
    (change,) = audiences[1]["changes"]
    assert change["irritant"] == "ru-us/visas"
    assert change["before"]["rungs"]["US"] != change["after"]["rungs"]["US"]


def test_a_preview_without_labels_names_no_audience(client: TestClient, cleared: Headers, operator: Headers) -> None:
    assert previewed(client, cleared, concern())["audiences"] == []
    assert previewed(client, operator, concern())["audiences"] == []


def test_the_preview_of_an_operator_without_clearance_does_not_change(
    client: TestClient, file: File, cleared: Headers, operator: Headers
) -> None:
    public = concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"})

    def shown() -> Any:
        seen = previewed(client, operator, public)
        return {name: value for name, value in seen.items() if "position" not in name and name != "events"}

    before = shown()
    file(cleared, concern(type="ResolutionDeclared", handling="restricted"))
    assert shown() == before


@pytest.mark.parametrize("clearance", ["open", "restricted"])
def test_the_form_offers_labels_only_to_those_who_may_use_them(app: FastAPI, engine: Engine, clearance: str) -> None:
    with browsing(app) as browser:
        sign_in(browser, key_on(engine, "report", name=clearance, clearance=clearance))
        page = browser.get("/file?relation=ru-us").text
    assert "Title of the report" in page
    assert ("Who may read it" in page) == (clearance == "restricted")
    assert ("Only readers with the clearance “restricted”" in page) == (clearance == "restricted")
    assert CANARY not in page
