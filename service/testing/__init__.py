"""Run the real service for the tests of another program: in a container, or as a process on this machine.

    from service.testing import IrritantsContainer, IrritantsProcess

    with IrritantsProcess() as irritants:
        irritants.file(report)
        assert irritants.client().status("ru-us/visas").status == "formalised"

Both have the same attributes and methods (`ServiceForTests`). IrritantsContainer needs the extra `testing`, and the
image with a database (`make standalone`). IrritantsProcess needs the extra `embedded`. `fixtures` has a fixture for
pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.testing.container import IrritantsContainer
    from service.testing.process import IrritantsProcess
    from service.testing.service import ServiceError, ServiceForTests

__all__ = ["IrritantsContainer", "IrritantsProcess", "ServiceError", "ServiceForTests"]

_MODULES: Final = {
    "IrritantsContainer": "container",
    "IrritantsProcess": "process",
    "ServiceError": "service",
    "ServiceForTests": "service",
}


def __getattr__(name: str) -> object:
    """Import a class when it is used: testcontainers may not be installed, and `child.py` needs none of them."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
