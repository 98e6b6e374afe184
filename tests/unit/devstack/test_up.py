"""What ``broker up`` prints."""

from __future__ import annotations

import pytest

from broker.devstack.up import next_steps


@pytest.mark.parametrize(("agencies", "steps"), [(True, 0), (False, 4)])
def test_the_next_steps_name_the_command_as_it_is_called_here(agencies: bool, steps: int) -> None:
    text = next_steps(agencies=agencies)
    assert "{" not in text
    assert (
        text.count("broker samples")
        + text.count("broker publish")
        + text.count("broker collect")
        + text.count("broker answer")
        == steps
    )
