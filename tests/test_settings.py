"""Settings come from the environment, are validated together, and are all documented."""

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import get_args

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from service import settings
from service.settings import Settings, SettingsError, is_loopback, variable
from service.store.keys import new_token

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
        monkeypatch.delenv(f"{variable(field)}_FILE", raising=False)


def test_by_default_the_service_is_local_embedded_and_open() -> None:
    read = settings.read()
    assert (read.database_url, read.home, read.host, read.port) == (None, Path(".irritants"), "127.0.0.1", 8000)
    assert read.read_access == "open"


def test_an_option_overrides_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_PORT", "8001")
    assert settings.read(port=None).port == 8001
    assert settings.read(port=8002).port == 8002


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", "")
    assert settings.read().database_url is None


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("IRRITANTS_READ_ACESS", "IRRITANTS_READ_ACCESS"),
        ("IRRITANTS_DATABSE_URL", "IRRITANTS_DATABASE_URL"),
        ("irritants_read_access", "IRRITANTS_READ_ACCESS"),
        ("Irritants_Port", "IRRITANTS_PORT"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_setting(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(misspelt, "key")
    with pytest.raises(SettingsError, match=rf"unknown setting: {misspelt} \(did you mean {meant}\?\)"):
        settings.read()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "x", "IRRITANTS_PORT: must be a whole number from 0 to 65535"),
        ("PORT", "70000", "IRRITANTS_PORT: must be a whole number from 0 to 65535"),
        ("MOST_WAITERS", "-1", "IRRITANTS_MOST_WAITERS: must be a whole number, 0 or more"),
        ("READ_ACCESS", "closed", "IRRITANTS_READ_ACCESS: must be open or key"),
        ("ALLOW_OPEN_READ", "perhaps", "IRRITANTS_ALLOW_OPEN_READ: must be true or false"),
    ],
)
def test_an_invalid_setting_is_refused_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"IRRITANTS_{name}", value)
    with pytest.raises(SettingsError, match=f"^{said}$"):
        settings.read()


@pytest.mark.parametrize(
    "origin", ["https://desk.example/", "desk.example", "https://Desk.example", "ftp://desk", "null"]
)
def test_an_origin_that_no_browser_sends_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("IRRITANTS_CORS_ORIGINS", f"http://localhost:5173, {origin}")
    with pytest.raises(SettingsError, match=rf"^IRRITANTS_CORS_ORIGINS: invalid origin '{origin}'; use scheme"):
        settings.read()


def test_all_origins_and_a_single_one_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_CORS_ORIGINS", "*, https://desk.example")
    with pytest.raises(SettingsError, match=r"IRRITANTS_CORS_ORIGINS: \* allows all origins"):
        settings.read()


def kubernetes_links(service: str, ip: str, *ports: tuple[str, int, str]) -> dict[str, str]:
    """Return the variables that the kubelet sets in each pod of the namespace (`makeLinkVariables` of Kubernetes)."""
    name, host = service.upper().replace("-", "_"), f"[{ip}]" if ":" in ip else ip
    made = {f"{name}_SERVICE_HOST": ip, f"{name}_SERVICE_PORT": str(ports[0][1])}
    made[f"{name}_PORT"] = f"{ports[0][2]}://{host}:{ports[0][1]}"
    for called, number, protocol in ports:
        if called:
            made[f"{name}_SERVICE_PORT_{called.upper().replace('-', '_')}"] = str(number)
        port = f"{name}_PORT_{number}_{protocol.upper()}"
        made |= {port: f"{protocol}://{host}:{number}", f"{port}_PROTO": protocol}
        made |= {f"{port}_PORT": str(number), f"{port}_ADDR": ip}
    return made


DOCKER_LINKS = {
    "IRRITANTS_DB_NAME": "/irritants/irritants_db",
    "IRRITANTS_DB_PORT": "tcp://172.17.0.2:5432",
    "IRRITANTS_DB_PORT_5432_TCP": "tcp://172.17.0.2:5432",
    "IRRITANTS_DB_PORT_5432_TCP_ADDR": "172.17.0.2",
    "IRRITANTS_DB_PORT_5432_TCP_PORT": "5432",
    "IRRITANTS_DB_PORT_5432_TCP_PROTO": "tcp",
    "IRRITANTS_DB_PORT_9000_UDP_START": "udp://172.17.0.2:9000",
    "IRRITANTS_DB_PORT_9000_UDP_PORT_START": "9000",
    "IRRITANTS_DB_PORT_9000_UDP_END": "udp://172.17.0.2:9002",
    "IRRITANTS_DB_PORT_9000_UDP_PORT_END": "9002",
    "IRRITANTS_DB_ENV_POSTGRES_PASSWORD": "hush",
    "IRRITANTS_DB_ENV_lc_all": "C",
}
LINKS = [
    kubernetes_links("irritants", "10.0.0.1", ("http", 8000, "tcp")),
    kubernetes_links("irritants", "fd00::1", ("", 8000, "tcp")),
    kubernetes_links("irritants-service", "10.0.0.1", ("http", 80, "tcp"), ("m-3", 9, "udp"), ("s", 5, "sctp")),
    kubernetes_links("irritants-db", "10.0.0.1", ("postgresql", 5432, "tcp")),
    kubernetes_links("irritants-read-access", "10.0.0.1", ("", 5432, "tcp")),
    DOCKER_LINKS,
]


@pytest.mark.parametrize("links", LINKS)
def test_service_links_of_kubernetes_and_docker_are_ignored(
    monkeypatch: pytest.MonkeyPatch, links: dict[str, str]
) -> None:
    plain = settings.read()
    for name, value in links.items():
        monkeypatch.setenv(name, value)
    assert settings.read() == plain
    assert settings.service_links() == sorted(links)


def test_a_port_is_read_beside_the_links_of_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LINKS[0].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IRRITANTS_PORT", "8001")
    assert settings.read().port == 8001
    assert "IRRITANTS_PORT" not in settings.service_links()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IRRITANTS_DB_PORT", "5432"),
        ("IRRITANTS_SERVICE_HOST", "0.0.0.0 "),
        ("IRRITANTS_SERVICE_HOST", "db.example"),
        ("IRRITANTS_SERVICE_URL", "http://10.0.0.1"),
        ("IRRITANTS_PORT_HTTP", "tcp://10.0.0.1:8000"),
        ("IRRITANTS_DB_NAME", "record"),
        ("IRRITANTS_DB_ENV_POSTGRES_PASSWORD", "hush"),
        ("IRRITANTS_ENV", "production"),
    ],
)
def test_a_variable_that_only_resembles_a_service_link_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"unknown setting: {name}"):
        settings.read()


def test_a_setting_with_a_link_as_its_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_HOST", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("IRRITANTS_CACHE_MEGABYTES", "tcp://10.0.0.1:8000")
    with pytest.raises(SettingsError, match="IRRITANTS_CACHE_MEGABYTES"):
        settings.read()


def test_a_refusal_names_the_variable_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("IRRITANTS_KEY", key)
    with pytest.raises(SettingsError, match="IRRITANTS_KEY: invalid key; copy the whole key") as refused:
        settings.read()
    assert "whis" not in str(refused.value)


def test_line_breaks_around_a_key_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_open_reading_beyond_this_machine_needs_an_explicit_setting() -> None:
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0 can be reached from other machines"):
        settings.read(host="0.0.0.0")
    assert settings.read(host="0.0.0.0", allow_open_read=True).host == "0.0.0.0"
    assert settings.read(host="0.0.0.0", read_access="key").host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_addresses(host: str) -> None:
    assert not is_loopback(host)


def test_standbys_are_separated_although_an_address_may_contain_commas() -> None:
    several = "postgresql://a,b/record?target_session_attrs=standby , postgres://c/record"
    found = settings.read(read_database_urls=several)
    assert found.standbys == ["postgresql://a,b/record?target_session_attrs=standby", "postgres://c/record"]
    assert settings.read().standbys == []
    assert "target_session" not in repr(found)


def test_a_standby_without_a_postgresql_address_is_refused_and_not_shown() -> None:
    with pytest.raises(
        SettingsError, match="IRRITANTS_READ_DATABASE_URLS: invalid address; use postgresql://"
    ) as refused:
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
def test_any_address_that_libpq_reads_is_accepted(url: str) -> None:
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


def test_an_address_of_the_service_with_a_password_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^IRRITANTS_URL: ") as refused:
        settings.read(url="https://operator:hush@irritants.example")
    assert "hush" not in str(refused.value)


def test_proxies_are_trusted_by_address_or_network() -> None:
    assert settings.read(trusted_proxies=" 10.0.0.0/8, 192.0.2.1,::1 ").trusted_proxies == "10.0.0.0/8,192.0.2.1,::1"


@pytest.mark.parametrize("proxy", ["proxy", "*", "10.0.0.1/8", "10.0.0.1,haproxy"])
def test_a_trusted_proxy_that_is_no_address_is_refused(proxy: str) -> None:
    with pytest.raises(SettingsError, match="IRRITANTS_TRUSTED_PROXIES: invalid proxy; use an address or a network"):
        settings.read(trusted_proxies=proxy)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.read().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_the_page_of_settings_lists_every_setting(field: str) -> None:
    assert Settings.model_fields[field].description
    assert f"`{variable(field)}`" in PAGE.read_text(encoding="utf-8")


VALUES = {
    "database_url": "postgresql://operator:hush@db/record",
    "migration_database_url": "postgresql://owner:hush@db/record",
    "read_database_urls": "postgresql://operator:hush@standby/record",
    "nats_url": "nats://relay:hush@nats:4222",
    "key": "irr_1_hush",
    "initial_key": "irr_0123456789ab_hush-VpUMd0bIt7c4hJX3pQeWz8LrYk2nGfAso1uTiE5q",
}
"""A valid value with a secret for each setting that may hold one."""


def plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_every_setting_that_is_not_shown_is_a_secret_and_can_be_in_a_file() -> None:
    hidden = {
        field
        for field, about in Settings.model_fields.items()
        if not about.repr or SecretStr in get_args(about.annotation)
    }
    assert set(settings.SECRETS) == hidden == VALUES.keys()
    table = PAGE.read_text(encoding="utf-8")
    assert all(f"`{variable(field)}_FILE`" in table for field in settings.SECRETS)


@pytest.mark.parametrize("field", settings.SECRETS)
def test_a_secret_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{VALUES[field]}\n", encoding="utf-8")
    monkeypatch.setenv(f"{variable(field)}_FILE", str(file))
    read = settings.read()
    assert plain(getattr(read, field)) == VALUES[field]
    assert "hush" not in repr(read)


@pytest.mark.parametrize("field", settings.SECRETS)
def test_a_secret_that_is_set_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    file = tmp_path / "secret"
    file.write_text(VALUES[field], encoding="utf-8")
    monkeypatch.setenv(variable(field), VALUES[field])
    monkeypatch.setenv(f"{variable(field)}_FILE", str(file))
    both = f"^{variable(field)} and {variable(field)}_FILE are both set. Unset one of them$"
    with pytest.raises(SettingsError, match=both):
        settings.read()
    monkeypatch.setenv(variable(field), "")
    assert plain(getattr(settings.read(), field)) == VALUES[field]


@pytest.mark.parametrize("field", settings.SECRETS)
def test_an_option_overrides_a_file_which_is_then_not_read(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setenv(f"{variable(field)}_FILE", "/nowhere/secret")
    assert plain(getattr(settings.read(**{field: VALUES[field]}), field)) == VALUES[field]


@pytest.mark.parametrize("field", settings.SECRETS)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty. Write the secret into it"),
        (b" \n", "is empty. Write the secret into it"),
        (b"\xffhush", "is not text in UTF-8"),
        (b"hush" * 20_000, "is larger than 64 KiB"),
    ],
)
def test_a_file_that_has_no_secret_is_named_and_its_content_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str, content: bytes | None, said: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(f"{variable(field)}_FILE", str(file))
    with pytest.raises(SettingsError) as refused:
        settings.read()
    assert str(refused.value).startswith(f"{variable(field)}_FILE: the file {file} {said}")
    assert "hush" not in str(refused.value)


def test_a_folder_in_place_of_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IRRITANTS_KEY_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match=f"IRRITANTS_KEY_FILE: the file {tmp_path} cannot be read: Is a directory"):
        settings.read()


def test_an_invalid_secret_in_a_file_is_refused_with_the_variable_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("mysql://operator:hush@db/record", encoding="utf-8")
    monkeypatch.setenv("IRRITANTS_DATABASE_URL_FILE", str(file))
    with pytest.raises(SettingsError, match=r"^IRRITANTS_DATABASE_URL_FILE: invalid address") as refused:
        settings.read()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("field", [field for field in Settings.model_fields if field not in settings.SECRETS])
def test_only_a_secret_can_be_in_a_file(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setenv(f"{variable(field)}_FILE", "/dev/null")
    with pytest.raises(SettingsError, match=f"unknown setting: {variable(field)}_FILE"):
        settings.read()


def test_a_misspelt_variable_of_a_file_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_DATABSE_URL_FILE", "/run/secrets/database")
    with pytest.raises(SettingsError, match=r"\(did you mean IRRITANTS_DATABASE_URL_FILE\?\)"):
        settings.read()


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("changeme", "a key is `irr_`, twelve digits"),
        ("irr_0123456789ab_tooshort", "a key is `irr_`, twelve digits"),
        ("irr_0123456789AB_" + "Vp0UMd0bIt7c4hJX3pQeWz8LrYk2nGfAso1uTiE5qwx", "a key is `irr_`, twelve digits"),
        ("irr_0123456789ab_" + "a" * 43, "its secret has only 1 different characters"),
        ("irr_0123456789ab_" + "12345678" * 6, "its secret has only 8 different characters"),
        ("irr_0123456789ab_" + "hush-hush-my-dear-" * 3, "its secret repeats itself"),
        ("irr_0123456789ab_" + "0123456789abcdef" * 4, "its secret repeats itself"),
        ("irr_0123456789ab_abcdefghijklmnopqrstuvwxyz01234567890123456789012", "its secret counts through"),
    ],
)
def test_a_weak_first_key_is_refused_with_the_reason_and_how_to_make_one(key: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.read(initial_key=key)
    assert str(refused.value).startswith(f"IRRITANTS_INITIAL_KEY: weak or invalid key: {why}")
    assert "Make one with `irritants key generate`" in str(refused.value)
    assert key not in str(refused.value)
    assert key[17:] not in str(refused.value) or len(key) < 17


@pytest.mark.parametrize(
    "make", [new_token, lambda: f"irr_{token_hex(6)}_{token_hex(32)}"], ids=["irritants", "openssl"]
)
def test_a_random_first_key_is_strong(make: Callable[[], str]) -> None:
    for _ in range(200):
        key = make()
        assert plain(settings.read(initial_key=key).initial_key) == key


@pytest.mark.parametrize("field", ["database_url", "migration_database_url", "read_database_urls"])
def test_test_mode_is_refused_for_another_database_than_the_embedded_one(field: str) -> None:
    with pytest.raises(SettingsError, match=f"IRRITANTS_TEST_MODE works only with .* Unset {variable(field)}"):
        settings.read(test_mode=True, **{field: "postgresql://db/record"})


def test_test_mode_is_off_by_default_and_has_a_folder_of_its_own() -> None:
    assert not settings.read().test_mode
    plain, tests = settings.read(home="/data"), settings.read(home="/data", test_mode=True)
    assert (plain.record_home, tests.record_home) == (Path("/data"), Path("/data/test-mode"))
    assert plain.signing_key != tests.signing_key
