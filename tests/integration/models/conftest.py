"""What the models run against: a ledger on a database of its own, and short words for it."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.integration.ledger.conftest import book, fresh, migrated

__all__ = ["book", "fresh", "migrated"]

BOUNDED = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
"""A few seconds for each model; a failure says how to have it again."""


def explore(machine: Callable[[], RuleBasedStateMachine]) -> None:
    """Let hypothesis look for a run of the model that the real thing does not follow."""
    run_state_machine_as_test(machine, settings=BOUNDED)
