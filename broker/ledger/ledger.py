"""The ledger: the only door to PostgreSQL. One method, one transaction, one statement a file.

The methods stand by concern, in the order in which a referral meets them.
"""

from __future__ import annotations

from broker.ledger.activity import Presence
from broker.ledger.alarms import Watching
from broker.ledger.clock_pauses import Pausing
from broker.ledger.corrections import Versions
from broker.ledger.deadline_report import Counting
from broker.ledger.deliveries import Delivering
from broker.ledger.monitoring import Insights
from broker.ledger.operator_actions import Acting
from broker.ledger.organisations import Administration
from broker.ledger.people import People
from broker.ledger.policy_backtest import History
from broker.ledger.pseudonyms import Marking
from broker.ledger.queries import Questions
from broker.ledger.receipts import Answering
from broker.ledger.reconciliations import Reconciling
from broker.ledger.referrals import Intake
from broker.ledger.routing import Routing
from broker.ledger.support_bundle import Support
from broker.ledger.sweep import Sweeping


class Ledger(
    Intake,
    Routing,
    Versions,
    Delivering,
    Answering,
    Pausing,
    Watching,
    Sweeping,
    Marking,
    Presence,
    Reconciling,
    Questions,
    Counting,
    History,
    Insights,
    People,
    Acting,
    Administration,
    Support,
):
    """Thread-safe. Every method raises Unavailable when PostgreSQL is away; nothing is lost."""
