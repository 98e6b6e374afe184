"""What Sphinx cannot do by itself: pages made from code, state diagrams, links into the sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docs.generators import field_guide

DOCS = Path(__file__).parents[1]
GENERATED = {"field-guide.md": field_guide.page}
"""The pages that are made from code, by file; git ignores them."""
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\s*(\w+) --> (\w+): (\w+)$", re.MULTILINE)
_RECORDS = "\n```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n"


def setup(app: Any) -> dict[str, Any]:
    """Register the generators with Sphinx."""
    app.connect("builder-inited", _write_pages)
    app.connect("source-read", _read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_pages(_: Any) -> None:
    for name, page in GENERATED.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


def _read_source(_: Any, document: str, source: list[str]) -> None:
    source[0] = _DIAGRAM.sub(lambda diagram: steps_table(diagram[1]), source[0])
    if document == "decisions/README":
        source[0] += _RECORDS


def steps_table(diagram: str) -> str:
    """Return the steps of a Mermaid state diagram as a table: no script is needed to read it."""
    steps: dict[str, list[str]] = {}
    for state, target, step in _STEP.findall(diagram):
        steps.setdefault(state, []).append(f"{step} → `{target}`")
    rows = "".join(f"| `{state}` | {', '.join(ways)} |\n" for state, ways in steps.items())
    return f"| from | steps |\n|---|---|\n{rows}"
