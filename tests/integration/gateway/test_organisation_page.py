"""Ops change one organisation on a page: what follows is shown first, and no change is lost."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from broker.admin.directory_changes import DirectoryChanges
from broker.dashboard.organisation_form import values_of
from broker.domain.codes import Contact, NoticeChannel, Right
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.ledger.directory import ChangeContext
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
    return {**values_of(entries()[STOKE]), "version": str(version), **named}


def hidden(text: str) -> dict[str, str]:
    """Return the fields of the form that confirms."""
    (confirming,) = re.findall(
        r'<form method="post"[^>]*>(?:(?!</form>).)*name="confirmed".*?</form>', text, re.DOTALL
    )
    found = re.findall(r'name="([^"]+)" value="([^"]*)"', confirming)
    return {name: value for name, value in found if name != "token"}


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


def test_a_change_that_is_set_for_later_is_named_before_another_is_made(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.ACT)
    warning = "A change of this organisation is set for Tuesday 1 December 2099"
    shown = "The page shows the organisation with that change"
    assert warning not in ask(pages, "GET", PATH, session).text
    confirmed(pages, session, form(duty_telephone=NUMBER, starts="2099-12-01"))
    asked = ask(pages, "GET", PATH, session).text
    assert warning in asked
    assert shown in asked
    fields = form(1, duty_telephone=NUMBER, duty_email="new@example.org")
    checked = ask(pages, "POST", PATH, session, **fields).text
    assert warning in checked
    assert shown in checked
    assert confirmed(pages, session, fields).status_code == 303
    after = ask(pages, "GET", PATH, session).text
    assert warning in after
    assert shown not in after


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
    theirs = {**entries()[STOKE], "name": "Renamed meanwhile"}
    DirectoryChanges(context.ledger, context.policies).put(
        STOKE, theirs, ChangeContext("person:Sam", "theirs", context.clock()), expected=0
    )
    refused = ask(pages, "POST", PATH, session, **hidden(checked.text))
    assert refused.status_code == 409
    assert "Somebody changed this organisation" in refused.text
    assert f'value="{NUMBER}"' in refused.text
    assert 'name="version" value="1"' in refused.text
    assert rows(context, COUNT) == [(1,)]
    fields = {**form(1, duty_telephone=NUMBER)}
    assert confirmed(pages, session, fields).status_code == 303
    entry = DirectoryChanges(context.ledger, context.policies).current(STOKE)[1]
    assert (entry["name"], entry["contacts"]["duty"]["telephone"]) == ("Renamed meanwhile", NUMBER)


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
