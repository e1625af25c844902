"""Settings come from the environment, hold together, and are all told to whoever runs the service."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from service import settings
from service.settings import Settings, SettingsError, is_loopback, variable

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def test_without_any_variable_the_service_is_local_embedded_and_open() -> None:
    read = settings.read()
    assert (read.database_url, read.home, read.host, read.port) == (None, Path(".irritants"), "127.0.0.1", 8000)
    assert read.read_access == "open"


def test_a_variable_counts_and_an_option_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_PORT", "8001")
    assert settings.read(port=None).port == 8001
    assert settings.read(port=8002).port == 8002


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", "")
    assert settings.read().database_url is None


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_READ_ACESS", "key")
    with pytest.raises(SettingsError, match="no such setting: IRRITANTS_READ_ACESS"):
        settings.read()


def test_a_refusal_names_the_variable_and_never_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", "mysql://operator:hush@db/record")
    monkeypatch.setenv("IRRITANTS_PORT", "eighty")
    with pytest.raises(SettingsError) as refused:
        settings.read()
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        "IRRITANTS_DATABASE_URL",
        "IRRITANTS_PORT",
    ]
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("key", ["irr_1_whis\nper", "irr_1_whis per", "irr_1_whispér"])
def test_a_key_that_fits_no_header_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("IRRITANTS_KEY", key)
    with pytest.raises(SettingsError, match="IRRITANTS_KEY: a key is of letters") as refused:
        settings.read()
    assert "whis" not in str(refused.value)


def test_a_line_break_around_a_key_is_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_KEY", "irr_1_whisper\n")
    key = settings.read().key
    assert key is not None
    assert key.get_secret_value() == "irr_1_whisper"
    monkeypatch.setenv("IRRITANTS_KEY", "\n")
    assert settings.read().key is None


def test_settings_in_a_log_show_no_secret() -> None:
    shown = repr(settings.read(database_url="postgresql://operator:hush@db/record", key="irr_1_whisper"))
    assert "hush" not in shown
    assert "whisper" not in shown


def test_open_reading_beyond_this_machine_must_be_meant() -> None:
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0 can be reached from other machines"):
        settings.read(host="0.0.0.0")
    assert settings.read(host="0.0.0.0", allow_open_read=True).host == "0.0.0.0"
    assert settings.read(host="0.0.0.0", read_access="key").host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_standbys_are_told_apart_although_an_address_may_hold_commas() -> None:
    several = "postgresql://a,b/record?target_session_attrs=standby , postgres://c/record"
    found = settings.read(read_database_urls=several)
    assert found.standbys == ["postgresql://a,b/record?target_session_attrs=standby", "postgres://c/record"]
    assert settings.read().standbys == []
    assert "target_session" not in repr(found)


def test_a_standby_that_is_no_postgresql_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="IRRITANTS_READ_DATABASE_URLS: a standby is named as") as refused:
        settings.read(read_database_urls="mysql://operator:hush@db/record")
    assert "hush" not in str(refused.value)


ADDRESSES = [
    "postgresql://",
    "postgresql://db/record",
    "postgres://operator:hu%25sh@db:5432/record?sslmode=require",
    "postgresql://operator:hu#[s?h@db/record",
    "postgresql://operator@/record?host=/run/postgresql&port=5432",
    "postgresql://a:1,[::1]:2,c/record?target_session_attrs=any",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_libpq_can_read_is_one(url: str) -> None:
    conninfo_to_dict(url)
    assert settings.read(database_url=url, read_database_urls=url).database_url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://operator:hush%zz@db/record",
        "postgresql://operator:hush%@db/record",
        "postgresql://operator:hush%00@db/record",
        "postgresql://operator:hush me@db/record",
        "postgresql://operator:hush/me@db/record",
        "postgresql://operator:me@hush@db/record",
        "postgresql://db:hush/record",
        "postgresql://[::1hush/record",
        "postgresql://db/record?password=hush%zz",
        "host=db password=hush",
    ],
)
@pytest.mark.parametrize("field", ["database_url", "migration_database_url", "read_database_urls"])
def test_an_address_that_libpq_would_quote_in_its_refusal_is_refused_and_not_shown(url: str, field: str) -> None:
    with pytest.raises(SettingsError, match=f"^{settings.variable(field)}: ") as refused:
        settings.read(**{field: url})
    assert "hush" not in str(refused.value)


def test_the_address_of_the_service_holds_no_password() -> None:
    with pytest.raises(SettingsError, match=r"^IRRITANTS_URL: ") as refused:
        settings.read(url="https://operator:hush@irritants.example")
    assert "hush" not in str(refused.value)


def test_proxies_are_trusted_by_address_or_network() -> None:
    assert settings.read(trusted_proxies=" 10.0.0.0/8, 192.0.2.1,::1 ").trusted_proxies == "10.0.0.0/8,192.0.2.1,::1"


@pytest.mark.parametrize("proxy", ["proxy", "*", "10.0.0.1/8", "10.0.0.1,haproxy"])
def test_a_proxy_that_is_no_address_would_be_trusted_by_nobody_and_is_refused(proxy: str) -> None:
    with pytest.raises(SettingsError, match="IRRITANTS_TRUSTED_PROXIES: a proxy is named by its address or network"):
        settings.read(trusted_proxies=proxy)


def test_what_was_read_stays_as_it_is() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.read().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_told_in_the_readme(field: str) -> None:
    assert Settings.model_fields[field].description
    assert f"`{variable(field)}`" in README.read_text()
