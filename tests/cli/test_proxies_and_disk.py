"""Proxies, certificates, passwords and a full disk: commands work or name the problem."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.cli.terminal import Exit
from tests.cli.conftest import Desk

STATUS = ("status", "ru-us/visas")
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("proxy", [NOBODY, "socks5://127.0.0.1:9", "proxy:8080", "nonsense://x", "http://[x"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_service_on_this_machine_is_reached_without_a_proxy(
    reader: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    assert "Visas for diplomats" in reader.done(*STATUS)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x"])
def test_a_proxy_that_cannot_be_used_is_named(reader: Desk, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("IRRITANTS_URL", "http://tracker.example")
    ended = reader.run(*STATUS)
    assert ended.code == Exit.USAGE
    assert "ALL_PROXY" in ended.err


def test_a_proxy_that_is_down_is_named_without_its_password(reader: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://desk:swordfish@127.0.0.1:9")
    monkeypatch.setenv("IRRITANTS_URL", "http://tracker.example")
    ended = reader.run(*STATUS)
    assert ended.code == Exit.UNREACHABLE
    assert "HTTP_PROXY" in ended.err
    assert "swordfish" not in ended.err


def test_missing_certificates_are_named(reader: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    assert "Visas for diplomats" in reader.done(*STATUS)  # http needs no certificates
    monkeypatch.setenv("IRRITANTS_URL", "https://tracker.example")
    ended = reader.run(*STATUS)
    assert ended.code == Exit.USAGE
    assert "SSL_CERT_FILE" in ended.err


def test_a_password_in_netrc_does_not_replace_the_key(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin desk\npassword swordfish\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    arguments = ("--set", "occurred=2025-04-11", "--reason", "It is of the day after", "--dry-run")
    desk.done("correct", "ru-us/visas@2", *arguments)


@contextmanager
def no_room() -> Iterator[None]:
    """Limit the size of files to a few bytes, as on a full disk."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_an_export_that_does_not_fit_names_its_file_and_leaves_none(reader: Desk) -> None:
    file = reader.folder / "backup.jsonl"
    with no_room():
        ended = reader.run("export", file, "--database", reader.database_url)
    assert (ended.code, f"{file} cannot be written" in ended.err) == (Exit.UNWRITTEN, True)
    assert list(reader.folder.iterdir()) == []


def test_a_template_that_does_not_fit_can_be_written_again(reader: Desk) -> None:
    file = reader.folder / "moscow.yaml"
    with no_room():
        assert str(file) in reader.run("report", "--template", "ru-us/moscow", file).err
    reader.done("report", "--template", "ru-us/moscow", file)
