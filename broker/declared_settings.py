"""Settings that a channel or an intake declares for itself, in its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class DeclaredSetting:
    """One variable of the environment."""

    name: str
    """Such as ``BROKER_MESH_MAILBOX``; a secret one may come from a file."""
    meaning: str
    """For docs/operations.md."""
    is_needed: bool = True
    """Whether what declares it cannot work without."""
    is_secret: bool = False


class DeclaresSettings:
    """Something that is opened only where its settings are complete."""

    settings: ClassVar[tuple[DeclaredSetting, ...]] = ()

    @classmethod
    def missing(cls, values: Mapping[str, str]) -> list[str]:
        """Return the variables that are needed and have no value."""
        return [
            setting.name
            for setting in cls.settings
            if setting.is_needed and not values.get(setting.name)
        ]
