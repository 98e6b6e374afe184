"""Data of the policy that expires, as gauges: bank holidays, school terms, entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from broker.policy.published.expiry import BANK_HOLIDAYS, ENTRY, TERMS, endings
from broker.policy.published.policy import Policy


class Endings(Collector):
    """Time left of each nation's bank holidays, and how much ends within 90 days."""

    def __init__(self, policy: Policy, today: date) -> None:
        self._policy = policy
        self._today = today

    def collect(self) -> Iterator[Metric]:
        left = GaugeMetricFamily(
            "broker_bank_holidays_left_seconds",
            "Time until the bank holiday data of a nation ends, in whole days.",
            labels=["nation"],
        )
        known = endings(self._policy, on=self._today)
        for ending in known:
            if ending.what == BANK_HOLIDAYS:
                left.add_metric([ending.of], (ending.last - self._today).total_seconds())
        soon = GaugeMetricFamily(
            "broker_ending_soon",
            "What has ended, or ends within 90 days without anything after it.",
            labels=["what"],
        )
        counts = Counter(ending.what for ending in known if ending.ends_soon(self._today))
        for kind in (BANK_HOLIDAYS, TERMS, ENTRY):
            soon.add_metric([kind], counts[kind])
        yield left
        yield soon
