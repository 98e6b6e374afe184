"""What there is to say of one call of the API: the row of the table in ``calls``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.codes import Scope

JSON = "application/json"
Handler = Callable[[Request], Awaitable[Response]]


class Tag(StrEnum):
    """The group of a call in the documentation."""

    REFERRALS = "Referrals"
    DELIVERIES = "Deliveries"
    DEADLINES = "Deadlines and escalations"
    RECONCILIATION = "Reconciliation"
    OPERATIONS = "Operations"
    SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or in a header."""

    description: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A call that a value of an answer leads to."""

    to: str
    """The operation's id."""
    parameter: str
    """Its parameter, as ``path.id``."""
    value: str
    """A runtime expression of OpenAPI, as ``$response.body#/id``."""
    description: str


@dataclass(frozen=True, slots=True)
class Gives:
    """An answer of success."""

    description: str
    kind: str | None = None
    """The kind of document; None where there is no schema."""
    media_type: str = JSON
    links: Mapping[str, Link] = field(default_factory=dict)
    location: bool = False
    """Whether the header Location leads to what was made."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its address, who may make it, what it takes and what it gives."""

    id: str
    """The operation's id, unique in the API."""
    method: str
    path: str
    handler: Handler
    tag: Tag
    summary: str
    description: str
    gives: Mapping[int, Gives]
    scopes: tuple[Scope, ...] = ()
    """A key with one of these may make the call; empty where no key is needed."""
    takes: str | None = None
    """The kind of document in the body."""
    takes_media_type: str = JSON
    problems: Mapping[int, str] = field(default_factory=dict)
    """Problems beside those that every such call has, each with its cause."""
    query: Mapping[str, Parameter] = field(default_factory=dict)
    headers: Mapping[str, Parameter] = field(default_factory=dict)
