"""The published language: what goes in and out of the broker. Imports nothing else of ours."""
