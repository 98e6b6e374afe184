"""Addresses of our own pages, which a request may name to be led back to."""

from __future__ import annotations


def own_path(text: str, root: str) -> str:
    """Return an address of our own pages below a root, or the root itself for any other."""
    is_ours = text == root or (text.startswith(f"{root}/") and "\\" not in text)
    is_ours = is_ours or text.startswith(f"{root}?")
    return text if is_ours and "//" not in text and text.isprintable() else root
