"""The ledger: the only door to PostgreSQL. One method, one transaction, one statement a file.

It is composed of parts, in the order in which a referral meets them; each part keeps its
statements in ``sql/<part>/``.
"""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from broker.ledger.activity import Activity
from broker.ledger.alarms import Alarms
from broker.ledger.bulk_actions import BulkActions
from broker.ledger.clock_pauses import ClockPauses
from broker.ledger.corrections import Corrections
from broker.ledger.credentials import Credentials
from broker.ledger.database import Connection, Database
from broker.ledger.deadline_report import DeadlineReport
from broker.ledger.deliveries import Deliveries
from broker.ledger.directory import Directory
from broker.ledger.drafts import Drafts
from broker.ledger.embargoes import Embargoes
from broker.ledger.epochs import Epochs
from broker.ledger.faults import LastFailure
from broker.ledger.hand_overs import HandOvers
from broker.ledger.health import Health
from broker.ledger.holds import Holds
from broker.ledger.inbox import Inbox
from broker.ledger.inspection_reports import InspectionReports
from broker.ledger.links import Links
from broker.ledger.members import Members
from broker.ledger.monitoring import Monitoring
from broker.ledger.operator_actions import OperatorActions
from broker.ledger.organisations import Organisations
from broker.ledger.people import People
from broker.ledger.pictures import Pictures
from broker.ledger.policies import Policies
from broker.ledger.policy_backtest import PolicyBacktest
from broker.ledger.process_clocks import ProcessClocks
from broker.ledger.pseudonyms import Pseudonyms
from broker.ledger.queries import Queries
from broker.ledger.questions import Questions
from broker.ledger.queue_keys import QueueKeys
from broker.ledger.receipts import Receipts
from broker.ledger.reconciliations import Reconciliations
from broker.ledger.referrals import Referrals
from broker.ledger.routing import Routing
from broker.ledger.schema import Schema
from broker.ledger.statistics import Statistics
from broker.ledger.support_bundle import SupportBundle
from broker.ledger.sweep import Sweep
from broker.ledger.tasks import Tasks


class Ledger(Database):
    """Thread-safe. Every method of a part raises Unavailable when PostgreSQL is unavailable."""

    def __init__(self, pool: ConnectionPool[Connection], last: LastFailure, session: bytes) -> None:
        super().__init__(pool, last, session)
        self.schema = Schema(self)
        self.referrals = Referrals(self)
        self.routing = Routing(self)
        self.corrections = Corrections(self)
        self.deliveries = Deliveries(self)
        self.receipts = Receipts(self)
        self.clock_pauses = ClockPauses(self)
        self.alarms = Alarms(self)
        self.hand_overs = HandOvers(self)
        self.tasks = Tasks(self)
        self.embargoes = Embargoes(self)
        self.holds = Holds(self)
        self.sweep = Sweep(self)
        self.health = Health(self)
        self.pseudonyms = Pseudonyms(self)
        self.links = Links(self)
        self.activity = Activity(self)
        self.process_clocks = ProcessClocks(self)
        self.reconciliations = Reconciliations(self)
        self.queries = Queries(self)
        self.epochs = Epochs(self)
        self.deadline_report = DeadlineReport(self)
        self.inspection_reports = InspectionReports(self)
        self.policy_backtest = PolicyBacktest(self)
        self.statistics = Statistics(self)
        self.monitoring = Monitoring(self, self.statistics)
        self.pictures = Pictures(self)
        self.people = People(self)
        self.members = Members(self)
        self.inbox = Inbox(self)
        self.questions = Questions(self)
        self.drafts = Drafts(self)
        self.operator_actions = OperatorActions(self)
        self.bulk_actions = BulkActions(self)
        self.organisations = Organisations(self)
        self.policies = Policies(self)
        self.directory = Directory(self)
        self.credentials = Credentials(self)
        self.queue_keys = QueueKeys(self)
        self.support_bundle = SupportBundle(self)
