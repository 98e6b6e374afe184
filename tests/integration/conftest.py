"""The acceptance cases' world serves here as well."""

from tests.acceptance.conftest import world

__all__ = ["world"]
