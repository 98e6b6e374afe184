"""How long things may take, in seconds, where one limit must be longer than another.

Each is a sum of what it has to outlast and a margin, so that changing one moves the others.
"""

CONNECT = 5.0
"""To open a connection to PostgreSQL."""
POOL = 5.0
"""To get a connection of the pool."""
STATEMENT = 15.0
"""For a statement, by PostgreSQL's own limit."""
LOCK = 5.0
"""For a lock that another transaction holds."""
ANSWER = STATEMENT + 5.0
"""For PostgreSQL's answer, by our own clock: it ends what PostgreSQL can no longer end."""
TRANSACTION = 3 * ANSWER
"""For all statements of a transaction together, however slowly their answers come."""
HEAD = 10.0
"""For the head of a request to arrive, from the opening of its connection or its first byte."""
BODY = 20.0
"""For the body of a request to arrive."""
BODY_UNREAD = BODY + 5.0
"""For the body of a request to arrive where nothing reads it."""
IDLE = 65.0
"""For a connection between two requests: longer than a client waits between them."""
LINGER = 3.0
"""For what a caller still sends after its answer, which a closed connection would lose to it."""
TAKING = 20.0
"""For a caller to take some of an answer that waits for it."""
REQUEST = max(BODY, POOL + ANSWER)
"""For the longest part of a request that nothing cuts short: its body, or the ledger's answer."""
GATEWAY_GRACE = REQUEST + 5.0
"""For the requests under way when a gateway is asked to end; long polls end at once."""
SERVICES_GRACE = 10.0
"""For the threads of a worker that is asked to end, all together."""
TASK_GRACE = 25.0
"""For the tasks of a worker that is asked to end; what they had claimed is free again then."""
CLOSING = 8.0
"""For a process to close what it has open: intake, wake-ups, traces, log lines."""
SUPERVISOR_GRACE = 45.0
"""What a supervisor grants between TERM and KILL, as ``docs/operations.md`` says."""
READY = 3.0
"""For the answer of ``/readyz``, whatever hangs."""
HEARTBEAT = 5.0
"""The longest time between two heartbeats of a thread that does its work."""
STUCK_AFTER = TRANSACTION + 3 * ANSWER
"""A thread without a heartbeat for so long is stuck: its process ends itself."""
