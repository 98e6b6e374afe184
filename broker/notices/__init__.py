"""How people are told of alarms: one file for each way, behind ``base.Notifier``."""
