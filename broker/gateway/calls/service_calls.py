"""The rows of the table about the service itself; they need no key."""

from __future__ import annotations

from broker.gateway import (
    api_page,
    operations,
)
from broker.gateway.call import JSON, Call, Gives, Tag

SERVICE = (
    Call(
        id="checkLiveness",
        method="GET",
        path="/livez",
        handler=operations.livez,
        tag=Tag.SERVICE,
        summary="Check that the process runs",
        description="Answers without asking the ledger.",
        gives={200: Gives("The process runs.", "readiness")},
    ),
    Call(
        id="checkReadiness",
        method="GET",
        path="/readyz",
        handler=operations.readyz,
        tag=Tag.SERVICE,
        summary="Check that the process can do its work",
        description="Answers 503 while the ledger does not answer or no policy is published.",
        gives={200: Gives("The process can do its work.", "readiness")},
    ),
    Call(
        id="readKeys",
        method="GET",
        path="/v1/keys",
        handler=operations.keys,
        tag=Tag.SERVICE,
        summary="Read the keys that verify copies in queues",
        description=(
            "Returns the broker's public keys as a JWKS (RFC 7517). Each copy in an agency's queue "
            "is signed with one of them. Needs no key."
        ),
        gives={200: Gives("The public keys in use.", "key-set")},
    ),
    Call(
        id="readDescription",
        method="GET",
        path="/openapi.json",
        handler=operations.openapi_document,
        tag=Tag.SERVICE,
        summary="Read this description",
        description="Returns the OpenAPI document of this API.",
        gives={200: Gives("The OpenAPI document.", media_type=JSON)},
    ),
    Call(
        id="readDocumentation",
        method="GET",
        path="/docs",
        handler=api_page.page,
        tag=Tag.SERVICE,
        summary="Read this description as a page",
        description="Returns the documentation of this API for people.",
        gives={200: Gives("The page.", media_type="text/html")},
    ),
)
