"""The addresses of the pages that more than one module names."""

from __future__ import annotations

ROOT = "/ops"


def own_path(text: str) -> str:
    """Return an address of our own pages, or the first of them for any other."""
    is_ours = text == ROOT or (text.startswith(f"{ROOT}/") and "\\" not in text)
    is_ours = is_ours or text.startswith(f"{ROOT}?")
    return text if is_ours and "//" not in text and text.isprintable() else ROOT
