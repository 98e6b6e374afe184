"""Errors as pages: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker.errors import (
    BrokerError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PolicyError,
    Unavailable,
)
from broker.telemetry import error_fields, logger
from broker.web.session_cookie import NoRight, NotSignedIn

SORRY = "Sorry, there is a problem with the service"
Titles = tuple[tuple[type[BrokerError], int, str], ...]
"""The status and the title of each kind of error, the narrow kinds before the wide ones."""
TITLES: Titles = (
    (NotSignedIn, 401, "You are not signed in"),
    (NoRight, 403, "You do not have permission"),
    (Denied, 403, "This is not possible"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Nothing was changed"),
    (PolicyError, 409, "No agency matches under the current policy"),
    (Invalid, 422, "There is a problem"),
    (Unavailable, 503, "The broker’s database is not responding"),
)
ErrorPage = Callable[[Request, int, str, str], Awaitable[Response]]
"""Makes the page of an error from the request, the status, the title and the text."""
_log = logger("pages")


def handlers(error_page: ErrorPage, titles: Titles = TITLES) -> Mapping[Any, Any]:
    """Return what a Starlette application shows for each kind of exception."""

    async def on_broker_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, BrokerError)
        status, title = next(
            ((status, title) for kind, status, title in titles if isinstance(error, kind)),
            (500, SORRY),
        )
        if status >= 500:
            _log.warning("unavailable", **error_fields(error))
        return await error_page(request, status, title, error.message)

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            title, text = "You cannot send a form to this page", "Go back and try again."
        else:
            title, text = "Page not found", "Check the web address."
        return await error_page(request, error.status_code, title, text)

    async def on_error(request: Request, error: Exception) -> Response:
        """The log gets the class of the error, never its text."""
        number = request.state.request_id
        _log.error("unexpected", request_id=number, **error_fields(error))
        text = (
            f"Try again later. If it happens again, give your administrator this number: {number}"
        )
        return await error_page(request, 500, SORRY, text)

    return {BrokerError: on_broker_error, HTTPException: on_http_error, Exception: on_error}
