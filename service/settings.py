"""What the operator decides, read once from the environment and handed down.

Nothing else reads the environment (a test holds that), so what a process does follows from its arguments alone.
A variable with our prefix that no setting has is refused: a misspelt IRRITANTS_READ_ACCESS must not leave a record
open to all. The variables that Kubernetes and Docker derive from the name of a service are ignored: see `links`.
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
    """Refuses what libpq would refuse in a sentence that quotes the address, or half of a password as host or port."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError(
            "is postgresql://user:password@host:port/database, where in a password / @ % and blanks are written as"
            " %2F %40 %25 %20"
        )
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database)]
_BETWEEN = re.compile(r"\s*,\s*(?=postgres(?:ql)?://)")
"""An address may hold commas of its own, between hosts."""


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
"""How addresses of the service begin; empty for the root."""
_PREFIX = re.compile(r"(?=.{1,200}\Z)(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")
_MAY_BEGIN_A_PREFIX = frozenset({"irritants"})
"""`/irritants/` is followed by a relation, and no address begins with one. After `/v1/` or `/sources/` come words that
addresses begin with, so it could not be told whether a proxy stripped the prefix."""


def path_prefix(text: str) -> str | None:
    """Return a path that the service can be served below, without a slash at its end; None where this is none."""
    path = text.removesuffix("/")
    first = path.partition("/")[2].partition("/")[0]
    is_free = first not in OWN_PATHS or first in _MAY_BEGIN_A_PREFIX
    return path if _PREFIX.fullmatch(path) and is_free else None


class SettingsError(Exception):
    """The settings do not hold together; the message names each variable and what is wrong with it."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL that holds the record, 15 to 18; without it the embedded one is started under HOME",
    )
    migration_database_url: DatabaseUrl | None = Field(
        default=None,
        repr=False,
        description="the same database as the role that owns its tables, for `migrate`; default: DATABASE_URL",
    )
    read_database_urls: SecretStr | None = Field(
        default=None,
        description="standbys of DATABASE_URL that may be read, with commas between; what they do not have yet is read"
        " from that",
    )
    home: Path = Field(
        default=Path(".irritants"), description="folder of the embedded database; `~` in it is no home folder"
    )
    checkpoint_key: Path | None = Field(
        default=None,
        description="file of the key that signs checkpoints, made at its first use; default: in HOME, where the"
        " database is the embedded one, else none",
    )
    nats_url: SecretStr | None = Field(
        default=None, description="servers of NATS that `relay` publishes to, with commas between; may hold a password"
    )
    host: str = Field(default="127.0.0.1", description="address to serve on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to serve on; 0 takes a free one")
    read_access: Literal["open", "key"] = Field(
        default="open", description="`open`: anybody who reaches the address may read; `key`: reading needs a key too"
    )
    allow_open_read: bool = Field(
        default=False, description="says that `open` is meant on an address that is not loopback; else it is refused"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of the proxies in front, with commas between; what they say in"
        " X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Prefix is believed",
    )
    root_path: str = Field(
        default="",
        description="path below which a proxy serves this, such as /irritants, whether or not the proxy strips it",
    )
    poll_interval: int = Field(
        default=15,
        ge=0,
        le=3600,
        description="seconds between two questions that the service suggests to whoever polls",
    )
    answers_per_minute: int = Field(
        default=60_000,
        ge=0,
        description="answers with a body that one key gets in a minute from one process, 304 not counted; 0: no bound",
    )
    most_waiters: int = Field(
        default=10_000, ge=0, description="requests and streams that may wait for news in one process; more get 503"
    )
    cache_megabytes: int = Field(
        default=64, ge=0, description="what one process keeps of rendered answers; the least recently used go first"
    )
    url: str = Field(
        default="http://127.0.0.1:8000", description="service that the commands which read and report talk to"
    )
    key: SecretStr | None = Field(default=None, description="key that those commands show it")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- it cannot tell a service link from a setting
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- there is none
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- there is none
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=_variables())

    @field_validator("key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        # A file that a key is kept in ends with a line break; what is wrong within it would be told with the key.
        shown = key.get_secret_value().strip() if key else ""
        if not all("!" <= character <= "~" for character in shown):
            raise ValueError("a key is of letters, digits and signs of ASCII, without blanks and line breaks")
        return SecretStr(shown) if shown else None

    @field_validator("url")
    @classmethod
    def reject_credentials_in_url(cls, url: str) -> str:
        # It would be shown wherever the service cannot be reached, and take the place of the key.
        if re.match(r"[^/]*//[^/]*@", url):
            raise ValueError(f"an address without a user and a password; the key is in {PREFIX}KEY")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: str) -> str:
        # A name would be trusted by nobody, and without a word.
        named = [proxy.strip() for proxy in proxies.split(",") if proxy.strip()]
        for proxy in named:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as wrong:
                raise ValueError(f"a proxy is named by its address or network, like 10.0.0.0/8: {wrong}") from None
        return ",".join(named)

    @field_validator("root_path")
    @classmethod
    def _root_path_is_a_prefix(cls, path: str) -> str:
        if path in ("", "/"):
            return ""
        prefix = path_prefix(path)
        if prefix is None:
            raise ValueError(
                f"{path[:60]!r} is no path to serve below; use letters, digits and . _ ~ - after each slash, such as"
                " /irritants or /desk/irritants, 200 characters at most, and not an address of the service like /v1"
            )
        return prefix

    @field_validator("read_database_urls")
    @classmethod
    def _standbys_are_addresses(cls, urls: SecretStr | None) -> SecretStr | None:
        if urls is not None and not all(_ADDRESS.fullmatch(url) for url in _apart(urls)):
            raise ValueError("a standby is named as postgresql://…, several with commas between")
        return urls

    @property
    def standbys(self) -> list[str]:
        """The addresses of the standbys that may be read."""
        return [] if self.read_database_urls is None else _apart(self.read_database_urls)

    @property
    def signing_key(self) -> Path | None:
        """Where the key that signs checkpoints lies. None: with a database of one's own it lies where one says."""
        if self.checkpoint_key is None and self.database_url is None:
            return self.home / "checkpoint.key"
        return self.checkpoint_key

    @model_validator(mode="after")
    def _open_read_is_meant(self) -> Self:
        if self.read_access == "open" and not self.allow_open_read and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, and everybody there could read: set"
                f" {PREFIX}READ_ACCESS=key, or {PREFIX}ALLOW_OPEN_READ=true if that is meant"
            )
        return self


def read(**given: object) -> Settings:
    """The settings of this process; an option of the command line that is not None goes before its variable."""
    _refuse_misspelt_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as refused:
        raise SettingsError("\n".join(_sentence(error) for error in refused.errors())) from None


def _apart(urls: SecretStr) -> list[str]:
    return _BETWEEN.split(urls.get_secret_value().strip())


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def links() -> list[str]:
    """Return the variables that Kubernetes or Docker made of the name of a service, such as IRRITANTS_SERVICE_HOST.

    They say nothing about this process, so they count as not set, even IRRITANTS_PORT=tcp://10.0.0.1:8000.
    """
    ours = _ours()
    made = {name for name, value in ours.items() if any(n.fullmatch(name) and v.fullmatch(value) for n, v in _LINKS)}
    # Docker hands on the variables of a linked container, with any value, but only beside the container's NAME.
    handed_on = tuple(f"{name.removesuffix('NAME')}ENV_" for name in made if name.endswith("_NAME"))
    return sorted(made | {name for name in ours if name.startswith(handed_on)})


def as_utf8(text: str) -> str:
    """Return an argument or a variable as UTF-8 text, whatever the locale; bytes that are not UTF-8 stay as they are.

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
        raise SettingsError(f"no such setting: {named}. Correct or unset it. Allowed: {', '.join(sorted(known))}")


def _suggestion(name: str) -> str:
    # Without the prefix, which makes any two names alike.
    nearest = get_close_matches(name[len(PREFIX) :].lower(), Settings.model_fields, n=1)
    return f" (did you mean {variable(nearest[0])}?)" if nearest else ""


def _sentence(error: ErrorDetails) -> str:
    """One refusal without the value refused, which may be a secret."""
    reason = error["msg"].removeprefix("Value error, ")
    return f"{variable(str(error['loc'][0]))}: {reason}" if error["loc"] else reason
