"""A whole broker on one machine, with sample agencies: for tests, the demo and a first try."""
