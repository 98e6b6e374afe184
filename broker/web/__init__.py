"""What the pages for ops and those for agencies share: forms, sessions, errors, templates."""
