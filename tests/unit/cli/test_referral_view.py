"""Events of a referral as people read them."""

import io

import pytest
from rich.console import Console

from broker.cli.referral_view import timeline_view

STATUS = {"reference": "SP-1", "state": "routed", "publisher": "police", "deliveries": []}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"due_at": "2026-07-01T09:30:00+00:00"}, "due Wed 01 Jul 2026 10:30"),
        ({"grade_before": "high"}, "grade before high"),
        ({"attempt": 2}, "attempt 2"),
        ({"day": "2026-07-01"}, "day 2026-07-01"),
    ],
)
def test_the_data_of_an_event_is_in_words_and_uk_time(data: dict[str, object], words: str) -> None:
    event = {"at": "2026-07-01T08:00:00+00:00", "kind": "referral.task_opened", "data": data}
    console = Console(width=200, record=True, file=io.StringIO())
    status = {**STATUS, "accepted_at": "2026-07-01T08:00:00+00:00", "grade": "high"}
    console.print(timeline_view(status, [event]))
    (line,) = [line for line in console.export_text().splitlines() if "task opened" in line]
    assert line.rstrip().endswith(words)
