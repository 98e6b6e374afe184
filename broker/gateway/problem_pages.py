"""A page for each kind of problem: what it means, and what to do next.

The path is that of the problem's ``type``, and every problem's header ``Link`` leads to it.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from broker.gateway.problems import KINDS, PATH, Meaning

EXPLANATIONS: Mapping[str, str] = {
    "malformed": "The body, or something in the address, is not of the form that this call takes. "
    "Nothing was stored.",
    "denied": "There was no key, or the key is wrong, has expired or was revoked. We do not say "
    "which, so that nobody can try keys.",
    "forbidden": "The key is good, but it was issued for other calls. Each call in the "
    "documentation says which scopes it needs.",
    "not-found": "There is no such record, or it belongs to another organisation. We do not say "
    "which. Or the address is misspelt.",
    "method-not-allowed": "The address is right, but this method is not one of those that it has. "
    "The header Allow lists them.",
    "too-slow": "The request did not arrive completely within the time limit, so we stopped "
    "reading it.",
    "conflict": "Something has changed since you last looked, or this step is not possible now. "
    "Nothing was changed. 'errors' says what stands in the way.",
    "policy": "The request is in order, but the published policy and directory have no answer to "
    "it.",
    "beyond-calendar": "A deadline would end after the last day for which the policy knows bank "
    "holidays or term dates. We do not guess it.",
    "redirect-refused": "This part of the referral must not go to the agency that was named. "
    "'errors' has the reason, and docs/errors.md explains its code.",
    "reference-conflict": "You have sent another document under this reference or idempotency key "
    "before. We did not store the new one as a referral.",
    "cursor-gone": "The feed cannot be read on from this cursor, for example because the broker "
    "was restored to an earlier point.",
    "too-large": "The body is over the size limit. 'detail' says how much is allowed.",
    "unsupported-media-type": "The body is compressed, or its headers name another media type than "
    "this call takes. 'detail' says which to send.",
    "head-too-large": "The address and the headers together are over the size limit.",
    "invalid": "One or more fields are wrong. 'errors' lists every fault at once: where it is, a "
    "code, and a sentence.",
    "prohibited-content": "The body holds a picture, a film, a link to one, or encoded content. It "
    "may be unlawful to hold, so we never carry it. We kept its digest, size and reason alone.",
    "throttled": "This key, or this address, has made more calls than it may at once. Nothing was "
    "changed.",
    "clock-apart": "This gateway has stopped accepting referrals, because its clock differs from "
    "the ledger's. Other gateways work.",
    "misconfigured": "A service that the broker needs refuses it, for example because of a wrong "
    "password. The broker's team must act.",
    "unavailable": "The broker, or a service that it needs, does not respond at the moment. What "
    "we had accepted before is safe.",
    "internal": "An error that we had not planned for. We have recorded it. The same request may "
    "work later; it is safe to repeat.",
}
"""What each kind of problem means to the person who reads it."""
STYLE = (
    "body{max-width:40em;margin:2em auto;padding:0 1em;font:1.1rem/1.5 sans-serif}"
    "code{overflow-wrap:anywhere}dt{font-weight:bold}dd{margin:0 0 1em}"
)
_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


async def page(request: Request) -> HTMLResponse:
    """Return the page of a kind of problem; with 404 the list of all where there is none."""
    code = request.path_params["code"]
    if code not in EXPLANATIONS:
        return _html("Problems", "<p>There is no such kind of problem.</p>" + _list(), 404)
    return _html(KINDS[code].title, _body(code, KINDS[code]))


async def index(_: Request) -> HTMLResponse:
    """Return the list of every kind of problem."""
    return _html("Problems", _list())


ROUTES = (Route(PATH, index), Route(f"{PATH}/{{code}}", page))
"""Beside the calls: pages for people are no part of the API."""


def _body(code: str, means: Meaning) -> str:
    repeat = "Yes, it may succeed later." if means.retryable else "No: change something first."
    facts = {
        "Code": f"<code>{code}</code>",
        "Status": str(means.status),
        "What it means": html.escape(EXPLANATIONS[code]),
        "What to do next": html.escape(means.next_step),
        "Repeat the same request?": repeat,
    }
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    return f'<dl>{rows}</dl><p><a href="{PATH}">All problems</a></p>'


def _list() -> str:
    items = "".join(
        f'<li><a href="{PATH}/{code}">{html.escape(KINDS[code].title)}</a> <code>{code}</code></li>'
        for code in EXPLANATIONS
    )
    return f'<ul>{items}</ul><p><a href="/docs">The API</a></p>'


def _html(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{html.escape(title)} – Referral broker</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return HTMLResponse(text, status, headers=headers)
