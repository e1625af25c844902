"""The settings, read once from the environment and passed on as arguments.

No other module reads the environment, which a test enforces. An unknown variable with our prefix is refused: a misspelt
IRRITANTS_READ_ACCESS would otherwise leave a record open. Variables that Kubernetes and Docker derive from the name of
a service are ignored: see `links`.
"""

import ipaddress
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "IRRITANTS_"
_HOSTS = r"(?:\[[^\]\s]*\]|[^\s\[\]:/?@,]*)(?::[0-9]*)?"
_ADDRESS = re.compile(
    rf"(?!.*%(?![0-9A-Fa-f]{{2}}))(?!.*%00)postgres(?:ql)?://(?:[^\s/@]*@)?{_HOSTS}(?:,{_HOSTS})*(?:/[^\s@?]*)?(?:\?\S*)?"
)


def _database(url: str) -> str:
    """Refuse an invalid address here, because the message of libpq would show the address or parts of the password."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError(
            "invalid address; use postgresql://user:password@host:port/database, and in the password write"
            " / as %2F, @ as %40, % as %25 and a blank as %20"
        )
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database)]
_BETWEEN = re.compile(r"\s*,\s*(?=postgres(?:ql)?://)")
"""Separates addresses. An address may contain commas between its hosts."""


_SERVICE = rf"{PREFIX}(?:[A-Z0-9_]+_)?"
_OF_A_PORT = rf"{_SERVICE}PORT_[0-9]+_(?:TCP|UDP|SCTP)"
_URL, _IP, _NUMBER = r"(?:tcp|udp|sctp)://\S+:[0-9]+", r"[0-9.]+|[0-9A-Fa-f:.]+", r"[0-9]+"
_LINKS = tuple(
    (re.compile(name), re.compile(value))
    for name, value in (
        (rf"{_SERVICE}SERVICE_HOST", _IP),
        (rf"{_SERVICE}SERVICE_PORT(?:_[A-Z0-9_]+)?", _NUMBER),
        (rf"{_SERVICE}PORT", _URL),
        (rf"{_OF_A_PORT}(?:_START|_END)?", _URL),
        (rf"{_OF_A_PORT}_PROTO", r"tcp|udp|sctp"),
        (rf"{_OF_A_PORT}_PORT(?:_START|_END)?", _NUMBER),
        (rf"{_OF_A_PORT}_ADDR", _IP),
        (rf"{_SERVICE}NAME", r"/\S+/\S+"),
    )
)
"""Names and values of service links: `makeLinkVariables` of Kubernetes, and `--link` of Docker."""
OWN_PATHS = frozenset(
    [
        "changes",
        "correct",
        "docs",
        "events",
        "file",
        "healthz",
        "help",
        "irritants",
        "metrics",
        "openapi.json",
        "problems",
        "readyz",
        "relations",
        "reports",
        "retract",
        "rounds",
        "sign-in",
        "sign-out",
        "sources",
        "static",
        "v1",
    ]
) | {""}
"""The first segments of the addresses of the service. Empty for the root."""
_PREFIX = re.compile(r"(?=.{1,200}\Z)(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")
_MAY_BEGIN_A_PREFIX = frozenset({"irritants"})
"""Segments that are allowed as the first of a prefix. `/irritants/` is followed by a relation, with which no address
begins. After `/v1/` or `/sources/` the rest could be an address, so a stripped prefix could not be recognised."""


def path_prefix(text: str) -> str | None:
    """Return a path to serve below, without a slash at its end. None if the text is not a valid one."""
    path = text.removesuffix("/")
    first = path.partition("/")[2].partition("/")[0]
    is_free = first not in OWN_PATHS or first in _MAY_BEGIN_A_PREFIX
    return path if _PREFIX.fullmatch(path) and is_free else None


class SettingsError(Exception):
    """The settings are invalid. The message names each variable and its mistake."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL (15 to 18) that holds the record; default: the embedded one, started in HOME",
    )
    migration_database_url: DatabaseUrl | None = Field(
        default=None,
        repr=False,
        description="the same database, as the role that owns its tables, for `migrate`; default: DATABASE_URL",
    )
    read_database_urls: SecretStr | None = Field(
        default=None,
        description="standbys of DATABASE_URL to read from, separated by commas; it serves what they lack",
    )
    home: Path = Field(
        default=Path(".irritants"), description="folder of the embedded database; `~` is not replaced by a home folder"
    )
    checkpoint_key: Path | None = Field(
        default=None,
        description="file of the key that signs checkpoints, made at its first use; default: in HOME if the database"
        " is the embedded one, else none",
    )
    nats_url: SecretStr | None = Field(
        default=None, description="NATS servers that `relay` publishes to, separated by commas; may contain a password"
    )
    host: str = Field(default="127.0.0.1", description="address to serve on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to serve on; 0 takes a free one")
    read_access: Literal["open", "key"] = Field(
        default="open", description="`open`: reading needs no key; `key`: reading needs a key"
    )
    allow_open_read: bool = Field(
        default=False, description="confirms `open` on an address that is not loopback, which is refused otherwise"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of the proxies in front, separated by commas; their X-Forwarded-For,"
        " X-Forwarded-Proto and X-Forwarded-Prefix are trusted",
    )
    root_path: str = Field(
        default="",
        description="path that a proxy serves this service below, such as /irritants, stripped by the proxy or not",
    )
    poll_interval: int = Field(
        default=15,
        ge=0,
        le=3600,
        description="seconds between two requests that the service suggests to polling clients",
    )
    answers_per_minute: int = Field(
        default=60_000,
        ge=0,
        description="rate limit: responses with a body for one key in a minute, in one process; 0: no limit",
    )
    most_waiters: int = Field(
        default=10_000,
        ge=0,
        description="requests and streams that can wait for a change in one process; more are answered 503",
    )
    cache_megabytes: int = Field(
        default=64,
        ge=0,
        description="memory for rendered responses in one process; the least recently used are dropped first",
    )
    url: str = Field(
        default="http://127.0.0.1:8000",
        description="address of the service that the commands for reading and reporting call",
    )
    key: SecretStr | None = Field(default=None, description="key that these commands send")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- it does not distinguish service links from settings
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- there is none
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- there is none
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=_variables())

    @field_validator("key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        # A key from a file may end with a line break. Without this check the HTTP client would show an invalid key.
        shown = key.get_secret_value().strip() if key else ""
        if not all("!" <= character <= "~" for character in shown):
            raise ValueError("invalid key; use letters, digits and signs of ASCII, without blanks and line breaks")
        return SecretStr(shown) if shown else None

    @field_validator("url")
    @classmethod
    def reject_credentials_in_url(cls, url: str) -> str:
        # Error messages show the address, and a password in it would replace the key.
        if re.match(r"[^/]*//[^/]*@", url):
            raise ValueError(f"invalid address; remove the user and the password, and put the key into {PREFIX}KEY")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: str) -> str:
        # A host name would never match, without an error.
        named = [proxy.strip() for proxy in proxies.split(",") if proxy.strip()]
        for proxy in named:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as wrong:
                raise ValueError(f"invalid proxy; use an address or a network, such as 10.0.0.0/8: {wrong}") from None
        return ",".join(named)

    @field_validator("root_path")
    @classmethod
    def _root_path_is_a_prefix(cls, path: str) -> str:
        if path in ("", "/"):
            return ""
        prefix = path_prefix(path)
        if prefix is None:
            raise ValueError(
                f"invalid path {path[:60]!r}; use letters, digits and . _ ~ - after each slash, such as"
                " /irritants or /desk/irritants, 200 characters at most, and not an address of the service like /v1"
            )
        return prefix

    @field_validator("read_database_urls")
    @classmethod
    def _standbys_are_addresses(cls, urls: SecretStr | None) -> SecretStr | None:
        if urls is not None and not all(_ADDRESS.fullmatch(url) for url in _apart(urls)):
            raise ValueError("invalid address; use postgresql://…, and separate several with commas")
        return urls

    @property
    def standbys(self) -> list[str]:
        """The addresses of the standbys to read from."""
        return [] if self.read_database_urls is None else _apart(self.read_database_urls)

    @property
    def signing_key(self) -> Path | None:
        """The file of the key that signs checkpoints. None without a file and an embedded database."""
        if self.checkpoint_key is None and self.database_url is None:
            return self.home / "checkpoint.key"
        return self.checkpoint_key

    @model_validator(mode="after")
    def _open_read_is_meant(self) -> Self:
        if self.read_access == "open" and not self.allow_open_read and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, and reading would need no key; set"
                f" {PREFIX}READ_ACCESS=key, or confirm with {PREFIX}ALLOW_OPEN_READ=true"
            )
        return self


def read(**given: object) -> Settings:
    """Return the settings. `given`: options, which replace variables unless None. Raises SettingsError."""
    _refuse_misspelt_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as refused:
        raise SettingsError("\n".join(_sentence(error) for error in refused.errors())) from None


def _apart(urls: SecretStr) -> list[str]:
    return _BETWEEN.split(urls.get_secret_value().strip())


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + field.upper()


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address is that of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def links() -> list[str]:
    """Return the variables that Kubernetes or Docker made of the name of a service, such as IRRITANTS_SERVICE_HOST.

    They do not configure this process, so they count as not set, even IRRITANTS_PORT=tcp://10.0.0.1:8000.
    """
    ours = _ours()
    made = {name for name, value in ours.items() if any(n.fullmatch(name) and v.fullmatch(value) for n, v in _LINKS)}
    # Docker passes on the variables of a linked container, with any value, but only together with its NAME.
    handed_on = tuple(f"{name.removesuffix('NAME')}ENV_" for name in made if name.endswith("_NAME"))
    return sorted(made | {name for name in ours if name.startswith(handed_on)})


def as_utf8(text: str) -> str:
    """Return an argument or a variable as UTF-8 text in every locale. Bytes that are not UTF-8 stay as they are.

    Python decodes both as the locale says. Under LC_ALL=C or an ISO 8859 locale Cyrillic would be filed garbled.
    File names must not pass through here: Python has to encode them as it decoded them.
    """
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return text


def _ours() -> dict[str, str]:
    """Return the variables with our prefix, in any case: `irritants_port` is a misspelt IRRITANTS_PORT."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def _variables() -> dict[str, str]:
    """Return the settings that the environment has, by field. An empty variable counts as not set."""
    ours, ignored = _ours(), links()
    return {
        field: ours[name] if Path in (about.annotation, *get_args(about.annotation)) else as_utf8(ours[name])
        for field, about in Settings.model_fields.items()
        if ours.get(name := variable(field)) and name not in ignored
    }


def _refuse_misspelt_variables() -> None:
    known = {variable(field) for field in Settings.model_fields}
    unknown = sorted(_ours().keys() - known - set(links()))
    if unknown:
        named = ", ".join(f"{name}{_suggestion(name)}" for name in unknown)
        raise SettingsError(f"unknown setting: {named}. Correct or unset it. Allowed: {', '.join(sorted(known))}")


def _suggestion(name: str) -> str:
    # Without the prefix, which makes any two names alike.
    nearest = get_close_matches(name[len(PREFIX) :].lower(), Settings.model_fields, n=1)
    return f" (did you mean {variable(nearest[0])}?)" if nearest else ""


def _sentence(error: ErrorDetails) -> str:
    """Return the message for one mistake, without the value, which may be a secret."""
    reason = error["msg"].removeprefix("Value error, ")
    return f"{variable(str(error['loc'][0]))}: {reason}" if error["loc"] else reason
