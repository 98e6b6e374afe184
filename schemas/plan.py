"""What would become of a referral that is only checked: who would get it, why and by when."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, instant, many, one, text
from schemas.loading import Answer
from schemas.problem import FaultSchema


class LegSchema(Answer):
    """One agency's part, as it would be."""

    agency = text("The code of the agency.")
    agency_name = text("The name of the agency.")
    role = code(
        codes.Role, "Whether the agency would have to act, or would have a copy for information."
    )
    row = text("The ID of the routing rule that applies.")
    view = text("The name of the view: which fields it would be shown.")
    held_until = instant("Until when an embargo would hold it back.", nullable=True)
    clock_start = instant("From when its deadlines would count.")
    deadlines = anything("By when each milestone would be due.")
    explanation = anything("Why this agency, and how each deadline was worked out.")


class PlanSchema(Answer):
    """What would become of a valid referral. Nothing is stored."""

    state = code(("routed", "unroutable"), "Whether agencies match: `routed`, or `unroutable`.")
    reason = text("Why no agency matches, as a code.", nullable=True)
    attend_by = instant("By when ops would have to find an owner.", nullable=True)
    effective_grade = code(codes.Grade, "The grade that the deadlines would follow.")
    defects = many(one(FaultSchema()), "What the referral lacks.")
    warnings = many(one(FaultSchema()), "Where the facts of the referral contradict each other.")
    deliveries = many(one(LegSchema()), "Each agency's part, as it would be delivered.")


PLAN = PlanSchema()
