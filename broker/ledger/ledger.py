"""The ledger: the only door to PostgreSQL. One method, one transaction, one statement a file.

The methods stand by concern, in the order in which a referral meets them.
"""

from __future__ import annotations

from broker.ledger.acting import Acting
from broker.ledger.administration import Administration
from broker.ledger.answering import Answering
from broker.ledger.delivering import Delivering
from broker.ledger.figures import Counting
from broker.ledger.history import History
from broker.ledger.insights import Insights
from broker.ledger.intake import Intake
from broker.ledger.marking import Marking
from broker.ledger.pausing import Pausing
from broker.ledger.people import People
from broker.ledger.presence import Presence
from broker.ledger.questions import Questions
from broker.ledger.reconciling import Reconciling
from broker.ledger.routing import Routing
from broker.ledger.support import Support
from broker.ledger.sweeping import Sweeping
from broker.ledger.versions import Versions
from broker.ledger.watching import Watching


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
