"""Copies of the product that are wrong on purpose are found out, each by the same campaign."""

from pathlib import Path

import pytest

from tests.faults.__main__ import summary
from tests.faults.broken import COPIES, ROOT, copy_of
from tests.faults.campaign import Result, run
from tests.faults.schedule import Strike


def strike(tree: Path, name: str, folder: Path, *strikes: Strike, seconds: float = 0) -> Result:
    broken = copy_of(tree, name, folder / "tree")
    return run(1, seconds, tree=broken, strikes=strikes, folder=folder, reader_is_away=True)


def violated(result: Result) -> set[str]:
    return {finding.invariant for finding in result.findings}


@pytest.mark.proof
def test_a_push_that_is_settled_under_a_lost_lease_is_noticed(tmp_path: Path) -> None:
    again = [Strike(at, "dispatcher-overtaken", 4, 1) for at in (1, 2)]
    result = strike(ROOT, "no fencing where pushes are settled", tmp_path, *again)
    assert "I5 history" in violated(result), summary(result)


@pytest.mark.proof
def test_an_answer_under_a_lost_lease_is_noticed(tmp_path: Path) -> None:
    last = Strike(12, "clocks-ahead", 0, 1)  # until then agencies answer late by themselves
    result = strike(ROOT, "no fencing where answers are settled", tmp_path, last)
    assert "I3 one outcome" in violated(result), summary(result)


@pytest.mark.proof
def test_a_wake_up_before_its_commit_is_noticed(tmp_path: Path) -> None:
    result = strike(ROOT, "wake-up before commit", tmp_path)
    assert "I8 recovery" in violated(result), summary(result)


@pytest.mark.proof
def test_a_receipt_before_its_commit_is_noticed(tmp_path: Path) -> None:
    killed = Strike(2, "ledger-killed", 2, 1)
    result = strike(ROOT, "receipt before commit", tmp_path, killed)
    assert {"I1 no loss", "I4 honesty"} <= violated(result), summary(result)


@pytest.mark.proof
def test_a_recall_that_not_everybody_is_told_of_is_noticed(tmp_path: Path) -> None:
    last = Strike(10, "clocks-ahead", 0, 1)  # until then police recall
    result = strike(ROOT, "a recall that forgets who has decided", tmp_path, last)
    assert "I2 no invention" in violated(result), summary(result)


@pytest.mark.parametrize("name", COPIES)
def test_the_edits_still_fit_the_code(name: str, tmp_path: Path) -> None:
    assert copy_of(ROOT, name, tmp_path / "tree").is_dir()
