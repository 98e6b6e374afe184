"""Nothing is skipped without a word where everything must run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SKIPPED = """
import pytest

@pytest.mark.skipif(True, reason="no promtool")
def test_that_is_marked(): ...

def test_that_finds_out():
    pytest.skip("no Chromium")

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    assert False
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("ci", "code", "summary"),
    [("true", 1, "1 failed, 1 xfailed, 1 error"), ("", 0, "2 skipped, 1 xfailed")],
)
def test_a_skipped_test_fails_in_ci(tmp_path: Path, ci: str, code: int, summary: str) -> None:
    file = tmp_path / "test_file.py"
    file.write_text(SKIPPED)
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-ra"]
    ran = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(file)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert summary in ran.stdout
    assert "no promtool" in ran.stdout
