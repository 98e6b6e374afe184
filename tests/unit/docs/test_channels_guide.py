"""What the registries list is in the documents."""

import pytest

from broker.channels.registry import CHANNELS
from broker.domain.channel import ChannelForm
from broker.intake.base import IntakeForm
from broker.intake.registry import INTAKES
from tests.conftest import ROOT


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("form", CHANNELS.forms.values(), ids=lambda form: form.name)
def test_every_channel_is_in_the_guide_to_the_directory(form: ChannelForm) -> None:
    assert f"| `{form.name}` | {form.summary} |" in text_of("policy.md")


@pytest.mark.parametrize(
    "form", [intake.form for intake in INTAKES.intakes], ids=lambda form: form.name
)
def test_every_intake_is_in_the_architecture(form: IntakeForm) -> None:
    assert f"| `{form.name}` | {form.summary} |" in text_of("architecture.md")


def test_every_declared_setting_is_in_the_operations_guide() -> None:
    text = text_of("operations.md")
    for setting in (*CHANNELS.settings, *INTAKES.settings):
        assert f"| `{setting.name}` |" in text, setting.name
