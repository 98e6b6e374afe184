"""Calendars, the four clocks, and deadlines explained in words."""
