"""What a new version, a correction or a recall means for agencies that had an earlier one."""
