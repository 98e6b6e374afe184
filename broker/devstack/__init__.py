"""A whole broker on one machine, with sample agencies: for tests, the demo and a first try.

Built as the distribution ``referral-broker-devstack``; production installs do not have it. It may
import everything of the broker, and nothing of the broker imports it: ``broker.cli.main`` names its
commands in a table.
"""

__version__ = "0.1.0"
