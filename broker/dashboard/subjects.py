"""What an action is about: its facts, the fields of its form, and what it would come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.dashboard.access import Visit
from broker.dashboard.choices import Groups
from broker.dashboard.pages import identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.wording import plain
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import OrganisationCode, ReferralId, TaskId
from broker.domain.referral import ReferralStatus
from broker.errors import NotFound
from broker.web.forms import whole_number

VERSION = "version"
"""The field of a form, and of a link to it, with the version of the referral that a page showed."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, beside the reason."""

    name: str
    label: str
    hint: str = ""
    choices: Mapping[str, str] | None = None
    groups: Groups | None = None
    """Organisations to choose from, by kind."""
    suggested: Sequence[str] = ()
    """Names that are offered while somebody types; others may be typed too."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: its facts, and the page to go back to."""

    facts: Mapping[str, str]
    back: str
    fields: tuple[Field, ...] = ()
    version: int | None = None
    """The version that its referral has now; None where it is about no referral."""


@dataclass(frozen=True, slots=True)
class Check:
    """What an action would come to, which a person sees and confirms before it is performed."""

    template: str
    confirms: str
    """What is confirmed: when it has changed since, they are asked again."""
    form: Mapping[str, str]
    """The answers as they are carried out once they are confirmed."""
    values: Mapping[str, Any]


def delivery_of(visit: Visit, subject: str) -> tuple[ReferralStatus, DeliveryStatus]:
    ledger, id_ = visit.desk.context.ledger, identifier(subject)
    for referral_id in ledger.monitoring.find(str(id_)):
        referral = ledger.queries.referral(None, id=referral_id)
        for delivery in referral.deliveries if referral else ():
            if delivery.id == id_:
                assert referral is not None
                return referral, delivery
    raise NotFound("No delivery has this ID.")


def of_delivery(visit: Visit, subject: str, *fields: Field) -> Subject:
    referral, delivery = delivery_of(visit, subject)
    facts = {
        "Referral": referral.reference,
        "Agency": visit.frame.names.of(delivery.agency),
        "State": str(delivery.state),
        "Cause": plain(delivery.reason),
    }
    return Subject(facts, f"{ROOT}/referrals/{referral.id}", fields, referral.version)


def of_agency(visit: Visit, subject: str) -> Subject:
    monitoring, now = visit.desk.context.ledger.monitoring, visit.desk.context.clock()
    presence = monitoring.organisation_status().get(OrganisationCode(subject))
    if presence is None:
        raise NotFound("No agency has this code.")
    work = monitoring.open_work(now=now, agency=subject)
    open_ = work[presence.agency].open if presence.agency in work else 0
    facts = {"Agency": visit.frame.names.of(presence.agency), "Open deliveries": f"{open_:,}"}
    return Subject(facts, f"{ROOT}/agencies/{subject}")


def of_task(visit: Visit, subject: str) -> Subject:
    open_tasks = visit.desk.context.ledger.tasks.tasks(id=TaskId(identifier(subject)), limit=1)
    if not open_tasks:
        raise NotFound("This task is settled, or there is none with this ID.")
    task = open_tasks[0]
    facts = {
        "Referral": task.reference or "not stored",
        "Publisher": visit.frame.names.of(task.publisher),
        "Task": task.message,
        "What to do": task.action,
    }
    return Subject(facts, f"{ROOT}/attention")


def of_referral(visit: Visit, subject: str, *fields: Field) -> Subject:
    find = visit.desk.context.ledger.queries.referral
    referral = find(None, id=ReferralId(identifier(subject)))
    if referral is None:
        raise NotFound("No referral has this ID.")
    facts = {
        "Referral": referral.reference,
        "Publisher": visit.frame.names.of(referral.publisher),
        "State": str(referral.state),
    }
    return Subject(facts, f"{ROOT}/referrals/{referral.id}", fields, referral.version)


def by_and_why(visit: Visit, form: Mapping[str, str]) -> dict[str, str]:
    return {"by": visit.by, "reason": form.get("reason", "")}


def seen_version(form: Mapping[str, str]) -> int | None:
    """Return the version of the referral that the person saw; None where the form has none."""
    return whole_number(form.get(VERSION, ""))


def by_and_seen(visit: Visit, form: Mapping[str, str]) -> dict[str, Any]:
    """Return who acts, why, and on which version of the referral."""
    return {**by_and_why(visit, form), "expected_version": seen_version(form)}
