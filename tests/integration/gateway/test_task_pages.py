"""The pages for ops list tasks, say what to do about each, and settle them with a reason."""

import re
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_embargo import SCHOOL, leg, under_embargo
from tests.acceptance.test_cases_tasks import invalid, the_task
from tests.integration.gateway.test_rights import ask, pages, signed_in

__all__ = ["pages"]


def test_a_rejected_referral_is_on_the_pages_with_what_to_do(
    world: World, pages: TestClient, context: Context
) -> None:
    world.at("2026-12-16 20:00")
    status = world.routed(invalid())
    task, cookie = the_task(world), signed_in(context, *Right)
    for path in ("/attention", f"/referrals/{status['id']}"):
        shown = ask(pages, "GET", path, cookie)
        assert shown.status_code == 200
        assert task["action"] in re.sub(r"\s+", " ", shown.text)
        assert f"/ops/act/settle/{task['id']}" in shown.text
        assert f"/ops/act/route/{status['id']}" in shown.text
    form = ask(pages, "GET", f"/act/settle/{task['id']}", cookie)
    assert form.status_code == 200
    assert task["message"] in re.sub(r"\s+", " ", form.text)


@pytest.mark.parametrize(
    "typed", ["2027-06-01 13:00", "2027-06-01T12:00Z", "2027-06-01T14:00+02:00"]
)
def test_the_end_of_a_hold_is_typed_in_uk_time_or_with_its_offset(
    world: World, pages: TestClient, context: Context, typed: str
) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(under_embargo("2026-12-21T12:00:00Z"))
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    cookie = signed_in(context, *Right)
    answer = ask(pages, "POST", f"/act/extend/{held['id']}", cookie, until=typed)
    assert answer.status_code in {200, 303}
    end = leg(world.status(receipt), SCHOOL)["available_at"]
    assert datetime.fromisoformat(end) == datetime(2027, 6, 1, 12, tzinfo=UTC)
