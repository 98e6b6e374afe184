"""What is sent with the form is, row for row, what the API would have taken."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from threading import Barrier
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest

from broker.admin import membership
from broker.domain.codes import DraftEnd, MemberRight
from broker.domain.ids import OrganisationCode, ReferralId
from broker.errors import Conflict, Unavailable
from broker.flow.context import Context
from broker.ledger.drafts import EndedDraft
from broker.ledger.members import SignedInMember
from broker.referral_form import draft_acts
from tests.acceptance.conftest import World
from tests.conftest import FixedClock
from tests.integration.inbox.conftest import Person
from tests.integration.referral_form.conftest import FORCE, Sergeant, drafts, fill_needed
from tests.rows import rows

WRITTEN = {
    "schema": "referral/1",
    "reference": "SP/2026/4471",
    "referrer": {"name": "Sam Example", "role": "Sergeant", "telephone": "01632 960101"},
    "times": {"first_known_at": "2026-12-17T14:20:00Z"},
    "grade": {"level": "high", "reason": "A stranger asks a child for pictures."},
    "handling": {},
    "children": [
        {
            "id": "child-1",
            "given_name": "Wren",
            "family_name": "Applegarth",
            "area": "E06000021",
        }
    ],
    "concern": {
        "category": "grooming",
        "summary": "An unknown adult asks a nine-year-old for pictures.",
    },
}
RECIPIENT = re.compile(r'aria-labelledby="recipient-.*?</section>', re.DOTALL)
ROW = "digest, state, grade, effective_grade, first_known_at, policy_version, version, occurrence"


@pytest.fixture(autouse=True)
def in_december(world: World) -> None:
    world.at("2026-12-18 16:50")


def test_a_referral_is_the_one_that_the_api_takes(
    context: Context, world: World, sergeant: Sergeant, key: Callable[..., dict[str, str]]
) -> None:
    fill_needed(sergeant, "SP/2026/4471")
    (body,) = rows(context, "select body from draft")[0]
    assert orjson.loads(body) == WRITTEN
    form = sergeant.send()
    answer = world.client.post(
        "/v1/referrals", json=WRITTEN, headers=key("west-mercia-police", "publish")
    )
    assert answer.status_code == 202, answer.text
    api = answer.json()["id"]
    world.drain()
    for statement in (
        f"select {ROW} from referral where id = %s",
        "select convert_from(body, 'UTF8')::jsonb, version from referral_content"
        " where referral = %s",
        "select defects, faults from referral_finding where referral = %s",
        "select agency, role, policy_row, view, state, acknowledge_by, decide_by"
        " from delivery where referral = %s order by agency, policy_row",
        "select kind, agency from event where referral = %s order by kind, agency",
    ):
        assert rows(context, statement, form) == rows(context, statement, api), statement
    assert rows(context, "select agency from delivery where referral = %s", form)
    assert drafts(context) == [("SP/2026/4471", False, "sent")]
    (actor,) = rows(
        context, "select actor from event where referral = %s and kind = 'referral.accepted'", form
    )
    assert actor == (f"member:{sergeant.person.id}",)


def test_sending_twice_sends_once(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    shown = sergeant.page("/check")
    first = sergeant.resend("check", shown, {}, 303)
    again = sergeant.resend("check", shown, {}, 303)
    assert again.headers["location"] == first.headers["location"].partition("?")[0]
    assert rows(context, "select count(*) from referral") == [(1,)]


def test_sending_that_was_cut_off_can_be_repeated(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    (body,) = rows(context, "select body from draft")[0]
    referral = sergeant.send()
    with_content(context, body)
    assert sergeant.send() == referral
    assert rows(context, "select count(*) from referral") == [(1,)]


def with_content(context: Context, body: bytes) -> None:
    """Put a draft back as it was when its document was accepted and it had not ended yet."""
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(
            "update draft set body = %s, ended_at = null, ended_by = null, ended_because = null,"
            " referral = null",
            [body],
        )


def test_what_is_missing_is_not_sent(context: Context, sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    checked = sergeant.page("/check")
    assert "You cannot send it yet" in checked
    assert "Send to" not in checked
    stale = sergeant.page("/urgency")
    sergeant.resend("check", stale, {}, 409)
    assert rows(context, "select count(*) from referral") == [(0,)]
    assert drafts(context) == [("SP/1", True, None)]


def test_what_was_not_checked_is_not_sent(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    checked = sergeant.page("/check")
    sergeant.fill("urgency", {"grade-level": "immediate"}, grade_reason="", later="yes")
    refused = sergeant.resend("check", checked, {}, 409)
    assert "Nothing was sent" in refused.text
    assert rows(context, "select count(*) from referral") == [(0,)]


def test_check_says_what_the_api_says(context: Context, world: World, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/2026/4471")
    answer = world.client.post("/v1/referrals/check", json=WRITTEN, headers=world.police)
    plan: dict[str, Any] = answer.json()
    assert plan["deliveries"]
    checked = unescape(sergeant.page("/check"))
    for delivery in plan["deliveries"]:
        assert delivery["agency_name"] in checked
        due = world.local(delivery["deadlines"].get("acknowledge_by"))
        assert due is None or due[-5:] in checked
    assert rows(context, "select count(*) from referral") == [(0,)]


def test_a_correction_keeps_what_the_form_does_not_ask(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    document = {**WRITTEN, "online": {"tags": ["local-word"]}, "extensions": {}}
    receipt = world.routed(document)
    begun = sergeant.post(f"/sent/{receipt['id']}/correct", {})
    sergeant.draft = begun.headers["location"].rpartition("/")[2]
    again = sergeant.post(f"/sent/{receipt['id']}/correct", {})
    assert again.headers["location"] == begun.headers["location"]
    sergeant.fill("children/0/who", {"given_name": "Wrenna", "family_name": "Applegarth"})
    assert "Wrenna" in sergeant.page("/check")
    assert sergeant.send() == receipt["id"]
    world.drain()
    (body,) = rows(context, "select body from referral_content where version = 2")[0]
    changed = {**document, "children": [{**WRITTEN["children"][0], "given_name": "Wrenna"}]}
    assert orjson.loads(body) == changed
    assert rows(context, "select version, state from referral") == [(2, "routed")]
    assert drafts(context) == [("SP/2026/4471", False, "sent")]
    kinds = rows(context, "select distinct kind from delivery order by kind")
    assert ("correction",) in kinds


def test_a_correction_promises_no_new_deadline_to_who_has_the_referral(
    context: Context, world: World, enter: Callable[..., Person]
) -> None:
    receipt = world.routed(WRITTEN)
    before = rows(context, "select agency, decide_by from delivery order by agency")
    world.at("2026-12-21 09:00")
    sergeant = Sergeant(enter(FORCE, "Sam Example", "publish"))
    begun = sergeant.post(f"/sent/{receipt['id']}/correct", {})
    sergeant.draft = begun.headers["location"].rpartition("/")[2]
    sergeant.fill("children/new", {"given_name": "Robin"})
    sergeant.fill("children/1/where", {"area": "Staffordshire"})
    checked = unescape(sergeant.page("/check"))
    stoke, staffordshire = (
        next(part for part in RECIPIENT.findall(checked) if f"{name} children's" in part)
        for name in ("Stoke-on-Trent", "Staffordshire")
    )
    assert "Its deadlines count from when it got the referral." in stoke
    assert " by <strong>" not in stoke
    assert "Its deadlines" not in staffordshire
    assert " by <strong>" in staffordshire
    sergeant.send()
    world.drain()
    after = rows(context, "select agency, decide_by from delivery where kind = 'referral'")
    assert set(before) <= set(after)


def test_two_who_begin_a_correction_at_once_get_the_same_draft(
    context: Context, world: World, sergeant: Sergeant, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = world.routed(WRITTEN)
    path, content = f"/sent/{receipt['id']}/correct", draft_acts._content
    begun: list[str] = []

    def colleague_first(context_: Context, id_: ReferralId) -> Any:
        monkeypatch.setattr(draft_acts, "_content", content)
        begun.append(sergeant.post(path, {}).headers["location"])
        return content(context_, id_)

    monkeypatch.setattr(draft_acts, "_content", colleague_first)
    assert sergeant.post(path, {}).headers["location"] == begun[0]
    assert rows(context, "select corrects::text from draft") == [(receipt["id"],)]


def test_a_correction_of_what_was_corrected_meanwhile_is_not_sent(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    receipt = world.routed(WRITTEN)
    begun = sergeant.post(f"/sent/{receipt['id']}/correct", {})
    sergeant.draft = begun.headers["location"].rpartition("/")[2]
    sergeant.fill("children/0/who", {"given_name": "Wrenna", "family_name": "Applegarth"})
    newer = {**WRITTEN, "grade": {"level": "low", "reason": "It was a mistake."}}
    url = f"/v1/referrals/{receipt['id']}/corrections"
    assert world.client.post(url, json=newer, headers=world.police).status_code == 202
    shown = sergeant.page("/check")
    assert (
        "corrected this referral after you began" in sergeant.resend("check", shown, {}, 409).text
    )
    assert rows(context, "select version from referral") == [(2,)]


def test_a_correction_at_the_same_moment_is_not_overwritten(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    receipt = world.routed(WRITTEN)
    begun = sergeant.post(f"/sent/{receipt['id']}/correct", {})
    sergeant.draft = begun.headers["location"].rpartition("/")[2]
    sergeant.fill("children/0/who", {"given_name": "Wrenna", "family_name": "Applegarth"})
    member = _member(context, sergeant)
    draft = draft_acts.open_draft(context, member, UUID(sergeant.draft))
    newer = {**WRITTEN, "grade": {"level": "low", "reason": "It was a mistake."}}
    url, answers = f"/v1/referrals/{receipt['id']}/corrections", []

    def clock() -> datetime:
        """Have the force's system send its correction between any two of the form's reads."""
        if not answers:
            draft_is_saved = rows(context, "select revision from draft") != [(draft.revision,)]
            if draft_is_saved:
                answers.append(0)
                reply = world.client.post(url, json=newer, headers=world.police)
                answers[0] = reply.status_code
        return context.clock()

    with pytest.raises(Conflict, match="corrected this referral after you began"):
        draft_acts.send(replace(context, clock=clock), member, draft, revision=draft.revision)
    assert answers == [202]
    assert rows(context, "select version, actor like 'key:%' from correction") == [(2, True)]
    assert rows(context, "select version from referral") == [(2,)]
    assert rows(context, "select ended_because, body is not null from draft") == [(None, True)]


def test_a_referral_is_recalled_after_a_check(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    receipt = world.routed(WRITTEN)
    path = f"/sent/{receipt['id']}/recall"
    assert "Choose why" in sergeant.post(path, {}, 422).text
    checked = sergeant.post(path, {"reason": "wrong_person"}, 200).text
    assert "It is about the wrong person" in checked
    assert rows(context, "select recalled_at from referral") == [(None,)]
    sergeant.post(path, {"reason": "wrong_person", "confirmed": "yes"})
    assert rows(context, "select recall_reason, recalled_by from referral") == [
        ("wrong_person", "Sam Example")
    ]
    assert "took this referral back" in sergeant.get(f"/sent/{receipt['id']}")


def test_nobody_sees_what_another_force_writes_or_sent(
    context: Context, world: World, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    fill_needed(sergeant, "SP/SECRET")
    other = Sergeant(enter("west-mercia-police", "Kim Example", "publish"), sergeant.draft)
    for page in ("", "/check", "/children", "/children/0/who", "/delete", "/urgency"):
        assert "Applegarth" not in other.page(page, 404)
    assert "SP/SECRET" not in other.get("/")
    shown = sergeant.page("/urgency")
    token = other.get("/")
    form = {"grade-level": "low", "grade-reason": "No."}
    stolen = shown.replace(sergeant_token(shown), sergeant_token(token))
    other.resend("urgency", stolen, form, 404)
    other.resend("check", stolen, {}, 404)
    other.resend("delete", stolen, {}, 404)
    other.resend("children/0/remove", stolen, {}, 404)
    referral = sergeant.send()
    other.get(f"/sent/{referral}", 404)
    other.post(f"/sent/{referral}/correct", {}, 404)
    other.post(f"/sent/{referral}/recall", {"reason": "unlawful", "confirmed": "yes"}, 404)
    assert "has sent no referral" in other.post("/find", {"reference": "SP/SECRET"}, 422).text
    assert rows(context, "select publisher, recalled_at from referral") == [(FORCE, None)]


def test_who_may_no_longer_send_neither_saves_nor_sends_a_draft(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    enter(FORCE, "Kim Example", "administer")
    fill_needed(sergeant, "SP/1")
    shown, checked = sergeant.page("/urgency"), sergeant.page("/check")
    before = rows(context, "select body, revision, ended_at from draft")
    membership.change_rights(
        context, OrganisationCode(FORCE), sergeant.person.id, [MemberRight.ANSWER]
    )
    form = {"grade-level": "low", "grade-reason": "No."}
    for page, of in (("urgency", shown), ("check", checked), ("delete", checked)):
        refused = sergeant.resend(page, of, form, 403).text
        assert "You do not have permission to send referrals" in refused
        assert "Applegarth" not in refused
    sergeant.page("", 403)
    assert rows(context, "select body, revision, ended_at from draft") == before
    assert rows(context, "select count(*) from referral") == [(0,)]


def test_two_who_send_at_the_same_moment_send_once(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    member = _member(context, sergeant)
    draft, together = draft_acts.open_draft(context, member, UUID(sergeant.draft)), Barrier(2)

    def send(_: int) -> str:
        together.wait(30)
        try:
            return str(draft_acts.send(context, member, draft, revision=draft.revision))
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(2) as senders:
        answers = sorted(senders.map(send, range(2)))
    ((referral,),) = rows(context, "select id::text from referral")
    assert answers == [referral, "refused"]
    assert rows(context, "select referral::text, revision from draft") == [
        (referral, draft.revision + 1)
    ]
    accepted = "select count(*) from event where kind = 'referral.accepted'"
    assert rows(context, accepted) == [(1,)]


def test_nothing_that_a_colleague_saves_is_erased_by_sending(
    context: Context,
    sergeant: Sergeant,
    enter: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_needed(sergeant, "SP/1")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    publish, answers = draft_acts._published, []

    def slowly(*of: Any) -> Any:
        shown = colleague.page("/what-happened")
        form = {"concern-category": "grooming", "concern-summary": "More."}
        answers.append(colleague.resend("what-happened", shown, form, 422).text)
        return publish(*of)

    monkeypatch.setattr(draft_acts, "_published", slowly)
    referral = sergeant.send()
    assert "Somebody is sending this draft" in answers[0]
    assert "More." in answers[0]
    assert rows(context, "select referral::text, ended_because from draft") == [(referral, "sent")]
    assert b"More." not in rows(context, "select body from referral_content")[0][0]


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_a_draft_that_is_being_sent_is_neither_deleted_nor_does_it_expire(
    context: Context,
    clock: FixedClock,
    sergeant: Sergeant,
    enter: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    fill_needed(sergeant, "SP/1")
    rows(context, "update draft set expires_at = %s returning id", clock() + timedelta(seconds=5))
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    publish, answers = draft_acts._published, []

    def slowly(*of: Any) -> Any:
        if end == "deleted":
            answers.append(colleague.resend("delete", colleague.page("/delete"), {}, 409).text)
        else:
            clock.advance(seconds=10)
            assert context.ledger.drafts.expire(now=clock(), limit=9) == 0
        return publish(*of)

    monkeypatch.setattr(draft_acts, "_published", slowly)
    referral = sergeant.send()
    assert rows(context, "select referral::text, ended_because from draft") == [(referral, "sent")]
    assert all("Somebody is sending this draft" in answer for answer in answers)


def test_nobody_else_sends_a_draft(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    ledger, draft, now = context.ledger.drafts, UUID(sergeant.draft), context.clock()
    force, other = OrganisationCode(FORCE), OrganisationCode("west-mercia-police")
    (before,) = [each.revision for each in ledger.open_of(force, limit=1)]
    assert ledger.begin_sending(other, draft, revision=before, now=now) is None
    begun = ledger.begin_sending(force, draft, revision=before, now=now)
    assert begun is not None
    assert not ledger.end_sending(other, draft, revision=begun)
    kept = "select sending_at is not null, revision from draft"
    assert rows(context, kept) == [(True, begun)]


def test_what_could_not_be_sent_can_be_changed_at_once(
    context: Context, sergeant: Sergeant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_needed(sergeant, "SP/1")

    def away(*_: Any) -> Any:
        raise Unavailable("The ledger cannot be used at present.")

    with monkeypatch.context() as patched:
        patched.setattr(draft_acts, "_published", away)
        sergeant.resend("check", sergeant.page("/check"), {}, 503)
    assert rows(context, "select sending_at, ended_at from draft") == [(None, None)]
    sergeant.fill("what-happened", {"concern-category": "grooming", "concern-summary": "More."})
    sergeant.send()


def test_what_was_saved_after_sending_was_cut_off_for_long_stays(
    context: Context, clock: FixedClock, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    fill_needed(sergeant, "SP/1")
    ledger, force = context.ledger.drafts, OrganisationCode(FORCE)
    draft, now = UUID(sergeant.draft), context.clock()
    (before,) = [each.revision for each in ledger.open_of(force, limit=1)]
    revision = ledger.begin_sending(force, draft, revision=before, now=now)
    assert revision == before + 1
    clock.advance(minutes=2)
    form = {"concern-category": "grooming", "concern-summary": "More."}
    sergeant.fill("what-happened", form)
    deleted = EndedDraft(
        publisher=force,
        id=draft,
        because=DraftEnd.DELETED,
        member=sergeant.person.id,
        revision=revision,
    )
    assert not ledger.end(deleted, now=now)
    assert b"More." in rows(context, "select body from draft where ended_at is null")[0][0]


def _member(context: Context, sergeant: Sergeant) -> SignedInMember:
    organisation, rights = OrganisationCode(FORCE), frozenset({MemberRight.PUBLISH})
    return SignedInMember(
        sergeant.person.id, "Sam Example", organisation, "", rights, context.clock()
    )


def sergeant_token(page: str) -> str:
    """Return the token of the session of a page."""
    return page.partition('name="token" value="')[2].partition('"')[0]


def test_only_who_may_send_comes_in(enter: Callable[..., Person]) -> None:
    reader = Sergeant(enter(FORCE, "Kim Example", "answer", "administer"))
    for path in ("/", "/new", f"/sent/{'0' * 8}-0000-0000-0000-{'0' * 12}"):
        assert "You do not have permission to send referrals" in reader.get(path, 403)
    assert "Your referrals" not in reader.person.get("/")
