"""Run the real service for the tests of another program: in a container, or as a process on this machine.

    from service.testing import IrritantsContainer, IrritantsProcess

    with IrritantsProcess() as irritants:
        irritants.file(report)
        assert irritants.client().status("ru-us/visas").status == "formalised"

Both have the same attributes and methods (`ServiceForTests`). IrritantsContainer needs the extra `testing`, and the
image with a database (`make standalone`). IrritantsProcess needs the extra `embedded`. `fixtures` has a fixture for
pytest.
"""

from typing import TYPE_CHECKING

from service.testing.process import IrritantsProcess
from service.testing.service import ServiceError, ServiceForTests

if TYPE_CHECKING:
    from service.testing.container import IrritantsContainer

__all__ = ["IrritantsContainer", "IrritantsProcess", "ServiceError", "ServiceForTests"]


def __getattr__(name: str) -> object:
    """Import the container when it is used, because testcontainers may not be installed."""
    if name == "IrritantsContainer":
        from service.testing.container import IrritantsContainer  # noqa: PLC0415

        return IrritantsContainer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
