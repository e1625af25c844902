"""The standalone image as a container of testcontainers."""

import re
import time
from pathlib import Path
from typing import Final, Self

import httpx2

from service.settings import variable
from service.testing.service import ServiceError, ServiceForTests, http_client, needs

try:
    from testcontainers.core.container import DockerContainer
except ModuleNotFoundError as missing:
    raise needs("IrritantsContainer", "testing", missing) from missing

IMAGE: Final = "irritants:standalone"
_PORT: Final = 8000
_FIXTURES: Final = "/fixtures"
_MARK: Final = ".fixtures"
"""A hidden file, so that the folder exists in the container even if it has no report."""
_START_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05


class IrritantsContainer(ServiceForTests, DockerContainer):
    """Run the standalone image. Needs the extra `testing`. See `ServiceForTests` for the other arguments.

    It is a DockerContainer, so `with_network`, `with_name` and the other methods of testcontainers work. The seeds are
    copied into the container, so it can run on another machine (DOCKER_HOST).
    """

    def __init__(
        self, image: str = IMAGE, *, seeds: Path | str | None = None, key: str | None = None, **settings: object
    ) -> None:
        ServiceForTests.__init__(self, seeds=seeds, key=key, **settings)
        DockerContainer.__init__(self, image)
        self._url: str | None = None
        self.with_exposed_ports(_PORT)
        for field, value in self.environment().items():
            self.with_env(variable(field), str(value))
        if self.is_empty:
            self.with_env(variable("seeds"), "none")
        elif self.seeds is not None:
            self.with_copy_into_container(b"", f"{_FIXTURES}/{_MARK}")
            for name, content in _files(self.seeds):
                self.with_copy_into_container(content, f"{_FIXTURES}/{name}")
            self.with_env(variable("seeds"), _FIXTURES)

    @property
    def url(self) -> str:
        if self._url is None:
            raise ServiceError("the container is not running; use it in a `with` block, or call start()")
        return self._url

    def start(self) -> Self:
        DockerContainer.start(self)
        address = f"http://{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"
        until = time.monotonic() + _START_SECONDS
        with http_client(address) as http:
            while not self._is_ready(http):
                if time.monotonic() > until:
                    raise ServiceError(f"the service is not ready after {_START_SECONDS} seconds: {self._log()}")
                time.sleep(_POLL_SECONDS)
        self._url = address
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:  # noqa: FBT001, FBT002 -- as in testcontainers
        self._url = None
        self.close_clients()
        DockerContainer.stop(self, force, delete_volume)

    def _is_ready(self, http: httpx2.Client) -> bool:
        self.reload()
        if self.status == "exited":
            raise ServiceError(f"the service ended: {self._log()}")
        try:
            return http.get("/readyz").is_success
        except httpx2.TransportError:
            return False

    def _log(self) -> str:
        """Return the end of the log. It names the reports by their paths on this machine."""
        log = b"".join(self.get_logs()).decode(errors="replace")[-2_000:]
        if self.seeds is None:
            return log
        folder = self.seeds if self.seeds.is_dir() else self.seeds.parent
        return re.sub(rf"(?<![^\s]){_FIXTURES}(?=[:/])", lambda _: str(folder), log)


def _files(seeds: Path) -> list[tuple[str, bytes]]:
    """Return the names and contents of the files in a folder, or of one file. Raises ServiceError."""
    try:
        files = sorted(each for each in seeds.iterdir() if each.is_file()) if seeds.is_dir() else [seeds]
        return [(file.name, file.read_bytes()) for file in files]
    except OSError as error:
        raise ServiceError(f"{error.filename or seeds}: cannot be read: {error.strerror or error}") from error
