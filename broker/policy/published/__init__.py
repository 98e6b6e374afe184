"""A policy as a whole: read, checked, compared, and known up to a day."""
