"""Celery and nothing else: the app, its settings with reasons, tasks of a few lines."""
