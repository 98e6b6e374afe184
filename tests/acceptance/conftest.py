"""What the acceptance cases share: a police system and agencies, all through the public API."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from broker.flow.context import Context
from broker.flow.deadlines import watch
from tests.conftest import FixedClock

LONDON = ZoneInfo("Europe/London")
SAMPLES = Path(__file__).parent.parent.parent / "samples"


def sample(number: int) -> dict[str, Any]:
    """Return the shipped sample of a case."""
    (path,) = SAMPLES.glob(f"case-{number:02}-*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def about_nobody(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that is rejected however tolerant intake is: it is about nothing."""
    about = ("children", "persons_posing_risk", "concern", "household", "online")
    return {name: value for name, value in document.items() if name not in about}


@dataclass
class World:
    """One police force, many agencies, and one clock that a case sets."""

    client: TestClient
    clock: FixedClock
    drain: Callable[[], None]
    key: Callable[..., dict[str, str]]
    watch: Callable[[], int]
    """Fire the alarms and take the escalation steps that are due."""
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def headers(self, organisation: str, scope: str) -> dict[str, str]:
        """Return the key of an organisation, made when it is first needed."""
        name = f"{organisation}/{scope}"
        if name not in self.keys:
            self.keys[name] = self.key(organisation, scope)
        return self.keys[name]

    @property
    def police(self) -> dict[str, str]:
        return self.headers("staffordshire-police", "publish")

    def at(self, local: str) -> None:
        """Move the clock to a local time such as ``2026-12-18 16:50``."""
        naive = datetime.strptime(local, "%Y-%m-%d %H:%M")  # noqa: DTZ007
        self.clock.now = naive.replace(tzinfo=LONDON).astimezone(UTC)

    def hand_in(self, document: dict[str, Any]) -> dict[str, Any]:
        """Hand in a referral and return its receipt."""
        answer = self.client.post("/v1/referrals", json=document, headers=self.police)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def status(self, receipt: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.get(f"/v1/referrals/{receipt['id']}", headers=self.police)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def routed(self, document: dict[str, Any]) -> dict[str, Any]:
        """Hand in a referral, let the workers work, and return what its publisher sees."""
        receipt = self.hand_in(document)
        self.drain()
        return self.status(receipt)

    def collect(self, agency: str) -> list[dict[str, Any]]:
        """Return everything that waits for an agency."""
        headers = self.headers(agency, "collect")
        answer = self.client.post("/v1/collect", json={"max": 100, "wait": 0}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["deliveries"]

    def answer(self, agency: str, **receipt: Any) -> dict[str, Any]:
        """Give one receipt and return what became of it."""
        headers = self.headers(agency, "collect")
        sent = self.client.post("/v1/receipts", json={"receipts": [receipt]}, headers=headers)
        assert sent.status_code == 200, sent.text
        return sent.json()["results"][0]

    def local(self, instant: str | None) -> str | None:
        """Return an instant of the API as a local time."""
        if instant is None:
            return None
        return f"{datetime.fromisoformat(instant).astimezone(LONDON):%Y-%m-%d %H:%M}"

    def legs(self, status: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
        """Return each agency's local times to acknowledge and to decide."""
        return {
            delivery["agency"]: (
                self.local(delivery["deadlines"]["acknowledge_by"]),
                self.local(delivery["deadlines"]["decide_by"]),
            )
            for delivery in status["deliveries"]
        }


@pytest.fixture
def world(client: TestClient, clock: FixedClock, drain: Any, key: Any, context: Context) -> World:
    return World(client, clock, drain, key, partial(watch, context))
