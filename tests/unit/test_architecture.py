"""The state diagrams in the docs are the state tables, step by step."""

import re
from pathlib import Path

from broker.domain.states import DELIVERY_STEPS, REFERRAL_STEPS

ARCHITECTURE = Path(__file__).parent.parent.parent / "docs" / "architecture.md"
ARROW = re.compile(r"^ +(\w+) --> (\w+): (\w+)$", re.MULTILINE)


def test_the_diagrams_draw_every_legal_step_and_no_other() -> None:
    drawn = ARROW.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    legal = [
        (str(before), str(after), str(step))
        for table in (REFERRAL_STEPS, DELIVERY_STEPS)
        for before, steps in table.items()
        for step, after in steps.items()
    ]
    assert sorted(drawn) == sorted(legal)
