"""The pages for ops list tasks, say what to do about each, and settle them with a reason."""

import re

from starlette.testclient import TestClient

from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World
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
