"""What is wrong with a request, in the form of RFC 9457."""

from __future__ import annotations

from marshmallow import fields

from schemas.answers import count, flag, many, one, text
from schemas.fields import described
from schemas.loading import Answer


class FaultSchema(Answer):
    """One thing that is wrong, or one gap: where, which rule, and what to do about it."""

    pointer = text(
        "Where it is: an RFC 6901 pointer into the document; empty for the whole document."
    )
    code = text("Which rule, as a stable code of the catalogue of errors.")
    message = text("What is wrong and what to do about it. Never repeats the value.")
    treatment = fields.String(
        metadata=described(
            "What was done with a field that could not be taken as it was written, so that the "
            "referral goes on.",
            enum=["set_aside", "read", "shortened", "assumed"],
        )
    )
    original = fields.String(
        allow_none=True,
        metadata=described(
            "What was written there, at most 500 characters: in a delivery alone, for who may see "
            "the field; null where nothing was."
        ),
    )


class ProblemSchema(Answer):
    """What is wrong with a request, and what to do next (RFC 9457)."""

    type = text("A stable address that names the kind of problem.")
    title = text("The kind of problem, in words.")
    status = count("The HTTP status.")
    detail = text("What is wrong with this request.")
    instance = text(
        "Names this occurrence. Quote it when you ask for help: the broker's log has it."
    )
    code = text("The kind of problem, as the last part of `type`.")
    errors = many(
        one(FaultSchema()), "Every fault of the request; empty where there is none to list."
    )
    next_step = text("What to do about it.")
    retryable = flag("Whether the same request may succeed later.")
    reason = fields.String(
        metadata=described(
            "Of `cursor-gone`: why the feed cannot be read on from the cursor.",
            enum=["restored", "beyond-end", "old-form"],
        )
    )
    since = fields.AwareDateTime(
        allow_none=True,
        metadata=described(
            "Of `cursor-gone`: what the broker accepted after this may be missing; null where "
            "nothing is."
        ),
    )
    read_on = fields.String(
        metadata=described(
            "Of `cursor-gone`: the cursor to read on from. Some events may come a second time."
        )
    )


PROBLEM = ProblemSchema()
