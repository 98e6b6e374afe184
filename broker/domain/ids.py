"""Names of things, as types that cannot be swapped, and where new ids come from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NewType
from uuid import UUID

ReferralId = NewType("ReferralId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
LeaseId = NewType("LeaseId", UUID)
EscalationId = NewType("EscalationId", UUID)
NoticeId = NewType("NoticeId", UUID)
TaskId = NewType("TaskId", UUID)
OrganisationCode = NewType("OrganisationCode", str)
"""A short stable name from the directory, such as ``stoke-csc``; it also names the queue."""
CredentialId = NewType("CredentialId", str)

Clock = Callable[[], datetime]
"""Gives the present instant, aware and in UTC. Always an argument, never called by the core."""
NewId = Callable[[], UUID]
"""Gives a fresh UUID version 7 (RFC 9562). Always an argument."""
