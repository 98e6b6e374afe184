"""Part of every step: the names of the task queues, which wake-ups and Celery tasks share.

A task queue carries wake-ups without content (``broker.transport.wakeups``). The work itself stands
in the ledger.
"""

from __future__ import annotations

ROUTE = "route"
"""Work for step 2: accepted referrals, corrections and recalls."""
DISPATCH = "dispatch"
"""Work for step 3: deliveries of pushed channels."""
TASK_QUEUES = (ROUTE, DISPATCH)
