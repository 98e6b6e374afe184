"""Failpoints do nothing in an installation; only the devstack carries out orders of tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from broker import failpoints
from broker.bootstrap import failpoint_of
from broker.devstack.failpoint_orders import FailpointOrders
from broker.settings import BadSettings, Settings
from tests.conftest import ROOT

ADDRESSES = ("postgresql://broker@db.example.org/broker", "redis://a.example.org", "redis://b")
REACH = (
    "import sys; from pathlib import Path;"
    "from broker.devstack.failpoint_orders import FailpointOrders;"
    "hit = FailpointOrders(Path(sys.argv[1])); hit('route.decided'); print('went on')"
)


def reach(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", REACH, str(folder)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_an_installation_passes_every_point_by() -> None:
    assert failpoint_of(Settings(*ADDRESSES)) is failpoints.no_failpoint


def test_orders_without_the_devstack_end_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(*ADDRESSES, points_dir=tmp_path)
    assert isinstance(failpoint_of(settings), FailpointOrders)
    monkeypatch.setitem(sys.modules, "broker.devstack.failpoint_orders", None)
    with pytest.raises(BadSettings, match="BROKER_POINTS_DIR: Leave it out"):
        failpoint_of(settings)


def test_what_is_installed_in_production_cannot_end_its_process() -> None:
    source = Path(failpoints.__file__).read_text(encoding="utf-8")
    assert "import os" not in source
    assert "signal" not in source


def test_an_order_is_carried_out_once_and_says_by_whom(tmp_path: Path) -> None:
    (tmp_path / failpoints.DECIDED).write_text("kill")
    assert reach(tmp_path).returncode == -9
    (taken,) = tmp_path.iterdir()
    assert taken.name.startswith("route.decided.taken.")
    assert reach(tmp_path).stdout == "went on\n"


def test_a_standing_order_stays(tmp_path: Path) -> None:
    (tmp_path / failpoints.DECIDED).write_text("always delay 0")
    assert reach(tmp_path).stdout == reach(tmp_path).stdout == "went on\n"
    assert [path.name for path in tmp_path.iterdir()] == ["route.decided"]


@pytest.mark.parametrize("order", ["kill", "freeze", "delay 0"])
def test_an_order_for_another_point_is_left(tmp_path: Path, order: str) -> None:
    (tmp_path / failpoints.SENT).write_text(order)
    assert reach(tmp_path).stdout == "went on\n"
    assert (tmp_path / failpoints.SENT).exists()
