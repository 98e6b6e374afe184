"""A place that exists: what it is, and which authority answers for children there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ELSEWHERE = "elsewhere"
"""The nation of a person outside the United Kingdom."""


class PlaceKind(StrEnum):
    """What a place is."""

    AUTHORITY = "authority"
    """It answers for children's services."""
    DISTRICT = "district"
    """A part of such an authority."""
    FORMER = "former"
    """A code that another one replaced."""
    NATION = "nation"
    COUNTRY = "country"
    """Abroad, a Crown dependency, or the United Kingdom as a whole."""
    FORCES = "forces"


@dataclass(frozen=True, slots=True)
class Place:
    """A place that exists."""

    code: str
    """A GSS code, ISO 3166-1 alpha-2, or ``BFPO``."""
    name: str
    kind: PlaceKind
    nation: str
    """``ENG``, ``WLS``, ``SCT``, ``NIR``, ``elsewhere``, or ``unknown``."""
    country: str
    """ISO 3166-1 alpha-2, or ``unknown``."""
    areas: tuple[str, ...] = ()
    """The codes a directory may serve it under; several where a former code was divided."""

    @property
    def area(self) -> str | None:
        """What the directory is asked for, or None where that is not one single area."""
        return self.areas[0] if len(self.areas) == 1 else None

    @property
    def is_abroad(self) -> bool:
        """Tell whether it is outside the United Kingdom and the Crown dependencies."""
        return self.nation == ELSEWHERE and not self.areas

    @property
    def said(self) -> str:
        """Its name and code, as people read them."""
        return f"{self.name} ({self.code})"
