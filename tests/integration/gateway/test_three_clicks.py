"""A duty officer is at most three clicks from what is wrong, and from what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.integration.gateway.test_readable_pages import bad_night, read
from tests.integration.gateway.test_rights import ask, pages, signed_in

__all__ = ["pages"]

MOST_CLICKS = 3
LINK = re.compile(r'<a\b[^>]*href="/ops(/[^"#]*)')
CALL = re.compile(r'href="tel:[0-9+]+"')
Goal = Callable[[str, str], object]
"""Tells by its path and its HTML whether a page is what somebody looks for."""


def silence(context: Context, organisation: str) -> UUID:
    """Make an organisation silent; return the id of the alarm."""
    id_ = uuid4()
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "insert into escalation (id, ladder, policy_version, milestone, organisation, due_at,"
            " began_at, next_step_at) values"
            " (%s, 'silence', (select version from policy limit 1), 'silence', %s, %s, %s, %s)",
            [id_, organisation, *[context.clock()] * 3],
        )
        connection.execute(
            "insert into silence (escalation, activity, reason, last_at)"
            " values (%s, 'collecting', 'policy', %s)",
            [id_, context.clock()],
        )
    return id_


def clicks_to(goal: Goal, fetch: Callable[[str], str]) -> int | None:
    """Return how many links lead from the first page to a goal; None if more than three do."""
    known, level = {"/"}, ["/"]
    for clicks in range(MOST_CLICKS + 1):
        bodies = {path: fetch(path) for path in level}
        if any(goal(path, body) for path, body in bodies.items()):
            return clicks
        linked = [path for body in bodies.values() for path in LINK.findall(body)]
        level = [path for path in dict.fromkeys(linked) if path not in known]
        known |= set(level)
    return None


@pytest.mark.thorough
def test_everything_that_is_wrong_is_near(
    world: World, pages: TestClient, context: Context
) -> None:
    bad_night(world, context)
    alarm, cookie = silence(context, "shropshire-csc"), signed_in(context, *Right)
    seen: dict[str, str] = {}

    def fetch(path: str) -> str:
        if path not in seen:
            seen[path] = ask(pages, "GET", path.replace("&amp;", "&"), cookie).text
        return seen[path]

    goals: Mapping[str, Goal] = {
        "a stopped worker": lambda _, body: (
            "Get the broker working" in read(body) and CALL.search(body)
        ),
        "a silent agency": lambda path, body: (
            path == f"/escalations/{alarm}" and "dealing with this" in read(body)
        ),
        "an unroutable referral": lambda path, body: (
            path.startswith("/act/areas/") and "<form" in body
        ),
        "a failed alert": lambda path, body: (
            path.startswith("/notices")
            and "refused the message" in read(body)
            and CALL.search(body)
        ),
    }
    clicks = {name: clicks_to(goal, fetch) for name, goal in goals.items()}

    assert {name for name, count in clicks.items() if count is None} == set(), clicks
    assert clicks["a stopped worker"] == 0


@pytest.mark.parametrize(("goal", "clicks"), [("/", 0), ("/c", 3), ("/d", None), ("/x", None)])
def test_clicks_are_counted(goal: str, clicks: int | None) -> None:
    linked = {"/": "/a", "/a": "/b", "/b": "/c", "/c": "/d", "/d": "/"}

    def fetch(path: str) -> str:
        return f'<a class="x" href="/ops{linked[path]}">On</a>'

    assert clicks_to(lambda path, _: path == goal, fetch) == clicks
