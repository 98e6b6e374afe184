"""How the documentation site is built: ``make docs``. Warnings are errors there."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from broker import __version__  # noqa: E402
from docs.generators import site  # noqa: E402

project = "Referral broker"
copyright = "2026 The referral broker contributors"
release = version = __version__
language = "en_GB"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "generators"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nitpicky = True
numfig = False
smartquotes = False

html_theme = "furo"
html_title = "Referral broker"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d5b8f",
        "color-brand-content": "#1d5b8f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8ec7f2",
        "color-brand-content": "#8ec7f2",
    },
}

setup = site.setup
