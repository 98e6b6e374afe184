"""Whether the built site is whole: every link and anchor leads somewhere, nothing is fetched.

``python -m docs.generators.check FOLDER`` names each fault and exits with 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href"}
"""What a browser fetches by itself when it opens a page."""
_NAMES_ONLY = frozenset({"canonical", "license", "author"})
"""Links in a page's head that no browser fetches."""
_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


@dataclass(slots=True)
class Page(HTMLParser):
    """The links, anchors and fetched addresses of one page."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with a fresh parser."""
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag defines, leads to or fetches."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        attribute = _FETCHED.get(tag, "")
        if attribute in values and values.get("rel") not in _NAMES_ONLY:
            self.fetched.append(values[attribute])


def faults(folder: Path) -> list[str]:
    """Return what is wrong with the pages and style sheets in a folder, a line for each fault."""
    pages = {path.resolve(): _read(path) for path in sorted(folder.rglob("*.html"))}
    lines = [line for path, page in pages.items() for line in _page_faults(path, page, pages)]
    for sheet in sorted(folder.rglob("*.css")):
        lines += _outside(sheet, [a or b for a, b in _CSS_URL.findall(sheet.read_text("utf-8"))])
    return [line.replace(f"{folder.resolve()}/", "") for line in lines]


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _page_faults(path: Path, page: Page, pages: Mapping[Path, Page]) -> Iterator[str]:
    yield from _outside(path, page.fetched)
    for link in (*page.links, *page.fetched):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists():
            yield f"{path}: {link} leads nowhere"
        elif parts.fragment and not _has(pages.get(target), unquote(parts.fragment)):
            yield f"{path}: {link} has no such anchor"


def _has(page: Page | None, anchor: str) -> bool:
    """Tell whether a page has an anchor; a file that is no page has every one."""
    return page is None or anchor in page.anchors


def _outside(path: Path, addresses: list[str]) -> Iterator[str]:
    for address in addresses:
        parts = urlsplit(address)
        if parts.netloc or parts.scheme not in {"", "data"}:
            yield f"{path}: {address} is fetched from elsewhere"


if __name__ == "__main__":
    lines = faults(Path(sys.argv[1]))
    sys.exit("\n".join(lines) if lines else 0)
