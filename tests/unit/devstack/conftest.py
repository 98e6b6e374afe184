"""What these tests share with those of the SDK: a gateway that follows a script."""

from __future__ import annotations

from tests.unit.sdk.conftest import script

__all__ = ["script"]
