"""The documentation lists every fact and place that a policy may name."""

from broker.policy.language.vocabulary import FACTS, PLACES
from tests.conftest import ROOT


def test_every_fact_and_place_is_documented() -> None:
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    for name in (*FACTS, *PLACES):
        assert f"`{name}`" in text, name
