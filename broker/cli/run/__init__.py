"""Commands that run something: the gateway, a worker, the demo."""
