"""A referral that has everything, and what is wrong with it once something is changed."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest

from schemas.referral import load

CEILING_SECONDS = 30.0
"""Of processor time: what grows faster than the size of a body takes many minutes at full size."""

SAMPLES = Path(__file__).parents[3] / "samples"
TODAY = date(2026, 12, 22)
AREAS = {"E10000028", "E06000021", "E06000051", "S12000049"}
_GONE = object()


class Changed:
    """A document with one change at a time, by pointer."""

    GONE = _GONE

    def __init__(self, document):
        self._document = document

    def __call__(self, pointer, value):
        """Return a copy in which ``pointer`` holds ``value``, or is gone."""
        document = copy.deepcopy(self._document)
        *way, last = pointer.removeprefix("/").split("/")
        target = document
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target[step]
        last = int(last) if isinstance(target, list) else last
        if value is _GONE:
            del target[last]
        else:
            target[last] = value
        return document


@pytest.fixture(scope="session")
def full():
    return json.loads((SAMPLES / "full.json").read_text(encoding="utf-8"))


@pytest.fixture
def changed(full):
    return Changed(full)


@pytest.fixture
def faults():
    def of(document):
        found = load(document, today=TODAY, areas=AREAS).faults
        return [(fault.pointer, fault.code) for fault in found]

    return of


@pytest.fixture
def defects():
    def of(document):
        found = load(document, today=TODAY, areas=AREAS).defects
        return [(fault.pointer, fault.code) for fault in found]

    return of
