"""What rows of several subjects share: scopes, parameters, links and sentences."""

from __future__ import annotations

from broker.domain.codes import Scope
from broker.gateway.call import Parameter
from broker.gateway.request_bodies import LONGEST_LIST

PUBLISH = (Scope.PUBLISH,)
OPS = (Scope.OPS,)
PUBLISHER_OR_OPS = (Scope.PUBLISH, Scope.OPS)
LIMIT = Parameter(
    "How many items to return at most.",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_LIST, "default": LONGEST_LIST},
)
NO_DELIVERY = "No delivery of yours has this ID."
BAD_LIMIT = "The limit is not a number in its range."
