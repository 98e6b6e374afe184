"""What is wrong with a request, in the form of RFC 9457."""

from __future__ import annotations

from schemas.answers import count, flag, many, one, text
from schemas.loading import Answer


class FaultSchema(Answer):
    """One thing that is wrong, or one gap: where, which rule, and what to do about it."""

    pointer = text("RFC 6901 pointer into the document; empty for all of it.")
    code = text("Stable; listed in the catalogue of errors.")
    message = text("A sentence. Never repeats the value.")


class ProblemSchema(Answer):
    """What is wrong with a request, and what to do next (RFC 9457)."""

    type = text("A stable address that names the kind of problem.")
    title = text()
    status = count("The HTTP status.")
    detail = text()
    instance = text("Names this occurrence, to find it in the broker's log.")
    code = text("The last part of ``type``.")
    errors = many(one(FaultSchema()))
    next_step = text("What to do about it, in words.")
    retryable = flag("Whether the same request may succeed later.")


PROBLEM = ProblemSchema()
