"""Commands that run a process of the broker: the gateway, a worker."""
