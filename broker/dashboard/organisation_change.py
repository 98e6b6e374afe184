"""Change one organisation of the directory: what follows is shown before a person confirms it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.admin.action_context import LONGEST_REASON, checked_reason
from broker.admin.directory_changes import DirectoryChanges
from broker.dashboard.access import Visit
from broker.dashboard.organisation_form import (
    FIELDS,
    PARTS,
    changed_entry,
    differences,
    faults_by_field,
    values_of,
)
from broker.dashboard.organisation_names import CHANNELS
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.subjects import Check
from broker.domain.codes import Contact
from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, Fault, Invalid
from broker.ledger.directory import ChangeContext, NewVersion
from broker.policy.time.calendars import LONDON
from broker.policy.time.moments import moment

Form = Mapping[str, str]
_NOTHING = "You changed nothing. Change a field, or go back."
_CHANGED = (
    "Somebody changed this organisation after you opened the page. Compare what it says now, under "
    "each field that you changed, and continue to make your change to it."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that a person asks for, on an organisation as it stands."""

    version: int
    entry: Mapping[str, Any]
    document: Mapping[str, Any]
    """The entry with the change."""
    starts_at: datetime | None
    reason: str


async def ask(visit: Visit) -> Response:
    """Show an organisation's entry as a form."""
    version, entry = await visit.desk.run(_changes(visit).current, _code(visit))
    return _form(visit, {**values_of(entry), "version": str(version)}, entry, {})


async def change(visit: Visit, form: Form) -> Response:
    """Show what follows from a change; once it is confirmed, make it and lead to the agency."""
    code, changes = _code(visit), _changes(visit)
    version, entry = await visit.desk.run(changes.current, code)
    if "change" in form:
        return _form(visit, form, entry, {})
    try:
        asked = _asked(visit, form, version, entry)
        await visit.desk.run(changes.check, [NewVersion(code, version, asked.document)])
        if form.get("confirmed") != str(version):
            return _confirm(visit, form, asked)
        await visit.desk.run(_put, visit, changes, asked)
    except Conflict:
        again = {**form, "version": str((await visit.desk.run(changes.current, code))[0])}
        return _form(visit, again, entry, {"reason": _CHANGED}, status=409)
    except Invalid as error:
        return _form(visit, form, entry, faults_by_field(error.faults), status=422)
    done = "organisation-set" if asked.starts_at else "organisation-changed"
    return RedirectResponse(f"{ROOT}/agencies/{code}?done={done}", 303)


def _put(visit: Visit, changes: DirectoryChanges, asked: Asked) -> None:
    now = visit.desk.context.clock()
    context = ChangeContext(visit.by, asked.reason, now, asked.starts_at)
    changes.put(_code(visit), asked.document, context, expected=asked.version)


def _asked(visit: Visit, form: Form, version: int, entry: Mapping[str, Any]) -> Asked:
    """Read the form. Raises Invalid; Conflict where the entry is another one than was shown."""
    if form.get("version") != str(version):
        raise Conflict(_CHANGED)
    document = changed_entry(entry, form)
    if document == entry:
        raise Invalid(_NOTHING, faults=[Fault("/reason", "missing", _NOTHING)])
    starts_at = _start(form.get("starts", "").strip(), visit.desk.context.clock())
    return Asked(version, entry, document, starts_at, checked_reason(form.get("reason", "")))


def _start(text: str, now: datetime) -> datetime | None:
    """Return the beginning of a day, None for at once. Raises Invalid for one that has begun."""
    if not text:
        return None
    try:
        starts_at = datetime.combine(date.fromisoformat(text), time(), LONDON)
    except ValueError:
        starts_at = now
    if starts_at <= now:
        message = "Enter a day after today, or leave it empty to change it at once."
        raise Invalid(message, faults=[Fault("/starts", "out-of-range", message)])
    return starts_at


def _confirm(visit: Visit, form: Form, asked: Asked) -> Response:
    code, context = _code(visit), visit.desk.context
    version = str(asked.version)
    return page(
        "check_organisation",
        visit=visit,
        code=code,
        form=form,
        check=Check("check_organisation", version, {**form, "confirmed": version}, {}),
        differences=differences(asked.entry, asked.document),
        reason=asked.reason,
        starts=moment(asked.starts_at, context.clock()) if asked.starts_at else "",
    )


def _form(
    visit: Visit,
    form: Form,
    entry: Mapping[str, Any],
    faults: Mapping[str, str],
    *,
    status: int = 200,
) -> Response:
    channels = visit.desk.context.policies.channels
    return page(
        "change_organisation",
        status,
        visit=visit,
        code=_code(visit),
        form=form,
        faults=faults,
        stands=values_of(entry) if status == 409 else {},
        fields={field.name: field for field in FIELDS},
        contacts=[str(contact) for contact in Contact],
        parts=PARTS,
        channels={name: CHANNELS.get(name, name) for name in channels},
        longest=LONGEST_REASON,
    )


def _changes(visit: Visit) -> DirectoryChanges:
    context = visit.desk.context
    return DirectoryChanges(context.ledger, context.policies)


def _code(visit: Visit) -> OrganisationCode:
    return OrganisationCode(visit.request.path_params["code"])
