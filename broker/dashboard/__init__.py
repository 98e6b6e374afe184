"""The pages for ops: who is late, who is about to be, why, and what to press."""
