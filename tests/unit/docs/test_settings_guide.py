"""Every setting that an operator may use stands in docs/operations.md."""

from __future__ import annotations

import inspect
import re

from broker.settings import Settings
from tests.conftest import ROOT

FOR_TESTS = re.compile(r"Tests alone: .*?\((BROKER_[A-Z_]+)\)", re.DOTALL)


def test_every_setting_is_in_the_guide() -> None:
    source = inspect.getsource(inspect.getmodule(Settings))
    names = set(re.findall(r'"(BROKER_[A-Z_]+)"', inspect.getsource(Settings)))
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(BROKER_[A-Z_]+)`", guide))
    assert len(names) > 15
    assert names - set(FOR_TESTS.findall(source)) <= listed
