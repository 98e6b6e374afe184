"""Style sheets, scripts and icons: of the pages themselves, and those that all pages share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.responses import FileResponse, Response

from broker.errors import NotFound

SHARED = Path(__file__).with_name("static")
GOVUK = "govuk.css"
"""The GOV.UK components, compiled from ``deploy/styles/govuk.scss``."""


def asset(folder: Path, types: Mapping[str, str], name: str) -> Response:
    """Return a file of a folder, or one that all pages share. Raises NotFound.

    ``types`` is the media type of each file by name.
    """
    if name not in types and name != GOVUK:
        raise NotFound("This file does not exist.")
    path = SHARED / name if name == GOVUK else folder / name
    headers = {"Cache-Control": "public, max-age=3600"}
    return FileResponse(path, media_type=types.get(name, "text/css"), headers=headers)
