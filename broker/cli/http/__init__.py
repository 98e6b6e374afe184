"""Commands that call the gateway with a key: for publishers, agencies and ops."""
