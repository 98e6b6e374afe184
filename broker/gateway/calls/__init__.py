"""The table of calls: routes, scopes and the OpenAPI document are all made from it.

Each subject has a file of rows. The order here is that of the documentation.
"""

from __future__ import annotations

from broker.gateway.call import Call
from broker.gateway.calls.deadline_calls import DEADLINES
from broker.gateway.calls.delivery_calls import DELIVERIES
from broker.gateway.calls.monitoring_calls import MONITORING
from broker.gateway.calls.operation_calls import OPERATIONS
from broker.gateway.calls.organisation_calls import ORGANISATIONS
from broker.gateway.calls.question_calls import QUESTIONS
from broker.gateway.calls.reconciliation_calls import RECONCILIATION
from broker.gateway.calls.referral_calls import REFERRALS
from broker.gateway.calls.service_calls import SERVICE

CALLS: tuple[Call, ...] = (
    *REFERRALS,
    *QUESTIONS,
    *DELIVERIES,
    *DEADLINES,
    *RECONCILIATION,
    *OPERATIONS,
    *MONITORING,
    *ORGANISATIONS,
    *SERVICE,
)
