"""What the modules of the product import from outside."""

import ast
from pathlib import Path

from tests.conftest import ROOT


def outside_imports(*packages: str) -> dict[str, set[str]]:
    """Return the top names that each module imports, by its path from the root."""
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): _imported(path) for path in files}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
