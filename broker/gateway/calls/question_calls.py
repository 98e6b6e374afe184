"""The rows of the table about what agencies ask the police."""

from __future__ import annotations

from broker.gateway import questions
from broker.gateway.call import Call, Gives, Link, Parameter, Tag
from broker.gateway.calls.parts import LIMIT, PUBLISH, PUBLISHER_OR_OPS

QUESTIONS = (
    Call(
        id="listQuestions",
        method="GET",
        path="/v1/questions",
        handler=questions.listed,
        tag=Tag.REFERRALS,
        summary="List what agencies ask",
        description=(
            "Returns what agencies ask about your referrals, the latest first. Your feed says "
            "when there is a new question, with `delivery.question_asked`; it holds no words. "
            "A question is closed once the agency no longer has what it asked about."
        ),
        scopes=PUBLISHER_OR_OPS,
        gives={
            200: Gives(
                "The questions; empty when there are none.",
                "questions",
                links={
                    "first": Link(
                        "answerQuestion",
                        "path.id",
                        "$response.body#/questions/0/id",
                        "Answer the first question.",
                    )
                },
            )
        },
        problems={422: "The limit is not a number in its range, or the state is none of these."},
        query={
            "limit": LIMIT,
            "state": Parameter(
                "`open` for those that are neither answered nor closed, `all` for every one.",
                {"type": "string", "enum": ["open", "all"], "default": "open"},
            ),
        },
    ),
    Call(
        id="answerQuestion",
        method="POST",
        path="/v1/questions/{id}/answer",
        handler=questions.answer,
        tag=Tag.REFERRALS,
        summary="Answer a question of an agency",
        description=(
            "Records the answer: in words, with the version of the referral that answers it, or "
            "both. Send the correction first, then name its version. The agency that asked reads "
            "the answer, and no other. May be repeated; the first answer stands."
        ),
        scopes=PUBLISH,
        takes="answer",
        gives={200: Gives("The question with its answer.", "question")},
        problems={
            404: "No question about a referral of yours has this ID.",
            409: (
                "The question has another answer already, or the agency no longer has the referral."
            ),
        },
    ),
)
