"""The path of a referral, one module for each step.

====  =========  ================  =============================================================
step  name       module            what it does
====  =========  ================  =============================================================
1     accept     ``accept``        commits a referral, and gives its receipt
2     route      ``route``         validates it, decides who gets which part by when, writes that
3     dispatch   ``dispatch``      sends deliveries to agencies that do not collect them
4     collect    ``collect``       leases deliveries to an agency, earliest deadline first
5     answer     ``answer``        records receipts, and redirects what was returned
6     deadlines  ``deadlines``     warns, records breaches, escalates
7     notify     ``notify``        sends the notices that step 6 recorded
8     sweep      ``sweep``         puts back lapsed leases, due retries and lost wake-ups
====  =========  ================  =============================================================

The other modules serve these steps, and their first line says which: ``correct`` (1),
``recurrence_warnings`` (2), ``render`` (3 and 4), ``clock_pause`` and ``receipt_parser`` (5),
``silence_monitor`` (6), ``bulk`` (8); and for every step ``context``, ``steps`` (one wrapper for
log line, trace and duration), ``task_queues``, ``policy_cache`` and ``activity_counter``.
"""
