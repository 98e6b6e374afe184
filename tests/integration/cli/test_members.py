"""``broker members``: the first person of an organisation is let in, and access ends at once."""

import json

import pytest
from starlette.testclient import TestClient

from broker.flow.context import Context
from tests.rows import rows

