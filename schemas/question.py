"""What agencies ask the police, and the answers."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, count, identifier, instant, many, one, text
from schemas.loading import Answer


class QuestionSchema(Answer):
    """A question of an agency about what it has of a referral."""

    id = identifier("The ID of the question.")
    delivery = identifier("The ID of the delivery that it is about.")
    referral = identifier("The ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    agency = text("The code of the agency that asks.")
    agency_name = text("Its name.")
    asked_at = instant("When it was asked.")
    asked_by = text("The person who asks.")
    topic = code(codes.QuestionTopic, "What it is about.")
    answered_at = instant("When it was answered; null while it is open.", nullable=True)
    answered_by = text("The person who answered.", nullable=True)
    answer = text("The answer in words, if there is one.", nullable=True)
    version = count("The version of the referral that answers, if one does.", nullable=True)
    closed_at = instant("When it was closed without an answer; else null.", nullable=True)
    closed_because = code(
        codes.QuestionEnd,
        "Why the agency that asked has the referral no longer; null unless it is closed.",
        nullable=True,
    )
    text = text("The question, in words.")


class QuestionsSchema(Answer):
    """Questions of agencies."""

    questions = many(one(QuestionSchema()), "Questions, the latest first.")


QUESTION = QuestionSchema()
QUESTIONS = QuestionsSchema()
