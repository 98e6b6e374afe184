"""Change one organisation of the directory: what follows is shown before a person confirms it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Latest:
    """An organisation's last version, which need not be in force."""

    version: int
    entry: Mapping[str, Any]
    later: Sequence[datetime]
    """When versions start that are set for later, the last version first."""
    is_later: bool
    """Whether the last version is one of them."""


async def ask(visit: Visit) -> Response:
    """Show an organisation's entry as a form."""
    latest = await visit.desk.run(_latest, visit)
    return _form(visit, {**values_of(latest.entry), "version": str(latest.version)}, latest, {})


async def change(visit: Visit, form: Form) -> Response:
    """Show what follows from a change; once it is confirmed, make it and lead to the agency."""
    changes, latest = _changes(visit), await visit.desk.run(_latest, visit)
    if "change" in form:
        return _form(visit, form, latest, {})
    if _is_repeated(form, latest):
        return _done(visit, form)
    try:
        asked = _asked(visit, form, latest.version, latest.entry)
        new = NewVersion(_code(visit), latest.version, asked.document)
        await visit.desk.run(changes.check, [new])
        if form.get("confirmed") != str(latest.version):
            return _confirm(visit, form, asked, latest)
        await visit.desk.run(_put, visit, changes, asked)
    except Conflict:
        latest = await visit.desk.run(_latest, visit)
        again = {**form, "version": str(latest.version)}
        return _form(visit, again, latest, {"reason": _CHANGED}, status=409)
    except Invalid as error:
        return _form(visit, form, latest, faults_by_field(error.faults), status=422)
    return _done(visit, form)


def _is_repeated(form: Form, latest: Latest) -> bool:
    """Tell whether a confirmation was sent before: the last version is what it makes."""
    is_next = form.get("confirmed") == str(latest.version - 1)
    is_alike = latest.is_later is _is_for_later(form)
    return is_next and is_alike and changed_entry(latest.entry, form) == latest.entry


def _is_for_later(form: Form) -> bool:
    return bool(form.get("starts", "").strip())


def _done(visit: Visit, form: Form) -> Response:
    done = "organisation-set" if _is_for_later(form) else "organisation-changed"
    return RedirectResponse(f"{ROOT}/agencies/{_code(visit)}?done={done}", 303)


def _latest(visit: Visit) -> Latest:
    """Return what a change changes. Raises NotFound."""
    changes, code, now = _changes(visit), _code(visit), visit.desk.context.clock()
    version, entry = changes.current(code)
    later = {
        known.version: known.starts_at
        for known in changes.versions(code)
        if known.revision is None and known.starts_at > now
    }
    return Latest(version, entry, list(later.values()), version in later)


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


def _confirm(visit: Visit, form: Form, asked: Asked, latest: Latest) -> Response:
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
        latest=latest,
    )


def _form(
    visit: Visit,
    form: Form,
    latest: Latest,
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
        stands=values_of(latest.entry) if status == 409 else {},
        latest=latest,
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
