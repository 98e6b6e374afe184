"""The addresses of the pages that more than one module names."""

from __future__ import annotations

ROOT = "/ops"
