"""What the tests of pictures look for in their markup."""

import re
from html import unescape
from typing import Any

from broker.dashboard.pictures.picture import Picture
from broker.dashboard.rendering import environment

STYLED = re.compile(r"\sstyle=|<style|<script|\son\w+=|(?:fill|stroke)=\"(?!none|url\(#)")
"""What no picture has: a style in place, a script, or a colour that is no class."""


def figure(picture: Picture) -> str:
    """Return a picture as a page has it."""
    module: Any = environment().get_template("ops/pictures.html").module
    return str(module.figure(picture))


def texts(markup: str) -> list[str]:
    """Return the texts of a drawing, in order."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", markup)]


def check(picture: Picture, *, most_bytes: int) -> str:
    """Check what holds for every picture; return its markup."""
    markup = figure(picture)
    assert STYLED.search(markup) is None
    assert len(markup.encode()) <= most_bytes
    names = set(re.findall(r'\sid="([^"]+)"', markup))
    assert len(names) == len(re.findall(r'\sid="([^"]+)"', markup))
    assert set(re.findall(r"url\(#([^)]+)\)", markup)) <= names
    assert f'aria-labelledby="{picture.name}-finding"' in markup or not picture.drawings
    for row in picture.table.rows:
        assert len(row) == len(picture.table.columns)
    return markup
