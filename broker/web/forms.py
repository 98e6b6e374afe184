"""Forms that people send from our pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from broker.errors import Malformed, TooLarge
from broker.web.session_cookie import NoRight

LARGEST_FORM = 16 * 1024
"""In bytes."""
MOST_FIELDS = 50
_MOST_DIGITS = 9
_FORM_TYPE = "application/x-www-form-urlencoded"


async def form_of(
    request: Request, *, largest: int = LARGEST_FORM, most: int = MOST_FIELDS
) -> Mapping[str, str]:
    """Return the fields of a form that was sent from a page of ours.

    Raises NoRight for one from another site, Malformed or TooLarge.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NoRight("This form was sent from another website.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
        raise Malformed("This is not a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise TooLarge(f"The form is over {largest} bytes.")
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=most))
    except ValueError as error:
        raise Malformed("We cannot read this form.") from error


def whole_number(text: str) -> int | None:
    """Return the number that a field of ours holds, such as a version; None where it holds none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


def check_token(form: Mapping[str, str], token: str) -> None:
    """Raise NoRight when a form is not from the session that has this token."""
    if not secrets.compare_digest(form.get("token", "").encode(), token.encode()):
        raise NoRight("This form is not from your session. Go back, reload the page and try again.")
