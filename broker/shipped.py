"""Where the policy and the samples are that come with the broker."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POLICY = ROOT / "policies" / "england"
SAMPLES = ROOT / "samples"
