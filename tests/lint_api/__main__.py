"""Writes the OpenAPI document to the standard output, for the linters in this folder."""

import json
import sys

from broker.gateway import openapi
from broker.gateway.calls import CALLS

json.dump(openapi.document(CALLS), sys.stdout, indent=1)
