"""The actions that find an agency: redirect a delivery, and say where people live."""

from __future__ import annotations

from collections.abc import Mapping

from broker.admin import expected_recipients, operator_actions
from broker.admin.action_context import checked_reason
from broker.dashboard import choices, subjects
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.subjects import Check, Field, Subject
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.errors import Fault, Invalid
from broker.policy.routing.facts import WHOLE
from broker.policy.routing.redirect import kinds_served

_ANSWERS = ("area-", "reason", subjects.VERSION)
"""How the fields begin that are answers about areas."""
_TYPE_A_PLACE = "Type a council, a place or a whole postcode, such as Shropshire or ST4 1HH."


def of_redirect(visit: Visit, subject: str) -> Subject:
    """Offer the agencies whose kind the delivery's rule serves; others could not be chosen."""
    context, names = visit.desk.context, visit.frame.names
    _, delivery = subjects.delivery_of(visit, subject)
    rules = [rule for rule in context.policies.latest().routing_rules if rule.id == delivery.row]
    kinds = kinds_served(rules[0]) if rules else frozenset()
    groups = choices.agencies(names, context.clock(), kinds=kinds, without=delivery.agency)
    of_kinds = " and ".join(names.kind(kind).lower() for kind in sorted(kinds))
    hint = f"Only {of_kinds} may get this part of the referral. Or leave this empty."
    return subjects.of_delivery(
        visit,
        subject,
        Field("agency", "Agency", hint, groups=groups),
        Field(
            "area",
            "Or the area",
            f"{_TYPE_A_PLACE} The agency responsible there gets it.",
            suggested=choices.areas(names),
        ),
    )


def redirect(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    area, agency = _target(visit, form)
    operator_actions.redirect(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        area=area,
        agency=agency,
        **subjects.by_and_seen(visit, form),
    )


def check_redirect(visit: Visit, subject: str, form: Mapping[str, str]) -> Check:
    area, agency = _target(visit, form)
    preview = operator_actions.preview_redirect(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        area=area,
        agency=agency,
        reason=form.get("reason", ""),
        expected_version=subjects.seen_version(form),
    )
    confirms = " ".join([preview.agency, preview.view, *preview.children, *preview.persons])
    # The agency that is shown, and not the one that serves the area by then.
    others = {name: form.get(name, "") for name in ("reason", subjects.VERSION)}
    answers = {"agency": preview.agency, **others}
    return Check("check_redirect", confirms, answers, {"preview": preview})


def _target(visit: Visit, form: Mapping[str, str]) -> tuple[str | None, OrganisationCode | None]:
    """Return the area or the agency that a form names. Raises Invalid unless it names one."""
    agency, area = form.get("agency", "").strip(), form.get("area", "").strip()
    if bool(agency) == bool(area):
        message = "Choose an agency or an area, but not both."
        raise Invalid(message, faults=[Fault("/agency", "one-of", message)])
    if agency:
        return None, OrganisationCode(agency)
    gazetteer = visit.desk.context.policies.latest().gazetteer
    return choices.area_of(area, visit.frame.names, gazetteer, "area"), None


def of_areas(visit: Visit, subject: str) -> Subject:
    """Ask where each person of a referral lives; it shows their local ids, and no names."""
    id_ = ReferralId(identifier(subject))
    suggested = choices.areas(visit.frame.names)
    people = expected_recipients.people_of(visit.desk.context, id_)
    fields = [
        Field(f"area-{local}", f"Area of {local}", _TYPE_A_PLACE, suggested=suggested)
        for local in people or [WHOLE]
    ]
    return subjects.of_referral(visit, subject, *fields)


def _areas(visit: Visit, form: Mapping[str, str]) -> dict[str, str]:
    """Return the area of each person that a form names one for. Raises Invalid."""
    gazetteer = visit.desk.context.policies.latest().gazetteer
    typed = {
        name.removeprefix("area-"): text.strip()
        for name, text in form.items()
        if name.startswith("area-") and text.strip()
    }
    if not typed:
        first = next((name for name in form if name.startswith("area-")), "reason")
        message = "Give the area of at least one person."
        raise Invalid(message, faults=[Fault(f"/{first}", "missing", message)])
    return {
        local: choices.area_of(text, visit.frame.names, gazetteer, f"area-{local}")
        for local, text in typed.items()
    }


def check_areas(visit: Visit, subject: str, form: Mapping[str, str]) -> Check:
    areas, names = _areas(visit, form), visit.frame.names
    checked_reason(form.get("reason", ""))
    recipients = expected_recipients.with_areas(
        visit.desk.context, ReferralId(identifier(subject)), areas
    )
    directory = names.directory
    said = {
        local: directory.area_name(code) if directory else code for local, code in areas.items()
    }
    answers = {name: text for name, text in form.items() if name.startswith(_ANSWERS)}
    confirms = " ".join([*areas.values(), *(recipient.agency for recipient in recipients)])
    return Check("check_areas", confirms, answers, {"areas": said, "recipients": recipients})


def give_areas(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    id_ = ReferralId(identifier(subject))
    try:
        operator_actions.give_areas(
            visit.desk.context, id_, _areas(visit, form), **subjects.by_and_seen(visit, form)
        )
    except Invalid as error:
        raise Invalid(error.message, faults=[_at_field(fault) for fault in error.faults]) from None


def _at_field(fault: Fault) -> Fault:
    """Point at the field of the form that a document's pointer is about."""
    return Fault(fault.pointer.replace("/areas/", "/area-"), fault.code, fault.message)
