"""Ops change one organisation on a page: what follows is shown first, and no change is lost."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from broker.admin.directory_changes import DirectoryChanges
from broker.dashboard.organisation_form import begun
from broker.domain.codes import Contact, NoticeChannel, Right
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.due_organisations import start_due
from broker.ledger.directory import ChangeContext
from tests.conftest import FixedClock
from tests.directory_rows import entries
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.rows import rows

__all__ = ["pages"]
STOKE = OrganisationCode("stoke-csc")
PATH = f"/agencies/{STOKE}/change"
NUMBER = "01632 960199"
COUNT = "select count(*) from organisation_version"


def form(version: int = 0, **changes: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return {**begun(entries()[STOKE]), "version": str(version), **named}


def hidden(text: str) -> dict[str, str]:
    """Return the fields of the form that confirms."""
    (confirming,) = re.findall(
        r'<form method="post"[^>]*>(?:(?!</form>).)*name="confirmed".*?</form>', text, re.DOTALL
    )
    found = re.findall(r'name="([^"]+)" value="([^"]*)"', confirming)
    return {name: value for name, value in found if name != "token"}


def typed(text: str) -> dict[str, str]:
    """Return the fields that a browser sends from the page of the form."""
    inputs = re.findall(r'<input\b[^>]*name="([^"]+)"[^>]*value="([^"]*)"', text)
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', text)
    fields = {name: unescape(value) for name, value in (*inputs, *areas) if name != "token"}
    chosen = re.findall(r'<option value="([^"]+)" selected', text)
    return {**fields, "channel": chosen[0]}


def confirmed(pages: TestClient, session: dict[str, str], fields: Mapping[str, str]) -> Any:
    checked = ask(pages, "POST", PATH, session, **fields)
    assert checked.status_code == 200, checked.text
    return ask(pages, "POST", PATH, session, **hidden(checked.text))


def test_what_follows_is_shown_before_anything_is_written(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.ACT)
    shown = ask(pages, "GET", PATH, session)
    assert 'name="version" value="0"' in shown.text
    assert 'value="01632 960111"' in shown.text
    checked = ask(pages, "POST", PATH, session, **form(duty_telephone=NUMBER))
    assert checked.status_code == 200
    assert "Nothing has been changed yet" in checked.text
    assert "Duty: Telephone" in checked.text
    assert "01632 960111" in checked.text
    assert rows(context, COUNT) == [(0,)]
    done = ask(pages, "POST", PATH, session, **hidden(checked.text))
    assert done.headers["location"] == f"/ops/agencies/{STOKE}?done=organisation-changed"
    assert rows(context, "select actor, reason, version from organisation_version") == [
        ("person:Jo Example", "because", 1)
    ]
    entry = DirectoryChanges(context.ledger, context.policies).current(STOKE)[1]
    before = entries()[STOKE]
    duty = {**before["contacts"]["duty"], "telephone": NUMBER}
    assert entry == {**before, "contacts": {**before["contacts"], "duty": duty}}


def test_hours_channel_and_mobile_are_changed_together(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.ACT)
    fields = form(
        duty_hours="Mon-Fri 08:00-12:30, 13:15-17:00", duty_sms="07700 900123", channel="mailbox"
    )
    assert confirmed(pages, session, fields).status_code == 303
    organisation = context.policies.refreshed().directory.organisation(STOKE)
    assert organisation is not None
    assert organisation.channel == "mailbox"
    assert organisation.contacts[Contact.DUTY][NoticeChannel.SMS] == "07700 900123"
    assert len(organisation.telephones[Contact.DUTY].hours[0]) == 2


def test_a_change_may_start_on_a_later_day(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.ACT)
    done = confirmed(pages, session, form(duty_telephone=NUMBER, starts="2099-12-01"))
    assert done.headers["location"].endswith("?done=organisation-set")
    assert rows(context, "select starts_at::date::text from organisation_version") == [
        ("2099-12-01",)
    ]
    organisation = context.policies.refreshed().directory.organisation(STOKE)
    assert organisation is not None
    assert organisation.telephones[Contact.DUTY].number != NUMBER


def start_all(context: Context, clock: FixedClock) -> Mapping[str, Any]:
    """Start what is set for later; return the organisation then."""
    clock.advance(days=(datetime(2099, 12, 3, tzinfo=UTC) - clock()).days)
    start_due(context, now=clock())
    return DirectoryChanges(context.ledger, context.policies).course(STOKE, now=clock()).entry


def test_what_is_changed_meanwhile_stays_when_a_change_for_later_starts(
    context: Context, pages: TestClient, clock: FixedClock
) -> None:
    session = signed_in(context, Right.ACT)
    warning = "A change of this organisation is set for Tuesday 1 December 2099"
    assert warning not in ask(pages, "GET", PATH, session).text
    fields = form(duty_telephone=NUMBER, manager_email="later@example.org", starts="2099-12-01")
    confirmed(pages, session, fields)
    asked = ask(pages, "GET", PATH, session).text
    assert warning in asked
    assert NUMBER not in asked, "the page shows what is in force"

    fields = form(1, duty_telephone="01632 960177", duty_email="new@example.org")
    checked = ask(pages, "POST", PATH, session, **fields).text
    assert f"“Duty: Telephone” is {NUMBER}: that was set before" in checked
    assert ask(pages, "POST", PATH, session, **hidden(checked)).status_code == 303
    assert rows(context, COUNT) == [(3,)]
    now = DirectoryChanges(context.ledger, context.policies).course(STOKE, now=clock()).entry
    assert now["contacts"]["duty"]["telephone"] == "01632 960177"
    assert now["contacts"]["duty"]["email"] == "new@example.org"
    assert now["contacts"]["manager"]["email"] != "later@example.org"

    contacts = start_all(context, clock)["contacts"]
    assert (contacts["duty"]["telephone"], contacts["duty"]["email"]) == (
        NUMBER,
        "new@example.org",
    )
    assert contacts["manager"]["email"] == "later@example.org"


def test_what_is_set_for_later_is_changed_or_taken_back_on_its_own_day(
    context: Context, pages: TestClient, clock: FixedClock
) -> None:
    session = signed_in(context, Right.ACT)
    confirmed(pages, session, form(duty_telephone=NUMBER, starts="2099-12-01"))
    link = "?from=2099-12-01"
    assert f'href="{link}"' in ask(pages, "GET", PATH, session).text
    asked = ask(pages, "GET", PATH + link, session).text
    assert f'value="{NUMBER}"' in asked
    assert 'value="2099-12-01"' in asked
    before = entries()[STOKE]["contacts"]["duty"]["telephone"]
    fields = form(1, duty_telephone=before, shown_duty_telephone=NUMBER, starts="2099-12-01")
    assert confirmed(pages, session, fields).headers["location"].endswith("?done=organisation-set")
    assert start_all(context, clock) == entries()[STOKE]


def test_nothing_is_changed_while_a_change_that_is_due_is_not_in_force(
    context: Context, pages: TestClient, clock: FixedClock
) -> None:
    session = signed_in(context, Right.ACT)
    day = (clock() + timedelta(days=2)).date()
    confirmed(pages, session, form(duty_telephone=NUMBER, starts=day.isoformat()))
    checked = ask(pages, "POST", PATH, session, **form(1, duty_email="new@example.org"))
    clock.advance(days=2)
    session = signed_in(context, Right.ACT)
    assert ask(pages, "POST", PATH, session, **hidden(checked.text)).status_code == 503
    start_due(context, now=clock())
    assert ask(pages, "POST", PATH, session, **hidden(checked.text)).status_code == 303
    entry = DirectoryChanges(context.ledger, context.policies).current(STOKE)[1]
    assert entry["contacts"]["duty"]["telephone"] == NUMBER
    assert entry["contacts"]["duty"]["email"] == "new@example.org"


def test_a_mistake_is_named_at_its_field_and_keeps_what_was_typed(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.ACT)
    for name, value in (
        ("duty-telephone", "ring us"),
        ("duty-sms", "01632 960123"),
        ("duty-email", "nobody"),
        ("duty-hours", "when we are in"),
        ("hours", "Mon 17:00-09:00-08:00"),
        ("starts", "2001-01-01"),
    ):
        refused = ask(
            pages, "POST", PATH, session, **{**form(), "duty-telephone": NUMBER, name: value}
        )
        assert refused.status_code == 422, (name, refused.text)
        assert f'href="#{name}"' in refused.text, name
        assert value in refused.text, name
    assert rows(context, COUNT) == [(0,)]


def test_nothing_changed_and_no_reason_are_said(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.ACT)
    assert "You changed nothing" in ask(pages, "POST", PATH, session, **form()).text
    without = ask(pages, "POST", PATH, session, **form(duty_telephone=NUMBER), reason="  ")
    assert without.status_code == 422
    assert "Give a reason" in without.text


def test_somebody_elses_change_is_not_overwritten(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.ACT)
    checked = ask(pages, "POST", PATH, session, **form(duty_telephone=NUMBER))
    theirs = {**entries()[STOKE], "name": "Renamed meanwhile", "hours": "always"}
    DirectoryChanges(context.ledger, context.policies).put(
        STOKE, theirs, ChangeContext("person:Sam", "theirs", context.clock()), expected=0
    )
    refused = ask(pages, "POST", PATH, session, **hidden(checked.text))
    assert refused.status_code == 409
    assert "Somebody changed this organisation" in refused.text
    assert f'value="{NUMBER}"' in refused.text
    assert "It says now: 01632 960111" in refused.text
    assert 'name="version" value="1"' in refused.text
    assert rows(context, COUNT) == [(1,)]
    again = confirmed(pages, session, typed(refused.text))
    assert again.status_code == 303
    entry = DirectoryChanges(context.ledger, context.policies).current(STOKE)[1]
    assert entry["contacts"]["duty"]["telephone"] == NUMBER
    assert (entry["name"], entry["hours"]) == ("Renamed meanwhile", "always")


def test_a_confirmation_that_is_sent_twice_is_answered_alike(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.ACT)
    for changes in ({"duty_telephone": NUMBER}, {"duty_email": "new@example.org"}):
        version = rows(context, COUNT)[0][0]
        fields = {**form(version, duty_telephone=NUMBER), **form(version, **changes)}
        checked = ask(pages, "POST", PATH, session, **fields)
        answers = [ask(pages, "POST", PATH, session, **hidden(checked.text)) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        assert rows(context, COUNT) == [(version + 1,)]


def test_an_unknown_organisation_is_not_found(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.ACT)
    assert ask(pages, "GET", "/agencies/nowhere/change", session).status_code == 404
    answer = ask(pages, "POST", "/agencies/nowhere/change", session, **form())
    assert answer.status_code == 404
