"""Each wrong copy of the product can be made: the text that it replaces occurs exactly once.

That the fault campaign finds the wrong copies is shown by ``tests/faults/test_broken_copies.py``.
"""

import pytest

from tests.conftest import ROOT
from tests.faults.broken import COPIES, Edit


@pytest.mark.parametrize("edit", [edit for edits in COPIES.values() for edit in edits])
def test_the_text_that_a_wrong_copy_replaces_occurs_once(edit: Edit) -> None:
    assert (ROOT / edit.file).read_text(encoding="utf-8").count(edit.right) == 1
    assert edit.wrong != edit.right
