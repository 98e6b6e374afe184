"""Who acts and why, as every action of a person takes it: nobody acts without a reason."""

from __future__ import annotations

from broker.errors import Fault, Invalid
from broker.flow.context import Context
from broker.ledger.operator_actions import ActionContext
from schemas.shown_text import says_something, shown_line

LONGEST_REASON = 500


def new_action(
    context: Context, by: str, reason: str, expected_version: int | None = None
) -> ActionContext:
    """Return an action that begins now. Raises Invalid for its reason.

    ``expected_version`` is the version of the referral that the person saw; None for the latest.
    """
    why, now = checked_reason(reason), context.clock()
    return ActionContext(context.new_id(), shown_line(by), why, now, expected_version)


def checked_reason(text: str) -> str:
    """Return a reason as it is kept. Raises Invalid where it says nothing, or too much."""
    reason = shown_line(text)
    if not says_something(reason):
        raise invalid("reason", "missing", "Give a reason: others will read it.")
    if len(reason) > LONGEST_REASON:
        raise invalid("reason", "too-long", f"Use at most {LONGEST_REASON} characters.")
    return reason


def invalid(name: str, code: str, message: str) -> Invalid:
    """Return that one answer of a form or field of a document is not valid."""
    return Invalid(message, faults=[Fault(f"/{name}", code, message)])
