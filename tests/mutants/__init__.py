"""``make mutants``: small changes to what the broker does, each of which a test must notice."""
