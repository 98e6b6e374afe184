"""The command line. See docs/cli.md."""
