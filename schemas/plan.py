"""What would become of a referral that is only checked: who would get it, why and by when."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, instant, many, one, text
from schemas.loading import Answer
from schemas.problem import FaultSchema


class LegSchema(Answer):
    """One agency's part, as it would be."""

    agency = text()
    agency_name = text()
    role = code(codes.Role)
    row = text("The policy row that would make it.")
    view = text()
    held_until = instant("Until when an embargo would hold it.", nullable=True)
    clock_start = instant()
    deadlines = anything("By when each milestone would be due.")
    explanation = anything("Why this agency, and how each deadline was reckoned.")


class PlanSchema(Answer):
    """What would become of a valid referral. Nothing is stored."""

    state = code(("routed", "unroutable"))
    reason = text("Why it would be unroutable.", nullable=True)
    attend_by = instant("By when ops would have to see to it.", nullable=True)
    effective_grade = code(codes.Grade)
    defects = many(one(FaultSchema()))
    warnings = many(one(FaultSchema()))
    deliveries = many(one(LegSchema()))


PLAN = PlanSchema()
