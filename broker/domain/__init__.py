"""What things are: ids, states and their table, outcomes, milestones. Standard library only."""
