"""What a worker reads before it starts its processes: they are copies of it and share it.

Nothing of it may need a connection, a thread or a lock afterwards (``workers.pool``).
"""

from __future__ import annotations

from broker import memory
from broker.channels.registry import CHANNELS
from broker.errors import BrokerError, LedgerRefused
from broker.flow.policy_cache import PolicyCache
from broker.ledger.ledger import Ledger
from broker.settings import Settings
from schemas import compiled
from schemas.referral import REFERRAL

_prepared: list[PolicyCache] = []


def prepare(settings: Settings) -> None:
    """Read the policy and compile what reads referrals; without the ledger the latter alone.

    Raises LedgerRefused where the ledger cannot be used until somebody acts.
    """
    # Closed again at once, with its threads: none of it may be there when processes are copied.
    with Ledger.open(settings.database_url, application_name="broker worker", max_size=1) as ledger:
        policies = PolicyCache(ledger, CHANNELS.forms)
        try:
            ledger.schema.check()
            policies.latest()
        except LedgerRefused:
            raise
        except BrokerError:  # read again where it is needed, and reported there
            pass
        else:
            _prepared[:] = [policies]
    compiled.reader(REFERRAL)
    # A look for cycles writes to every object, and so ends the sharing of its memory.
    memory.settle(memory.FOR_A_WORKER)


def policies_of(ledger: Ledger) -> PolicyCache:
    """Return a cache that reads from a ledger, with what was read before this process began."""
    if _prepared:
        return _prepared[0].reading(ledger)
    return PolicyCache(ledger, CHANNELS.forms)
