"""The benchmarks run, in little, and no figure counts whose ids do not add up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ours import must_be_equal
from benchmarks.post import Unexpected
from benchmarks.results import Figure, rates, times

ROOT = Path(__file__).parents[2]


def test_a_run_in_little_writes_the_figures_in_the_agreed_form(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--scenarios", "single", "--scale", "0.0001"]
    subprocess.run([*command, "--output", output], cwd=ROOT, check=True, timeout=600)
    found = json.loads(output.read_text())
    assert found.keys() == {"machine", "scenarios"}
    (figure,) = found["scenarios"].values()
    assert figure.keys() == {"ours", "unit", "rivals", "ratio", "ids_verified"}
    assert figure["rivals"].keys() == {"celery_noop", "weekend", "copy"}
    assert figure["ratio"]["weekend"] == pytest.approx(
        figure["ours"] / figure["rivals"]["weekend"], rel=0.01, abs=0.001
    )
    assert figure["ids_verified"] is True


def test_what_was_not_sent_gives_no_figure() -> None:
    with pytest.raises(Unexpected, match="do not add up"):
        must_be_equal("receipts", {"A-1", "A-2"}, {"A-1"})


def test_a_ratio_says_how_many_times_as_good_whichever_way_is_better() -> None:
    assert rates(100, "referrals/s", {"weekend": 20}).ratio == {"weekend": 5}
    assert times(5, "ms", {"weekend": 20}).ratio == {"weekend": 4}


def test_a_missed_aim_is_named() -> None:
    assert Figure(10, "ms", aims={"ours": -25}).misses() == []
    assert Figure(30, "ms", aims={"ours": -25}).misses() == ["ours 30, aim at most 25"]
    assert Figure(1, "", ratio={"weekend": 8}, aims={"weekend": 10}).misses() != []
