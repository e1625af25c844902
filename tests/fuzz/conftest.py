"""A key for the record that is tried, as in the tests of the interface."""

from tests.api.conftest import engine, make_key

__all__ = ["engine", "make_key"]
