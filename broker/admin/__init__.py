"""What people do: each act needs a reason, names who did it, and is an event of the history."""
