"""Commands that call the gateway with a key."""
