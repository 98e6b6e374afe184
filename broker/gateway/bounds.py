"""How much one caller, and all together, may use of a gateway. ``docs/operations.md`` lists them.

Times are in ``broker/time_limits.py``; the number of connections is set (``broker/settings.py``).
"""

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
LINGERING_BYTES = 32 * 1024 * 1024
"""Of a request that was answered before all of it had come: so much is read and dropped."""
REFUSED = 64
"""Connections over the limit that wait for their first bytes, to be answered 429."""
