"""The catalogue of errors lists every kind of problem and every code of a fault in the schemas."""

import re

from broker.gateway.problems import MEANINGS
from tests.conftest import ROOT

CODED = re.compile(r'"([a-z]+(?:-[a-z0-9]+)*): [A-Z]')


def test_every_kind_of_problem_is_in_the_catalogue() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for kind, meaning in MEANINGS.items():
        repeat = "yes" if meaning.retryable else "no"
        cells = (f"`{kind.code}`", meaning.status, meaning.title, meaning.next_step, repeat)
        assert f"| {' | '.join(map(str, cells))} |" in text, kind.code


def test_every_code_of_a_schema_is_in_the_catalogue() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = {
        code
        for path in (ROOT / "schemas").glob("*.py")
        for code in CODED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(codes) > 20
    # The policy's documents have codes of their own, which `broker policy lint` explains.
    for code in codes - {"bad-deadline", "bad-hours", "bad-time"}:
        assert f"`{code}`" in text, code
