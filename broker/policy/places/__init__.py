"""Which places exist, with or without an agency that serves them."""
