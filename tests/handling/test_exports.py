"""An export for an audience shows what it may see, and proves the order and the completeness of the rest."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from service.store.engine import connection
from service.store.log import read_head
from tests.cli.conftest import Ended, irritants
from tests.handling.conftest import VISAS, Headers
from tests.store.record import superuser

CANARY = "Zanzibar"


def concern(**more: Any) -> dict[str, Any]:
    return {
        "type": "ConcernRaised",
        "stream": VISAS,
        "asserted_by": {"party": "US", "channel": "attributed"},
        "source": {"document": "a2-tataru", "paragraphs": [3], "origin": "us-side-on-february"},
        "summary": "An open concern.",
        **more,
    }


SECRET = {"handling": "restricted", "summary": f"{CANARY} was named."}


@pytest.fixture
def run(seeded_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ended]:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", seeded_database_url)
    monkeypatch.chdir(tmp_path)
    return irritants


@pytest.fixture
def restricted(file: Callable[..., Any], cleared: Headers, engine: Engine) -> int:
    """File an open event, a withheld one, a report with one of each, and an open one. Return the position before."""
    with connection(engine) as c:
        position = read_head(c).position
    for events in ([concern()], [concern(**SECRET)], [concern(), concern(**SECRET)], [concern()]):
        assert file(cleared, *events).status_code == 201
    return position


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_an_audience_gets_the_place_of_each_withheld_event_with_a_commitment(
    run: Callable[..., Ended], restricted: int
) -> None:
    exported = run("export", "open.jsonl", "--audience", "open")
    assert exported.code == 0, exported.err
    assert "open.jsonl for the audience open: " in exported.out
    assert run("export", "all.jsonl").code == 0
    (header, *seen), (_, *every) = lines("open.jsonl"), lines("all.jsonl")
    assert (header["format"], header["audience"]) == ("irritants-audience-1", "open")
    assert [line["position"] for line in seen] == list(range(1, len(every) + 1))
    assert CANARY in Path("all.jsonl").read_text(encoding="utf-8")
    assert CANARY not in Path("open.jsonl").read_text(encoding="utf-8")
    for line, whole in zip(seen, every, strict=True):
        sealed = {name: whole[name] for name in whole.keys() - {"chain_hash"}}
        text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        commitment = sha256(text.encode()).hexdigest()
        place = {name: whole[name] for name in ("position", "recorded_at", "chain_hash")} | {"commitment": commitment}
        match whole["position"] - restricted:
            case 2 | 4:
                assert line == place
            case 3:  # the hash of the request and the salt would let a reader guess the other event of the report
                hidden = {"reporthash", "salt"}
                assert line == {name: whole[name] for name in whole.keys() - hidden} | {"commitment": commitment}
            case _:
                assert line == whole


def test_an_export_for_a_cleared_audience_has_every_line(run: Callable[..., Ended], restricted: int) -> None:
    for path, *options in (("all.jsonl",), ("cleared.jsonl", "--audience", "restricted")):
        assert run("export", path, *options).code == 0
    assert lines("cleared.jsonl")[1:] == lines("all.jsonl")[1:]
    assert lines("cleared.jsonl")[0]["audience"] == "restricted"


def test_verify_checks_an_export_without_the_database(
    run: Callable[..., Ended], restricted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, *options in (("all.jsonl",), ("open.jsonl", "--audience", "open")):
        assert run("export", path, *options).code == 0
    assert run("checkpoint", "checkpoint.json").code == 2  # no signing key
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", "checkpoint.key")
    assert run("checkpoint", "checkpoint.json").code == 0
    monkeypatch.delenv("IRRITANTS_DATABASE_URL")
    for path, audience, withheld in (("all.jsonl", None, 0), ("open.jsonl", "open", 2)):
        found = json.loads(run("verify", "--file", path, "--json").out)
        assert (found["whole"], found["audience"], found["withheld"]) == (True, audience, withheld)
        assert found["unproved"] == []
        assert found["position"] == restricted + 5
        matched = run("verify", "--file", path, "--checkpoint", "checkpoint.json")
        assert matched.code == 0, matched.err
        assert "history matches checkpoint.json." in matched.out
    assert ", 2 withheld from the audience open." in run("verify", "--file", "open.jsonl").out


def altered(path: str, change: Callable[[list[str]], list[str]]) -> str:
    text = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    Path("altered.jsonl").write_text("".join(change(text)), encoding="utf-8")
    return "altered.jsonl"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text, at: [*text[:at], *text[at + 1 :]], "is missing; the next one has "),
        (lambda text, at: [*text[:at], text[at + 1], text[at], *text[at + 2 :]], "is missing; the next one has "),
        (
            lambda text, at: [*text[:at], text[at].replace('"commitment":"', '"commitment":"no '), *text[at + 1 :]],
            "commitment: expected lower-case hexadecimal digits",
        ),
        (
            lambda text, at: [*text[: at - 1], text[at - 1].replace("An open concern.", "Another."), *text[at:]],
            "the chain hash does not match",
        ),
        (lambda text, at: text[:-1], "the last event here has position "),
    ],
    ids=["removed", "swapped", "malformed", "edited", "truncated"],
)
def test_a_changed_export_of_an_audience_is_refused(
    run: Callable[..., Ended], restricted: int, change: Callable[[list[str], int], list[str]], what: str
) -> None:
    assert run("export", "open.jsonl", "--audience", "open").code == 0
    withheld = restricted + 2  # line 1 is the header, so this is the index of the withheld event
    found = run("verify", "--file", altered("open.jsonl", lambda text: change(text, withheld)), "--json")
    assert found.code == 1
    assert what in json.loads(found.out)["what"]


def test_another_commitment_does_not_fit_the_chain(run: Callable[..., Ended], restricted: int) -> None:
    assert run("export", "open.jsonl", "--audience", "open").code == 0
    one, two = (lines("open.jsonl")[restricted + n]["commitment"] for n in (2, 4))
    changed = altered("open.jsonl", lambda text: [line.replace(one, two) for line in text])
    assert "the chain hash does not match" in run("verify", "--file", changed).err


def test_an_event_without_a_salt_has_no_commitment_and_is_not_proved(
    run: Callable[..., Ended], restricted: int, seeded_database_url: str
) -> None:
    with superuser(seeded_database_url) as c:
        c.execute("UPDATE events SET salt = NULL WHERE position = %s", (restricted + 2,))
    assert run("export", "open.jsonl", "--audience", "open").code == 0
    assert set(lines("open.jsonl")[restricted + 2]) == {"chain_hash", "position", "recorded_at"}
    checked = run("verify", "--file", "open.jsonl")
    assert f"1 not proved, because an earlier release recorded them (the first at position {restricted + 2:,})" in (
        checked.out
    )


def test_an_export_for_an_audience_is_not_imported(
    run: Callable[..., Ended], restricted: int, database_url: str
) -> None:
    assert run("export", "open.jsonl", "--audience", "open").code == 0
    refused = run("import", "open.jsonl", "--database", database_url)
    assert refused.code == 1
    assert "export for the audience open, and lacks what is withheld from it. Import an export of the whole" in (
        refused.err
    )


def test_an_export_replaces_only_an_export_for_the_same_audience(run: Callable[..., Ended], restricted: int) -> None:
    assert run("export", "all.jsonl").code == 0
    assert run("export", "open.jsonl", "--audience", "open").code == 0
    assert "it is an export of the whole record" in run("export", "all.jsonl", "--audience", "open").err
    assert "it is an export for the audience open" in run("export", "open.jsonl").err
    assert run("export", "open.jsonl", "--audience", "open").code == 0


def test_an_unknown_audience_is_refused_with_the_labels(run: Callable[..., Ended]) -> None:
    refused = run("export", "x.jsonl", "--audience", "secret")
    assert (refused.code, Path("x.jsonl").exists()) == (2, False)
    assert 'invalid --audience "secret"; the labels of this record are open, restricted' in refused.err


def test_a_file_is_verified_without_documents_and_database(run: Callable[..., Ended]) -> None:
    assert run("export", "all.jsonl").code == 0
    for option in (["--documents"], ["--database", "postgresql://127.0.0.1:9/nothing"]):
        refused = run("verify", "--file", "all.jsonl", *option)
        assert (refused.code, f"--file and {option[0]} exclude each other" in refused.err) == (2, True)
