"""A fact that is not known, and why: different from a fact that nobody mentioned."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Unknown(Enum):
    """Why a fact is not known. Counts as false, so that ``if child.ethnicity`` reads right."""

    NOT_ASKED = "not_asked"
    REFUSED = "refused"
    NOT_YET_KNOWN = "not_yet_known"

    def __bool__(self) -> bool:
        """Return False: there is no value here."""
        return False


def known(value: T | Unknown | None) -> T | None:
    """Return the value where there is one, and None where it is absent or not known."""
    return None if isinstance(value, Unknown) else value
