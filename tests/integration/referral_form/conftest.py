"""A sergeant of a force without developers, signed in and allowed to send referrals."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from broker.flow.context import Context
from tests.integration.inbox.conftest import TOKEN, Person, enter
from tests.rows import rows

__all__ = ["enter"]

FORCE = "staffordshire-police"
ROOT = "/referrals"
DRAFT = re.compile(r"/inbox/referrals/drafts/([0-9a-f-]{36})")
SENT = re.compile(r"/inbox/referrals/sent/([0-9a-f-]{36})")
FIELD = re.compile(r'<(?:input|textarea|select)[^>]*? name="([^"]+)"')
REVISION = re.compile(r'name="revision" value="(\d+)"')
ITEM = re.compile(r'name="item" value="([^"]+)"')


@dataclass
class Sergeant:
    """Somebody who fills in the form, page by page."""

    person: Person
    draft: str = ""

    def get(self, path: str, status: int = 200) -> str:
        """Return a page of the form."""
        return self.person.get(f"{ROOT}{path}", status)

    def page(self, path: str = "", status: int = 200) -> str:
        """Return a page of the draft."""
        return self.get(f"/drafts/{self.draft}{path}", status)

    def post(self, path: str, form: Mapping[str, str], status: int = 303) -> Any:
        """Send a form that has no revision."""
        (token,) = set(TOKEN.findall(self.get("/")))
        return self._post(path, {"token": token, **form}, status)

    def begin(self, reference: str) -> str:
        """Begin a draft and return its id."""
        answer = self.post("/new", {"reference": reference})
        (self.draft,) = DRAFT.findall(answer.headers["location"])
        return self.draft

    def fill(self, page: str, form: Mapping[str, str], status: int = 303, **more: str) -> Any:
        """Fill in a page of the draft; each answer must be to a question of it."""
        shown = self.page(f"/{page}")
        assert set(form) <= set(FIELD.findall(shown)), set(form) - set(FIELD.findall(shown))
        return self.resend(page, shown, {**form, **more}, status)

    def resend(self, page: str, shown: str, form: Mapping[str, str], status: int) -> Any:
        """Send the form of a page that was shown before, with its hidden fields."""
        (token,), (revision,) = set(TOKEN.findall(shown)), set(REVISION.findall(shown))
        hidden = {"token": token, "revision": revision}
        if items := ITEM.findall(shown):
            (hidden["item"],) = items
        return self._post(f"/drafts/{self.draft}/{page}", {**hidden, **form}, status)

    def send(self) -> str:
        """Check and send the draft; return the id of the referral."""
        answer = self.resend("check", self.page("/check"), {}, 303)
        (referral,) = SENT.findall(answer.headers["location"])
        return str(referral)

    def _post(self, path: str, form: Mapping[str, str], status: int) -> Any:
        answer = self.person.browser.post(
            f"/inbox{ROOT}{path}", data=dict(form), follow_redirects=False
        )
        assert answer.status_code == status, answer.text
        return answer


NEEDED: Mapping[str, Mapping[str, str]] = {
    "urgency": {
        "grade-level": "high",
        "grade-reason": "A stranger asks a child for pictures.",
        "times-first_known_at-day": "17",
        "times-first_known_at-month": "12",
        "times-first_known_at-year": "2026",
        "times-first_known_at-time": "14:20",
    },
    "what-happened": {
        "concern-category": "grooming",
        "concern-summary": "An unknown adult asks a nine-year-old for pictures.",
    },
    "team": {
        "referrer-name": "Sam Example",
        "referrer-role": "Sergeant",
        "referrer-telephone": "01632 960101",
        "referrer-email": "",
    },
    "handling": {},
    "children/new": {"given_name": "Wren", "family_name": "Applegarth"},
    "children/0/where": {"area": "Stoke-on-Trent"},
}
"""The least that makes a referral, by page, in the order in which they are filled in."""


def fill_needed(sergeant: Sergeant, reference: str) -> None:
    """Write a draft that can be sent."""
    sergeant.begin(reference)
    for page, form in NEEDED.items():
        sergeant.fill(page, form)


def drafts(context: Context) -> list[tuple[Any, ...]]:
    """Return what stands of each draft: reference, whether it has content, and how it ended."""
    return rows(
        context,
        "select reference, body is not null, ended_because from draft order by began_at, reference",
    )


@pytest.fixture
def sergeant(enter: Callable[..., Person]) -> Sergeant:
    return Sergeant(enter(FORCE, "Sam Example", "publish"))
