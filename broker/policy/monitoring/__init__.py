"""When people are warned, whom a missed deadline is escalated to, who is silent too long."""
