-- The edges of the latencies' buckets, in seconds.
select latency_edges() as edges
