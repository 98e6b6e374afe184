"""List what nobody uses; ``make check`` runs it as ``python -m tests.dead_code``.

Fields of values are left out: rows, JSON and templates name them in text, which Vulture cannot see.
"""

import sys
from collections.abc import Iterator, Sequence

from vulture.core import Vulture

FOLDERS = ("broker", "schemas", "workers", "sdk", "benchmarks")
ALLOWED = (
    "_",  # the implementations of a singledispatch function
    *("list_commands", "get_command", "format_commands"),  # click asks its groups for them
    *("may", "details", "is_answered", "is_filtered", "link_fault", "margin", "time_of_day"),
    # the templates call them
    *("on_time", "is_stopped", "step_of"),  # so do those of the pages for ops
    *("Meta", "task_queues", "should_stop"),  # marshmallow and Celery look for them
    *("route_referrals", "dispatch_deliveries"),  # Celery runs its tasks by their names
    *("send_400_response", "disconnected"),  # uvicorn calls the one and reads the other
    *("autocommit", "prepare_threshold"),  # Psycopg reads them
    *("lastResort", "unraisablehook", "__class__"),  # the interpreter and its logging read them
    *("pool_classes_by_scheme", "_quick_recv"),  # urllib3 and py-amqp read them
    *(
        "redirect_slashes",
        "safe_say",
        "trust_env",
        "max_redirects",
        "external_attr",
        "compress_type",
    ),
    *(
        "destroyed",
        "return_",
        "dropped",
        "PinnedKeys",
        "remember_in",
    ),  # of the client: agencies use them
    "take_in",  # an intake outside this package hands over through it
)
"""What others use, by name."""
REGISTERED = (
    *("@*.command*", "@*.group*", "@click.*", "@*.task*", "@*.connect*", "@*.register"),
    "@_check",  # the checks of a broker's health
    *("@validates*", "@*_load", "@*_dump"),
)
"""Decorators that hand a function to a library, which calls it."""


def unused(paths: Sequence[str]) -> Iterator[str]:
    """Yield a line for each function, class, attribute and import that nothing refers to."""
    vulture = Vulture(ignore_names=list(ALLOWED), ignore_decorators=list(REGISTERED))
    vulture.scavenge(paths)
    for item in vulture.get_unused_code(min_confidence=60):
        if item.typ != "variable":
            yield item.get_report()


if __name__ == "__main__":
    sys.exit("\n".join(unused(FOLDERS)) or None)
