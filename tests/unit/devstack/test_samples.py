"""``broker samples show``: a shipped sample as it would be handed in today."""

import json
from datetime import UTC, datetime, timedelta

from broker.policy.published.policy import Policy
from broker.policy.routing.plan import route
from schemas.tolerance import reload
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]


def test_the_first_referral_is_a_current_one_without_a_warning(run: Run, book: Policy) -> None:
    now = datetime.now(UTC)
    shown = run("samples", "show", "first-referral")
    assert shown.code == 0
    document = json.loads(shown.out)
    submitted = datetime.fromisoformat(document["times"]["submitted_at"])
    assert now - timedelta(weeks=1) <= submitted <= datetime.now(UTC)
    assert (submitted.weekday(), submitted.hour, submitted.minute) == (1, 9, 50)
    plan = route(
        reload(document),
        publisher="staffordshire-police",
        policy=book,
        accepted_at=now,
        now=now,
        areas={},
    )
    assert [assignment.agency for assignment in plan.assignments] == ["stoke-csc"]
    assert (plan.warnings, plan.tasks) == ((), ())


def test_a_sample_that_is_not_there_is_named(run: Run) -> None:
    shown = run("samples", "show", "last-referral")
    assert (shown.code, shown.out) == (2, "")
    assert "last-referral" in shown.err
