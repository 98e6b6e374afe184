"""The only place that knows Kombu and Valkey: wake-ups for workers, queues for agencies."""
