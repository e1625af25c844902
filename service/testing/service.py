"""The interface of a service that runs for tests, in a container or as a process."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from service.client import Irritants, Receipt
from service.client.transport import trusted_certificates
from service.settings import variable

_RESET: Final = "/v1/test/reset"
_RESET_SECONDS: Final = 60


class ServiceError(Exception):
    """The service did not start, does not run, or cannot be reset. The message says why."""


def needs(what: str, extra: str, missing: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error for a package that is not installed, with the extra that brings it."""
    return ModuleNotFoundError(
        f"{what} needs the package {missing.name}. Install the wheel again with the extra `{extra}`, for example:"
        f' pip install "irritants-VERSION-py3-none-any.whl[{extra}]"',
        name=missing.name,
    )


def http_client(url: str) -> httpx2.Client:
    """Return an HTTP client for the service at an address."""
    return httpx2.Client(base_url=url, verify=trusted_certificates(url))


class ServiceForTests(ABC):
    """A service in test mode. Use it in a `with` block, or call `start` and `stop`.

    `seeds`: a report file or a folder of them that the record begins with, `"none"` for an empty record. Without it,
    the record has the five irritants between Russia and the United States. `settings` are further settings of the
    service, such as `read_access="key"` for IRRITANTS_READ_ACCESS.
    """

    key: str
    """The key to send as `Authorization: Bearer …`. It has all permissions."""

    def __init__(self, *, seeds: Path | str | None = None, key: str | None = None, **settings: object) -> None:
        self.key = key or f"irr_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
        self.seeds = None if seeds is None or str(seeds) == "none" else Path(seeds).resolve()
        self.is_empty = str(seeds) == "none"
        self.settings = settings
        self.was_used = False  # the fixture for pytest sets the record back only after the first test
        self._clients: list[Irritants] = []

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the service, such as http://127.0.0.1:32768. Raises ServiceError."""

    @abstractmethod
    def start(self) -> Self:
        """Start the service, and return when it answers. Raises ServiceError."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the service. Its record is removed."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.close_clients()
        self.stop()

    def client(self) -> Irritants:
        """Return a client with the key. It is closed at the end of the `with` block."""
        client = Irritants(self.url, key=self.key, patience=10)
        self._clients.append(client)
        return client

    def close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()

    def file(self, report: Mapping[str, Any]) -> Receipt:
        """File a report. Raises the exceptions of `Irritants.file`, whose text names every mistake."""
        with Irritants(self.url, key=self.key, patience=10) as client:
            return client.file(report)

    def reset(self) -> None:
        """Set the record back to its seeds, in about a quarter of a second. ETags and cursors of before are refused."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with http_client(self.url) as http:
            answer = http.post(_RESET, headers=headers, timeout=_RESET_SECONDS)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            raise ServiceError(
                "the service cannot be reset, because it is not in test mode. Start it with"
                f" {variable('test_mode')}=true"
            )
        if not answer.is_success:
            raise ServiceError(f"the service cannot be reset, it answered {answer.status_code}: {answer.text}")

    def environment(self) -> dict[str, object]:
        """Return the settings of the service."""
        return {"test_mode": "true", "initial_key": self.key, **self.settings}
