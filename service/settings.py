"""The settings: environment variables that begin with IRRITANTS_. They are read once and passed on as arguments.

Each secret can also be in a file, which a variable with `_FILE` at its end names (`SECRETS`).

No other module reads the environment. A test checks that. An unknown variable with this prefix is refused, because a
misspelt IRRITANTS_READ_ACCESS would leave a record open. Variables that Kubernetes and Docker make from the name of a
service are ignored (see `service_links`).
"""

import ipaddress
import os
import re
from collections.abc import Collection
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "IRRITANTS_"
_HOSTS = r"(?:\[[^\]\s]*\]|[^\s\[\]:/?@,]*)(?::[0-9]*)?"
_ADDRESS = re.compile(
    rf"(?!.*%(?![0-9A-Fa-f]{{2}}))(?!.*%00)postgres(?:ql)?://(?:[^\s/@]*@)?{_HOSTS}(?:,{_HOSTS})*(?:/[^\s@?]*)?(?:\?\S*)?"
)


def _valid_address(url: str) -> str:
    """Refuse an invalid address. The message of libpq would show the address or parts of the password."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError(
            "invalid address; use postgresql://user:password@host:port/database, and in the password write"
            " / as %2F, @ as %40, % as %25 and a blank as %20"
        )
    return url


_SECRET: Final = object()
"""Marks a setting that may hold a secret."""
DatabaseUrl = Annotated[str, AfterValidator(_valid_address)]
_SEPARATOR = re.compile(r"\s*,\s*(?=postgres(?:ql)?://)")
"""The comma between two addresses. An address can have commas between its hosts, too."""


# Parts of the variables in `_SERVICE_LINKS`.
_SERVICE = rf"{PREFIX}(?:[A-Z0-9_]+_)?"
_OF_A_PORT = rf"{_SERVICE}PORT_[0-9]+_(?:TCP|UDP|SCTP)"
_URL, _IP, _NUMBER = r"(?:tcp|udp|sctp)://\S+:[0-9]+", r"[0-9.]+|[0-9A-Fa-f:.]+", r"[0-9]+"
_SERVICE_LINKS = tuple(
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
"""The names and values of variables that Kubernetes (`makeLinkVariables`) and Docker (`--link`) make."""
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
        "search",
        "sign-in",
        "sign-out",
        "sources",
        "static",
        "v1",
    ]
) | {""}
"""The first segments of all paths of the service. "" is the root."""
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?=.{1,200}\Z)(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")
_ALLOWED_FIRST_SEGMENTS = frozenset({"irritants"})
"""First segments of the service that a prefix may begin with, too. Others are refused, because the service must see
whether the proxy has stripped the prefix: the rest of `/sources/changes` is itself a path of the service, `/changes`.
The rest of `/irritants/ru-us` is none: no path begins with a relation."""


def path_prefix(text: str) -> str | None:
    """Return a path to serve below, without a slash at its end. None if the text is not a valid prefix."""
    path = text.removesuffix("/")
    first = path.partition("/")[2].partition("/")[0]
    is_free = first not in OWN_PATHS or first in _ALLOWED_FIRST_SEGMENTS
    return path if _PREFIX.fullmatch(path) and is_free else None


_OF_A_FILE: Final = "_FILE"
_MOST_BYTES: Final = 1 << 16
_KEY: Final = re.compile(r"irr_[0-9a-f]{12}_(?P<secret>[A-Za-z0-9_-]{43,128})")
_FEWEST_CHARACTERS: Final = 10
"""Different characters of a secret. A random one of this length has fewer once in a million millions."""
_MAKE_A_KEY: Final = (
    "Make one with `irritants key generate`, or with: echo irr_$(openssl rand -hex 6)_$(openssl rand -hex 32)"
)


class SettingsError(Exception):
    """The settings are invalid. The message names each variable and its mistake."""


class Settings(BaseSettings):
    """The settings of a process. The variable of a field is its name in capitals with IRRITANTS_ in front."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: Annotated[DatabaseUrl | None, _SECRET] = Field(
        default=None,
        repr=False,
        description="the PostgreSQL (15 to 18) with the record; default: an embedded one in HOME",
    )
    migration_database_url: Annotated[DatabaseUrl | None, _SECRET] = Field(
        default=None,
        repr=False,
        description="the same database as the owner of its tables, for `irritants migrate`; default: DATABASE_URL",
    )
    read_database_urls: Annotated[SecretStr | None, _SECRET] = Field(
        default=None,
        description="standbys of DATABASE_URL to read from, separated by commas; DATABASE_URL serves all other reads",
    )
    home: Path = Field(
        default=Path(".irritants"), description="folder of the embedded database; write a home folder in full, not as ~"
    )
    checkpoint_key: Path | None = Field(
        default=None,
        description="file of the key that signs checkpoints, made if it is missing; default: checkpoint.key in HOME if"
        " the database is the embedded one, else none",
    )
    nats_url: Annotated[SecretStr | None, _SECRET] = Field(
        default=None, description="NATS servers that `relay` publishes to, separated by commas; may contain a password"
    )
    relay_clearance: str = Field(
        default="open", description="handling label up to which `relay` publishes events; others as position and time"
    )
    audit_log: Path | None = Field(
        default=None,
        description="file to which reads by readers who see restricted events are logged, as JSON lines; default: the"
        " log on standard error",
    )
    host: str = Field(default="127.0.0.1", description="address to serve on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to serve on; 0 takes a free one")
    read_access: Literal["open", "key"] = Field(
        default="open", description="`open`: reading needs no key; `key`: reading needs a key"
    )
    allow_open_read: bool = Field(
        default=False, description="confirms `open` on an address that is not loopback; without it that is refused"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of the proxies in front, separated by commas; their X-Forwarded-For,"
        " X-Forwarded-Proto and X-Forwarded-Prefix are trusted",
    )
    cors_origins: str = Field(
        default="",
        description="origins of web pages that may read this record in a browser, separated by commas; * for all",
    )
    root_path: str = Field(
        default="",
        description="path below which a proxy serves this service, such as /irritants; the proxy may strip it or not",
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
        description="memory for rendered responses in one process; the least recently used are removed first",
    )
    url: str = Field(
        default="http://127.0.0.1:8000",
        description="address of the service that the commands for reading and reporting call",
    )
    key: Annotated[SecretStr | None, _SECRET] = Field(default=None, description="key that these commands send")
    initial_key: Annotated[SecretStr | None, _SECRET] = Field(
        default=None,
        description="first key of a record that has no key, with all permissions; `irritants key generate` makes one",
    )
    seeds: Path | None = Field(
        default=None,
        description="file or folder of reports that an empty record begins with, or `none`; default: five irritants",
    )
    test_mode: bool = Field(
        default=False,
        description="serves a record for tests, beside the one in HOME, which POST /v1/test/reset sets back",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- it would read service links as settings
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- not used
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- not used
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=_variables(init_settings().keys()))

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: SecretStr | None) -> SecretStr | None:
        # A key from a file may end with a line break. For an invalid key, the error of the HTTP client would show it.
        shown = key.get_secret_value().strip() if key else ""
        if not all("!" <= character <= "~" for character in shown):
            raise ValueError("invalid key; copy the whole key, without blanks and line breaks")
        return SecretStr(shown) if shown else None

    @field_validator("initial_key")
    @classmethod
    def _check_initial_key(cls, key: SecretStr | None) -> SecretStr | None:
        shown = key.get_secret_value().strip() if key else ""
        if shown and (weakness := _weakness(shown)) is not None:
            raise ValueError(f"weak or invalid key: {weakness}. {_MAKE_A_KEY}")
        return SecretStr(shown) if shown else None

    @field_validator("url")
    @classmethod
    def reject_credentials_in_url(cls, url: str) -> str:
        # Error messages show the address. The HTTP client would send a password in it instead of the key.
        if re.match(r"[^/]*//[^/]*@", url):
            raise ValueError(f"invalid address; remove the user and the password, and put the key into {PREFIX}KEY")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: str) -> str:
        # Refuse host names. They would never match, and no error would show it.
        named = [proxy.strip() for proxy in proxies.split(",") if proxy.strip()]
        for proxy in named:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as wrong:
                raise ValueError(f"invalid proxy; use an address or a network, such as 10.0.0.0/8: {wrong}") from None
        return ",".join(named)

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: str) -> str:
        # Browsers send an origin without a path. With a slash at its end it would never match.
        named = [origin.strip() for origin in origins.split(",") if origin.strip()]
        for origin in named:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"invalid origin {origin[:100]!r}; use scheme, host and port in lower case, without a path, such as"
                    " https://desk.example or http://localhost:5173"
                )
        if "*" in named and len(named) > 1:
            raise ValueError("* allows all origins; leave out the others, or the *")
        return ",".join(named)

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, path: str) -> str:
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
    def _check_standbys(cls, urls: SecretStr | None) -> SecretStr | None:
        if urls is not None and not all(_ADDRESS.fullmatch(url) for url in _split_addresses(urls)):
            raise ValueError("invalid address; use postgresql://…, and separate several with commas")
        return urls

    @property
    def standbys(self) -> list[str]:
        """The addresses of the standbys to read from."""
        return [] if self.read_database_urls is None else _split_addresses(self.read_database_urls)

    @property
    def has_seeds(self) -> bool:
        """Whether an empty record begins with reports."""
        return self.seeds != Path("none")

    @property
    def record_home(self) -> Path:
        """The folder of the embedded database. In test mode it is another one, so no test touches the record."""
        return self.home / "test-mode" if self.test_mode else self.home

    @property
    def signing_key(self) -> Path | None:
        """The file of the key that signs checkpoints. None if there is no such setting and no embedded database."""
        if self.checkpoint_key is None and self.database_url is None:
            return self.record_home / "checkpoint.key"
        return self.checkpoint_key

    @model_validator(mode="after")
    def _refuse_unconfirmed_open_read(self) -> Self:
        if self.read_access == "open" and not self.allow_open_read and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, and reading would need no key. Set"
                f" {PREFIX}READ_ACCESS=key, or confirm with {PREFIX}ALLOW_OPEN_READ=true"
            )
        return self

    @model_validator(mode="after")
    def _refuse_tests_on_another_database(self) -> Self:
        for field in ("database_url", "migration_database_url", "read_database_urls"):
            if self.test_mode and getattr(self, field) is not None:
                raise ValueError(
                    f"{PREFIX}TEST_MODE works only with the embedded database, because a reset removes the record."
                    f" Unset {_name(field)}, or {PREFIX}TEST_MODE"
                )
        return self


def _is_secret(field: str) -> bool:
    return _SECRET in Settings.model_fields[field].metadata


SECRETS: Final = tuple(filter(_is_secret, Settings.model_fields))
"""The settings that may hold a secret. Each can also be the content of a file."""


def read(**given: object) -> Settings:
    """Return the settings. `given`: options of a command, which replace variables unless None. Raises SettingsError."""
    _refuse_misspelt_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as refused:
        raise SettingsError("\n".join(_sentence(error) for error in refused.errors())) from None


def environment(**given: object) -> dict[str, str]:
    """Return the environment for another process of the service: that of this one, with only the given settings."""
    others = {name: value for name, value in os.environ.items() if name not in _with_prefix()}
    return others | {variable(field): str(value) for field, value in given.items()}


def _split_addresses(urls: SecretStr) -> list[str]:
    return _SEPARATOR.split(urls.get_secret_value().strip())


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + field.upper()


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address is a loopback one, which only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def service_links() -> list[str]:
    """Return the variables that Kubernetes or Docker made from the name of a service, such as IRRITANTS_SERVICE_HOST.

    They are not settings of this process and are ignored, even IRRITANTS_PORT=tcp://10.0.0.1:8000.
    """
    ours = _with_prefix()
    links = {
        name
        for name, value in ours.items()
        if any(names.fullmatch(name) and values.fullmatch(value) for names, values in _SERVICE_LINKS)
    }
    # Docker also adds all variables of a linked container with the prefix …_ENV_, if it sets …_NAME.
    copied = tuple(f"{name.removesuffix('NAME')}ENV_" for name in links if name.endswith("_NAME"))
    return sorted(links | {name for name in ours if name.startswith(copied)})


def as_utf8(text: str) -> str:
    """Return the text of an argument or a variable, decoded as UTF-8. If it is not UTF-8, return it unchanged.

    Python decodes them in the encoding of the locale. With LC_ALL=C or ISO 8859, Cyrillic would be garbled. Do not use
    this for file names, because Python must encode them in the same way again.
    """
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return text


def _with_prefix() -> dict[str, str]:
    """Return the variables with the prefix, also in lower case: `irritants_port` is a misspelt IRRITANTS_PORT."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def _variables(given: Collection[str] = ()) -> dict[str, str]:
    """Return the settings from the environment, by field, without those that are given as options.

    An empty variable counts as not set. Raises SettingsError for a file that cannot be read.
    """
    ours, ignored = _with_prefix(), service_links()
    # A path stays in the encoding of the locale (see `as_utf8`).
    found = {
        field: ours[name] if Path in (about.annotation, *get_args(about.annotation)) else as_utf8(ours[name])
        for field, about in Settings.model_fields.items()
        if ours.get(name := variable(field)) and name not in ignored
    }
    for field in SECRETS:
        name = variable(field) + _OF_A_FILE
        if (path := ours.get(name)) and field not in given:
            if field in found:
                raise SettingsError(f"{variable(field)} and {name} are both set. Unset one of them")
            found[field] = _content(name, path)
    return found


def _content(name: str, path: str) -> str:
    """Return the secret in a file, without blanks and line breaks around it. Raises SettingsError."""
    file = f"{name}: the file {as_utf8(path)}"
    try:
        with Path(path).open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeError:
        raise SettingsError(f"{file} is not text in UTF-8") from None
    except ValueError as error:  # the path itself, for example with a NUL
        raise SettingsError(f"{file} cannot be read: {error}") from None
    if len(content) > _MOST_BYTES:
        raise SettingsError(f"{file} is larger than {_MOST_BYTES >> 10} KiB. Name a file with only the secret in it")
    if not text:
        raise SettingsError(f"{file} is empty. Write the secret into it, or unset {name}")
    return text


def _weakness(key: str) -> str | None:
    """Return why a key that an operator chose is too weak or has another form. None if it is neither."""
    form = _KEY.fullmatch(key)
    if form is None:
        return (
            "a key is `irr_`, twelve digits 0-9 or letters a-f, `_`, and a secret of 43 to 128 letters, digits, `-` and"
            " `_`"
        )
    secret = form["secret"]
    different = len(set(secret))
    if different < _FEWEST_CHARACTERS:
        return f"its secret has only {different} different characters"
    if any(secret.startswith(secret[n:]) for n in range(1, len(secret) // 2 + 1)):
        return "its secret repeats itself"
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    if 2 * max(map(steps.count, (1, -1))) > len(steps):
        return "its secret counts through the letters or digits"
    return None


def _refuse_misspelt_variables() -> None:
    known = {variable(field) for field in Settings.model_fields}
    known |= {variable(field) + _OF_A_FILE for field in SECRETS}
    unknown = sorted(_with_prefix().keys() - known - set(service_links()))
    if unknown:
        named = ", ".join(f"{name}{_suggestion(name)}" for name in unknown)
        raise SettingsError(f"unknown setting: {named}. Correct or unset it. Allowed: {', '.join(sorted(known))}")


def _suggestion(name: str) -> str:
    # Compare without the prefix, which all names have.
    fields = [*Settings.model_fields, *(f"{field}{_OF_A_FILE.lower()}" for field in SECRETS)]
    nearest = get_close_matches(name[len(PREFIX) :].lower(), fields, n=1)
    return f" (did you mean {variable(nearest[0])}?)" if nearest else ""


def _sentence(error: ErrorDetails) -> str:
    """Return the message for one mistake. It does not show the value, which may be a secret."""
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    field = str(error["loc"][0])
    own = error["msg"].removeprefix("Value error, ") if error["type"] == "value_error" else ""
    return f"{_name(field)}: {own or f'must be {_allowed(field)}'}"


def _name(field: str) -> str:
    """Return the variable that sets a setting: the one that names a file if it is set, else the usual one."""
    of_a_file = variable(field) + _OF_A_FILE
    return of_a_file if field in SECRETS and os.environ.get(of_a_file) else variable(field)


def _allowed(field: str) -> str:
    """Return the allowed values of a setting: its choices, its range of numbers, or else its description."""
    info = Settings.model_fields[field]
    if get_origin(info.annotation) is Literal:
        return " or ".join(get_args(info.annotation))
    if info.annotation is bool:
        return "true or false"
    if info.annotation is int:
        low, high = (next((getattr(m, end) for m in info.metadata if hasattr(m, end)), None) for end in ("ge", "le"))
        return f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more"
    return f"valid ({info.description})"
