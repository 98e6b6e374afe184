"""What the best engineer of a team writes by hand in two days, for speed: no framework for tasks.

One INSERT and one push a POST. A worker takes ids from a reliable list in Valkey, and for each
referral has one transaction in psycopg's pipeline and one pipeline with a message a delivery. Like
the other rival it has no answer for a crash between its commit and its messages.
"""
