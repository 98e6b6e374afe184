"""The check of the built site names every fault, and none where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generators.check import faults


def page(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"<!doctype html><title>t</title>{body}", encoding="utf-8")


def test_links_anchors_and_own_files_are_in_order(tmp_path: Path) -> None:
    page(tmp_path, "b.html", '<h2 id="there">t</h2>')
    (tmp_path / "a.css").write_text("a{background:url(data:image/png;base64,AA)}", encoding="utf-8")
    page(
        tmp_path,
        "a.html",
        '<link rel="stylesheet" href="a.css"><a id="top" href="#top">t</a>'
        '<a href="b.html#there">t</a><a href="https://www.example.org/">elsewhere</a>',
    )
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="no.html">t</a>', "a.html: no.html leads nowhere"),
        ('<a href="#no">t</a>', "a.html: #no has no such anchor"),
        (
            '<script src="https://cdn.example.org/x.js"></script>',
            "a.html: https://cdn.example.org/x.js is fetched from elsewhere",
        ),
        (
            '<img src="//cdn.example.org/x.png">',
            "a.html: //cdn.example.org/x.png is fetched from elsewhere",
        ),
    ],
)
def test_each_fault_is_named(tmp_path: Path, body: str, fault: str) -> None:
    page(tmp_path, "a.html", body)
    assert faults(tmp_path) == [fault]


def test_a_style_sheet_may_fetch_nothing_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@import 'https://fonts.example.org/x.css';", encoding="utf-8")
    assert faults(tmp_path) == ["a.css: https://fonts.example.org/x.css is fetched from elsewhere"]
