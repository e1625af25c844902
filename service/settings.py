"""What the operator decides, read once from the environment and handed down.

Nothing else reads the environment (a test holds that), so what a process does follows from its arguments alone.
A variable with our prefix that no setting has is refused: a misspelt IRRITANTS_READ_ACCESS must not leave a record
open to all.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

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


class SettingsError(Exception):
    """The settings do not hold together; the message names each variable and what is wrong with it."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

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
        " X-Forwarded-For and X-Forwarded-Proto is believed",
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
    def _nobody_signs_in_by_the_address(cls, url: str) -> str:
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


def _refuse_misspelt_variables() -> None:
    known = {variable(field) for field in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _sentence(error: ErrorDetails) -> str:
    """One refusal without the value refused, which may be a secret."""
    reason = error["msg"].removeprefix("Value error, ")
    return f"{variable(str(error['loc'][0]))}: {reason}" if error["loc"] else reason
