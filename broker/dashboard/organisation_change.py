"""Change one organisation of the directory: what follows is shown before a person confirms it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from starlette.responses import RedirectResponse, Response

from broker.admin.action_context import LONGEST_REASON, checked_reason
from broker.admin.directory_changes import DirectoryChanges
from broker.dashboard.access import Visit
from broker.dashboard.organisation_form import (
    FIELDS,
    PARTS,
    SHOWN,
    Difference,
    begun,
    continued,
    differences,
    edits_of,
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
from broker.policy.language.entry_edits import Edits, Entry, EntryCourse, carried, edited
from broker.policy.time.calendars import LONDON
from broker.policy.time.moments import moment
from broker.web.forms import whole_number

Form = Mapping[str, str]
_NOTHING = "You changed nothing. Change a field, or go back."
_CHANGED = (
    "Somebody changed this organisation after you opened the page. The page shows their change. "
    "Compare it with what you typed, and continue to make your change too."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that a person asks for."""

    course: EntryCourse
    edits: Edits
    starts_at: datetime | None
    reason: str

    @property
    def entry(self) -> Entry:
        """Return the organisation without the change, when it is to start."""
        return self.course.at(self.starts_at)

    @property
    def document(self) -> Entry:
        """Return the organisation with the change."""
        return edited(self.entry, self.edits)


@dataclass(frozen=True, slots=True)
class Overruled:
    """A field that a change makes another one until a version starts that is set already."""

    starts_at: datetime
    difference: Difference


async def ask(visit: Visit) -> Response:
    """Show an organisation's entry as a form: what it is now, or from a day that is asked for."""
    course = await visit.desk.run(_course, visit)
    starts = visit.request.query_params.get("from", "")
    entry = course.at(_day(starts))
    form = {**begun(entry), "version": str(course.version), "starts": starts}
    return _form(visit, form, course, {})


async def change(visit: Visit, form: Form) -> Response:
    """Show what follows from a change; once it is confirmed, make it and lead to the agency."""
    changes, course = _changes(visit), await visit.desk.run(_course, visit)
    if "change" in form:
        return _form(visit, form, course, {})
    if await visit.desk.run(_is_repeated, visit, form):
        return _done(visit, form)
    try:
        asked = _asked(visit, form, course)
        await visit.desk.run(
            changes.check, [NewVersion(_code(visit), course.version, asked.document)]
        )
        if form.get("confirmed") != str(course.version):
            return _confirm(visit, form, asked)
        await visit.desk.run(_put, visit, changes, asked)
    except Conflict:
        return _form(visit, form, await visit.desk.run(_course, visit), {}, status=409)
    except Invalid as error:
        return _form(visit, form, course, faults_by_field(error.faults), status=422)
    return _done(visit, form)


def _is_repeated(visit: Visit, form: Form) -> bool:
    """Tell whether a confirmation was sent before: it made the version after the one it names."""
    seen = whole_number(form.get("confirmed", ""))
    made = [v for v in _changes(visit).versions(_code(visit)) if v.version - 1 == seen]
    return any(
        version.actor == visit.by
        and (version.starts_at > version.recorded_at) is _is_for_later(form)
        and not edits_of(version.document, form)
        for version in made
    )


def _is_for_later(form: Form) -> bool:
    return bool(form.get("starts", "").strip())


def _done(visit: Visit, form: Form) -> Response:
    done = "organisation-set" if _is_for_later(form) else "organisation-changed"
    return RedirectResponse(f"{ROOT}/agencies/{_code(visit)}?done={done}", 303)


def _course(visit: Visit) -> EntryCourse:
    """Return what a change changes. Raises NotFound."""
    return _changes(visit).course(_code(visit), now=visit.desk.context.clock())


def _put(visit: Visit, changes: DirectoryChanges, asked: Asked) -> None:
    now = visit.desk.context.clock()
    context = ChangeContext(visit.by, asked.reason, now, asked.starts_at)
    alter = partial(edited, edits=asked.edits)
    changes.change(_code(visit), alter, context, expected=asked.course.version)


def _asked(visit: Visit, form: Form, course: EntryCourse) -> Asked:
    """Read the form. Raises Invalid; Conflict where the organisation was changed since."""
    if form.get("version") != str(course.version):
        raise Conflict(_CHANGED)
    starts_at = _start(form.get("starts", "").strip(), visit.desk.context.clock())
    edits = edits_of(course.at(starts_at), form)
    if not edits:
        raise Invalid(_NOTHING, faults=[Fault("/reason", "missing", _NOTHING)])
    return Asked(course, edits, starts_at, checked_reason(form.get("reason", "")))


def _start(text: str, now: datetime) -> datetime | None:
    """Return the beginning of a day, None for at once. Raises Invalid for one that has begun."""
    starts_at = _day(text)
    if text and (starts_at is None or starts_at <= now):
        message = "Enter a day after today, or leave it empty to change it at once."
        raise Invalid(message, faults=[Fault("/starts", "out-of-range", message)])
    return starts_at


def _day(text: str) -> datetime | None:
    """Return the beginning of a day; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), LONDON)
    except ValueError:
        return None


def _confirm(visit: Visit, form: Form, asked: Asked) -> Response:
    version, now = str(asked.course.version), visit.desk.context.clock()
    return page(
        "check_organisation",
        visit=visit,
        code=_code(visit),
        form=form,
        check=Check("check_organisation", version, {**form, "confirmed": version}, {}),
        differences=differences(asked.entry, asked.document),
        is_set=asked.entry is not asked.course.entry,
        overruled=_overruled(asked),
        reason=asked.reason,
        starts=moment(asked.starts_at, now) if asked.starts_at else "",
    )


def _overruled(asked: Asked) -> list[Overruled]:
    """Return what the change does not keep, by what is set for after it starts."""
    changed = {difference.label for difference in differences(asked.entry, asked.document)}
    carry = {
        later.starts_at: later.entry
        for later in carried(asked.course, asked.document, asked.starts_at)
    }
    return [
        Overruled(later.starts_at, difference)
        for later in asked.course.after(asked.starts_at)
        for difference in differences(asked.document, carry.get(later.starts_at, later.entry))
        if difference.label in changed
    ]


def _form(
    visit: Visit,
    form: Form,
    course: EntryCourse,
    faults: Mapping[str, str],
    *,
    status: int = 200,
) -> Response:
    """Return the page of the form; with 409 as the organisation is by now."""
    stands: Mapping[str, str] = {}
    if status == 409:
        entry, faults = course.at(_day(form.get("starts", "").strip())), {"reason": _CHANGED}
        form = {**continued(entry, form), "version": str(course.version)}
        stands = values_of(entry)
    channels = visit.desk.context.policies.channels
    return page(
        "change_organisation",
        status,
        visit=visit,
        code=_code(visit),
        form=form,
        faults=faults,
        stands=stands,
        later=[(at.starts_at, _first_day(at.starts_at)) for at in course.later],
        fields={field.name: field for field in FIELDS},
        shown=SHOWN,
        contacts=[str(contact) for contact in Contact],
        parts=PARTS,
        channels={name: CHANNELS.get(name, name) for name in channels},
        longest=LONGEST_REASON,
    )


def _first_day(starts_at: datetime) -> date:
    """Return the first day at whose beginning a version is in force."""
    local = starts_at.astimezone(LONDON)
    return local.date() + timedelta(days=local.time() > time())


def _changes(visit: Visit) -> DirectoryChanges:
    context = visit.desk.context
    return DirectoryChanges(context.ledger, context.policies)


def _code(visit: Visit) -> OrganisationCode:
    return OrganisationCode(visit.request.path_params["code"])
