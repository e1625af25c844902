"""A key for the tested record, from the fixtures of the API."""

from tests.api.conftest import engine, make_key

__all__ = ["engine", "make_key"]
