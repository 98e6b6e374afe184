"""How much one caller, and all together, may use of a gateway. ``docs/operations.md`` lists them.

Times are in ``broker/time_limits.py``; the number of connections is set (``broker/settings.py``).
"""

from broker.domain.credential import CALLS_PER_SECOND

HEAD_BYTES = 32 * 1024
"""Request line and headers together."""
HEADERS = 100
"""In one request."""
FRAMING_BYTES = 32 * 1024
"""What a chunked body may need beside its content: sizes of chunks, and trailers."""
PIPELINED = 8
"""Requests that may wait behind the one that is answered on the same connection."""
SPARE_FILES = 128
"""Descriptors of a process that its callers' connections leave for other use."""
LINGERING_SECONDS = 0.02
"""The pause after each piece that is read and dropped of a request that is answered already."""
REFUSED = 64
"""Connections over the limit that wait for their first bytes, to be answered 429."""

CALLS_A_SECOND_EACH = CALLS_PER_SECOND
"""Of one key that has no limit of its own."""
FAILURES_A_SECOND = 20
"""Calls of one address without a key that counts, and keys that are looked up for it."""
CALLS_EACH = 100
"""Of one key under way at once, those that wait for something to happen left out."""
WAITS_EACH = 100
"""Calls of one key that wait for something to happen."""
WAITS = 2000
"""The same, of all keys together."""
THREADS = 16
"""Ledger calls in progress at the same time; the pool of connections has half as many."""
THREADS_EACH = 4
"""The same, of one key: the pool of connections has place for two such keys."""
SMALL_BODY = 64 * 1024
"""In bytes: bodies up to here are bounded by the number of calls alone."""
BODY_BYTES = 256 * 1024 * 1024
"""Of larger bodies in memory, all together. One key has no more of it than is left."""
BODY_BYTES_EACH = 64 * 1024 * 1024
"""The same, of one key."""
BODY_BYTES_A_SECOND = 16 * 1024 * 1024
"""Of larger bodies of one key, over time."""
BODY_BYTES_AT_ONCE = 32 * 1024 * 1024
"""Of them, as much may come faster."""
ANSWERS_A_SECOND = 100
"""To one address without a key; further ones are late."""
REFUSALS_A_SECOND = 20
"""Answers 429 to one key; further ones are late."""
PROMPT_SECONDS = 1.0
"""As many answers as go in that time may go at once."""
LATE_SECONDS = 5.0
"""The latest: who repeats without a pause is slowed down, and costs the others nothing."""
BULKS_EACH = 4
"""Of one key under way at once; one of them is worked on."""
BULK_LINES_AT_ONCE = 200
"""Referrals of a bulk that are accepted together while no other key makes calls."""
BULK_LINES_BESIDE_OTHERS = 20
"""The same, while another key does: one such part at a time, of all keys."""
BULK_RESTS = 5
"""How many times as long as such a part took the bulks of its key rest then.

They work for a sixth of the time, so that five in six calls of others meet none of it.
"""
LONGEST_REST = 0.25
"""In seconds: a part may have waited for the ledger, and a whole bulk rests for 12.5 s at most."""
LONGEST_STEP_BACK = 0.1
"""In seconds: before a part, for a moment in which no call is under way."""
