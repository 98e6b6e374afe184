"""Which places exist, whoever serves them."""
