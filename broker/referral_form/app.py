"""The form: the table of its addresses, and what surrounds them."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from broker.flow.context import Context
from broker.inbox.access import Inboxes
from broker.referral_form import (
    check_pages,
    draft_pages,
    item_removal,
    question_pages,
    rendering,
    sent_pages,
)
from broker.referral_form.access import shown, submitted
from broker.referral_form.draft_acts import AlreadySent
from broker.referral_form.rendering import ROOT
from broker.threads import FairThreads
from broker.web import assets
from broker.web.compression import Compression
from broker.web.errors import handlers

THREADS = 4
"""Ledger calls in progress at the same time."""
STATIC = Path(__file__).with_name("static")
ASSETS = {"form.css": "text/css"}


def routes() -> list[BaseRoute]:
    """Return every page. All of them need the right to publish."""
    draft, sent = "/drafts/{id}", "/sent/{id}"
    item = f"{draft}/{{part}}/{{item}}"
    post = ["POST"]
    return [
        Route("/", shown(sent_pages.show_list)),
        Route("/find", submitted(sent_pages.find), methods=post),
        Route("/new", shown(draft_pages.ask_reference)),
        Route("/new", submitted(draft_pages.begin), methods=post),
        Route(draft, shown(draft_pages.task_list)),
        Route(f"{draft}/check", shown(check_pages.show)),
        Route(f"{draft}/check", submitted(check_pages.send), methods=post),
        Route(f"{draft}/delete", shown(draft_pages.ask_delete)),
        Route(f"{draft}/delete", submitted(draft_pages.delete), methods=post),
        Route(f"{draft}/voices", shown(draft_pages.show_voices)),
        Route(f"{draft}/{{part}}", shown(question_pages.show_part)),
        Route(
            f"{draft}/{{part}}",
            submitted(question_pages.save, again=question_pages.show_again),
            methods=post,
        ),
        Route(item, shown(question_pages.show_item)),
        Route(item, submitted(question_pages.save, again=question_pages.show_again), methods=post),
        Route(f"{item}/remove", shown(item_removal.ask_remove)),
        Route(f"{item}/remove", submitted(item_removal.remove_item), methods=post),
        Route(f"{item}/{{page}}", shown(question_pages.show_item)),
        Route(
            f"{item}/{{page}}",
            submitted(question_pages.save, again=question_pages.show_again),
            methods=post,
        ),
        Route(sent, shown(sent_pages.show)),
        Route(f"{sent}/correct", submitted(sent_pages.correct), methods=post),
        Route(f"{sent}/recall", shown(sent_pages.ask_recall)),
        Route(f"{sent}/recall", submitted(sent_pages.recall), methods=post),
        Route("/static/{name}", asset),
    ]


def mount(context: Context) -> list[BaseRoute]:
    """Return the form as a part of what is served; its addresses are below those of the inbox."""
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Compression)],
        exception_handlers={**handlers(_error_page), AlreadySent: _to_sent},
    )
    app.state.inboxes = Inboxes(FairThreads(THREADS, THREADS), context)
    return [Route(ROOT, to_pages), Mount(ROOT, app)]


async def to_pages(_: Request) -> Response:
    """Lead from the address without a slash to the list."""
    return RedirectResponse(f"{ROOT}/", 308)


async def asset(request: Request) -> Response:
    """Return a style sheet."""
    return assets.asset(STATIC, ASSETS, request.path_params["name"])


async def _to_sent(_: Request, error: Exception) -> Response:
    """Lead from a draft that was sent to its referral."""
    assert isinstance(error, AlreadySent)
    return RedirectResponse(f"{ROOT}/sent/{error.referral}", 303)


async def _error_page(request: Request, status: int, title: str, message: str) -> Response:
    """Return the page of an error, with the navigation for a person who is signed in."""
    visit = getattr(request.state, "visit", None)
    return rendering.page("error", status, visit=visit, title=title, message=message)
