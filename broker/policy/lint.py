"""Everything that is wrong with a policy, before anybody uses it."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import Fault
from broker.policy.book import assemble


def lint(documents: Mapping[str, str]) -> list[Fault]:
    """Return every fault of a policy's documents, pointing at ``file:line``; none when it is sound.

    What it finds is what keeps ``load`` from using the policy.
    """
    return assemble(documents, version="unpublished")[1]
