"""The language in which a policy and its directory are written."""
