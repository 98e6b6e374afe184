"""The benchmarks run, in little, and no figure counts whose ids do not add up."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import cpu, process_table
from benchmarks.ours import must_be_equal
from benchmarks.payload import rotated
from benchmarks.post import Unexpected
from benchmarks.recipients import RECIPIENTS, recipients
from benchmarks.results import Figure, rates, runs_in, times, write
from tests.conftest import eventually

ROOT = Path(__file__).parents[2]
TICK = 1 / os.sysconf("SC_CLK_TCK")
"""In seconds: what processor time is counted in."""


@pytest.mark.proof
def test_a_run_in_little_writes_the_figures_in_the_agreed_form(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--scenarios", "single", "--scale", "0.0001"]
    subprocess.run([*command, "--output", output], cwd=ROOT, check=True, timeout=600)
    found = json.loads(output.read_text())
    assert found.keys() == {"machine", "scenarios"}
    (figure,) = found["scenarios"].values()
    measured = {"ours", "unit", "rivals", "ratio", "cpu_us", "rivals_cpu_us", "cpu_ratio"}
    assert figure.keys() == {*measured, "ids_verified"}
    assert figure["rivals"].keys() == {"celery_noop", "weekend", "sharp", "copy"}
    assert figure["rivals_cpu_us"].keys() == figure["rivals"].keys()
    assert figure["cpu_ratio"].keys() == {"weekend", "sharp"}
    assert figure["ratio"]["weekend"] == pytest.approx(
        figure["ours"] / figure["rivals"]["weekend"], rel=0.01, abs=0.001
    )
    assert figure["ids_verified"] is True


def test_a_run_of_some_scenarios_keeps_what_others_measured(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    for at, measured in ((1, ("route", "bulk", "single")), (2, ("bulk", "single")), (3, ("bulk",))):
        figures = {name: Figure(at, "referrals/s") for name in measured}
        write(output, {"at": at}, figures, runs_in(output))
    latest, *earlier = runs_in(output)
    assert [latest["machine"]["at"], *latest["scenarios"]] == [3, "bulk"]
    assert [[run["machine"]["at"], *run["scenarios"]] for run in earlier] == [
        [2, "single"],
        [1, "route"],
    ]


SCHOOLS = 60
KEYS = {
    "route": set(),
    "route_queue": set(),
    "bulk": set(),
    "collect": {"bytes_per_delivery"},
    "told": set(),
    "start": {"first_batch_seconds", "gateway_ready_seconds", "worker_ready_seconds"},
    "national": {
        *("organisations", "import_seconds", "ready_seconds", "gateway_rss_mb", "worker_rss_mb"),
        *("status_ms", "metrics_seconds", "contact_change_seconds"),
    },
}
"""What each scenario has in results.json beside what every one has."""


@pytest.mark.proof
def test_each_scenario_runs_in_little_and_names_its_figures(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--scenarios", ",".join(KEYS), "--no-cpu"]
    command += ["--scale", "0.0001", "--size", f"organisations={SCHOOLS}", "--output", str(output)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=1200)
    scenarios = json.loads(output.read_text())["scenarios"]
    usual = Figure(1, "").as_json().keys()
    assert {name: figure.keys() - usual for name, figure in scenarios.items()} == KEYS
    figures = [scenarios[name][key] for name, keys in KEYS.items() for key in keys]
    assert all(figure > 0 for figure in figures)
    assert scenarios["national"]["organisations"] > SCHOOLS
    assert scenarios["told"]["ours"] < 20_000, "no delivery waits until its long poll ends"


def test_every_sample_that_is_taken_in_comes_in_turn() -> None:
    bodies = [json.loads(body) for body in rotated("TURN", 2 * len(RECIPIENTS)).values()]
    shipped = {path.stem for path in (ROOT / "samples").glob("*.json")}
    named = {stem for stem in shipped if stem.startswith(tuple(RECIPIENTS))}
    assert shipped - named == {"case-14-picture"}, "it is refused"
    assert [recipients(body) for body in bodies] == 2 * list(RECIPIENTS.values())
    assert len({body["reference"] for body in bodies}) == len(bodies)


def test_memory_is_that_of_the_processes_that_are_meant() -> None:
    hold = "held = bytearray(60_000_000); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE) as process:
        eventually(lambda: process_table.resident_megabytes("bytearray(60_000_000)")[0] > 60)
        assert process_table.resident_megabytes("no such process") == []
        process.communicate(b"\n")
    assert process_table.resident_megabytes("bytearray(60_000_000)") == []


def test_what_was_not_sent_gives_no_figure() -> None:
    with pytest.raises(Unexpected, match="do not add up"):
        must_be_equal("receipts", {"A-1", "A-2"}, {"A-1"})


def test_a_ratio_says_how_many_times_as_good_whichever_way_is_better() -> None:
    assert rates(100, "referrals/s", {"weekend": 20}).ratio == {"weekend": 5}
    assert times(5, "ms", {"weekend": 20}).ratio == {"weekend": 4}


def test_a_ratio_of_processor_time_says_how_many_times_ours_a_rival_takes() -> None:
    figure = Figure(1, "referrals/s", cpu={"ours": 500, "weekend": 6000, "sharp": 1250})
    assert figure.cpu_ratio == {"weekend": 12, "sharp": 2.5}
    written = figure.as_json()
    assert (written["cpu_us"], written["rivals_cpu_us"]["sharp"]) == (500, 1250)
    assert written["rivals_cpu_us"]["copy"] is None


def test_a_scenario_without_processor_time_says_none() -> None:
    written = Figure(1, "ms").as_json()
    assert (written["cpu_us"], written["cpu_ratio"]) == (None, {})


def test_figures_of_a_scenario_alone_are_written_and_have_aims() -> None:
    figure = Figure(1, "s", keys={"ready_seconds": 3.25}, aims={"ready_seconds": -2})
    assert figure.as_json()["ready_seconds"] == 3.25
    assert figure.misses() == ["ready_seconds 3.25, aim at most 2"]


def test_a_missed_aim_is_named() -> None:
    assert Figure(10, "ms", aims={"ours": -25}).misses() == []
    assert Figure(30, "ms", aims={"ours": -25}).misses() == ["ours 30, aim at most 25"]
    assert Figure(1, "", ratio={"weekend": 8}, aims={"weekend": 10}).misses() != []


def test_processor_time_is_that_of_what_was_started_and_not_that_of_this_process() -> None:
    before = cpu.spent()
    _burn(0.3)
    assert (cpu.spent() - before).every < 0.1
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    with subprocess.Popen([sys.executable, "-c", burn]):
        while (running := (cpu.spent() - before).every) < 0.2:
            time.sleep(0.01)
    ended = (cpu.spent() - before).every
    assert ended > 0.5 - TICK, f"it counts on when it has ended: {running} s, then {ended} s"


def test_what_one_costs_is_the_difference_over_the_count() -> None:
    cost = (cpu.Spent(4, 2) - cpu.Spent(1, 1)).over(1000)
    assert (cost.every, cost.postgresql) == (3000, 1000)


def _burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
