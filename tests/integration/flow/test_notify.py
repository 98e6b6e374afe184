"""People are told: by a real mail server, a real web server and a real program, on loopback."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker.admin.membership import Invited, add
from broker.admin.publish_policy import publish
from broker.bootstrap import notifiers
from broker.channels.registry import CHANNELS
from broker.domain.codes import NoticeChannel, NoticeState, Scope
from broker.domain.ids import LeaseId, OrganisationCode
from broker.domain.notice import NoticeResult
from broker.flow import notify as notifying
from broker.flow.context import Context
from broker.flow.notify import ATTEMPTS, notify
from broker.notices.base import Deferred, Message, Refused, Sent
from broker.notices.command import Command
from broker.notices.email import Email
from broker.notices.webhook import Webhook
from broker.policy.published.policy import documents_from
from broker.transport.http import SafePost
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_disclosure import SCHOOL
from tests.acceptance.test_cases_embargo import act, under_embargo
from tests.acceptance.test_cases_handover import OFFICE, TEAM, held_by_the_team
from tests.acceptance.test_versions import correct
from tests.conftest import POLICIES
from tests.mail_server import MailServer
from tests.rows import rows

AT = datetime(2026, 12, 21, 14, 1, tzinfo=UTC)
MESSAGE = Message("0193", "Deadline missed: Stoke", "In words.\n", {"kind": "delivery.escalated"})


@pytest.fixture
def web() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    """A web server: its address, what it got, and the answers that it will give."""
    got: list[tuple[dict[str, str], bytes]] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            self.send_response(answers.pop(0) if answers else 204)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/notices", got, answers
    server.shutdown()
    server.server_close()


def email(mail: MailServer) -> Email:
    return Email(mail.url, sender="broker@broker.example.org", clock=lambda: AT)


def test_a_mail_has_what_mail_servers_ask_for(mail: MailServer) -> None:
    assert email(mail).send("duty@stoke.example.org", MESSAGE) == Sent()
    ((recipients, text),) = mail.got
    assert recipients == ["duty@stoke.example.org"]
    for line in (
        "Subject: Deadline missed: Stoke",
        "Message-ID: <0193@broker.example.org>",
        "Auto-Submitted: auto-generated",
        "Date: Mon, 21 Dec 2026 14:01:00 +0000",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 no such mailbox", Refused("recipient_refused")),
        ("451 come back later", Deferred("recipient_deferred")),
    ],
)
def test_a_refusal_is_for_good_and_a_deferral_is_not(
    mail: MailServer, answer: str, expected: object
) -> None:
    mail.answer = answer
    assert email(mail).send("duty@stoke.example.org", MESSAGE) == expected


def test_a_mail_server_that_is_unavailable_is_tried_again() -> None:
    absent = Email("smtp://127.0.0.1:1", sender="b@example.org", clock=lambda: AT)
    assert absent.send("duty@stoke.example.org", MESSAGE) == Deferred(
        "mail_server_unavailable", is_unavailable=True
    )


def test_a_mail_server_that_drips_is_given_up() -> None:
    """It answers within each wait, and never says anything."""

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"2")
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        dripping = Email(url, sender="b@example.org", clock=lambda: AT, total_seconds=0.5)
        outcome = dripping.send("duty@stoke.example.org", MESSAGE)
    assert outcome == Deferred("mail_server_unavailable", is_unavailable=True)


def test_a_webhook_that_does_not_answer_is_unavailable() -> None:
    hook = Webhook(SafePost(b"shared", clock=lambda: AT, allow_private=True))
    outcome = hook.send("http://127.0.0.1:1/notices", MESSAGE)
    assert outcome == Deferred("webhook_unavailable", is_unavailable=True)


def test_a_webhook_is_signed_and_follows_no_redirect(web: Any) -> None:
    url, got, answers = web
    answers += [204, 302, 503, 410]
    hook = Webhook(SafePost(b"shared", clock=lambda: AT, allow_private=True))
    results = [hook.send(url, MESSAGE) for _ in range(4)]
    assert results == [Sent(), Refused("http_302"), Deferred("http_503"), Refused("http_410")]
    headers, body = got[0]
    assert json.loads(body) == MESSAGE.data
    assert headers["Webhook-Id"] == "0193"
    assert len(got) == 4


def test_a_webhook_never_leads_into_the_own_network(web: Any) -> None:
    url, got, _ = web
    hook = Webhook(SafePost(b"shared", clock=lambda: AT))
    assert hook.send(url, MESSAGE) == Refused("not_encrypted")
    encrypted = url.replace("http:", "https:")
    assert hook.send(encrypted, MESSAGE) == Refused("private_address")
    assert got == []


def test_a_command_gets_the_notice_on_standard_input_alone(tmp_path: Path) -> None:
    program, seen = tmp_path / "page", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\n[ $# = 0 ] || exit 9\n/bin/cat > "{seen}"\n')
    program.chmod(0o700)
    runner = Command({"page-on-call": str(program)})
    assert runner.send("page-on-call", MESSAGE) == Sent()
    assert json.loads(seen.read_text())["subject"] == MESSAGE.subject
    assert runner.send("unknown", MESSAGE) == Refused("no_such_command")
    program.write_text("#!/bin/sh\nexit 3\n")
    assert runner.send("page-on-call", MESSAGE) == Deferred("exit_3")


def warned(world: World) -> None:
    """Route sample 1, and let half of the time to acknowledge it pass."""
    world.at("2026-12-21 10:00")
    world.routed(sample(1))
    world.at("2026-12-21 12:01")
    world.watch()


def late(world: World) -> dict[str, Any]:
    """Route sample 1, let the time to acknowledge it pass, and return what its publisher sees."""
    world.at("2026-12-21 10:00")
    status = world.routed(sample(1))
    world.at("2026-12-21 14:01")
    world.watch()
    return status


def with_notifiers(context: Context, mail: MailServer) -> Context:
    """Return the broker with a way to send mail."""
    settings = replace(context.settings, smtp_url=mail.url, public_url="https://broker.example.org")
    ways = notifiers(settings, context.clock)
    return replace(context, settings=settings, notifiers=ways)


def states(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        question = b"select channel, state, code, attempt from notice order by id"
        return connection.execute(question).fetchall()


def test_a_breach_is_told_once_and_names_no_child(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    document = sample(1)
    status = late(world)
    posted = with_notifiers(context, mail)
    assert notify(posted) > 0
    assert notify(posted) == 0
    assert {state for _, state, _, _ in states(dsn)} == {"sent"}
    assert [recipients for recipients, _ in mail.got] == [["duty@stoke-csc.example.org"]]
    text = "".join(text for _, text in mail.got)
    assert status["id"] in text
    assert "inbox" not in text
    child = document["children"][0]
    for secret in (child["id"], document["reference"], *names(child)):
        assert secret not in text


def test_an_agency_whose_people_use_the_inbox_is_led_there(
    world: World, context: Context, mail: MailServer
) -> None:
    stoke = OrganisationCode("stoke-csc")
    invited = Invited("Jo Example", "jo@example.org")
    add(context.ledger, stoke, invited, by="test", now=context.clock(), new_id=context.new_id)
    late(world)
    notify(with_notifiers(context, mail))
    ((_, text),) = mail.got
    assert "https://broker.example.org/inbox/items/" in text.replace("=\r\n", "")


def names(child: dict[str, Any]) -> list[str]:
    name = child.get("name") or {}
    return [value for value in name.values() if isinstance(value, str)]


def test_what_cannot_be_told_is_tried_again_and_then_left_to_ops(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    warned(world)
    with psycopg.connect(dsn) as connection:  # a warning would not be true for so long
        connection.execute("update notice set kind = 'delivery.escalated'")
    mail.answer = "451 later"
    posted = with_notifiers(context, mail)
    for _ in range(ATTEMPTS + 3):
        notify(posted)
        world.clock.advance(hours=5)
    assert states(dsn) == [("email", "failed", "recipient_deferred", ATTEMPTS)]


def test_a_warning_that_waited_until_its_deadline_passed_is_dropped(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    warned(world)
    mail.answer = "451 later"
    posted = with_notifiers(context, mail)
    notify(posted)
    mail.answer = "250 OK"
    world.clock.advance(days=3)
    notify(posted)
    assert mail.got == []
    assert states(dsn) == [("email", "void", "passed", 2)]
    with psycopg.connect(dsn) as connection:
        dropped = connection.execute(
            "select data ->> 'code' from event where kind = 'delivery.notice_dropped'"
        ).fetchall()
    assert dropped == [("passed",)]


def test_ops_are_warned_of_what_was_returned_until_it_is_redirected(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    world.at("2026-12-21 10:00")
    (part,) = world.routed(sample(1))["deliveries"]
    world.at("2026-12-21 12:01")
    world.watch()
    world.answer(
        "stoke-csc", delivery=part["id"], stage="returned", by="Duty worker", reason="not_ours"
    )
    world.at("2026-12-21 13:01")
    world.watch()
    posted = with_notifiers(context, mail)
    notify(posted)
    assert told(dsn) == [("stoke-csc", "void", "ended"), ("ops", "sent", None)]
    ((_, text),) = mail.got
    assert "has until" in text
    world.at("2026-12-21 13:37")
    world.watch()
    with psycopg.connect(dsn) as connection:  # as a redirect leaves it
        connection.execute("update delivery set sent_on_at = now()")
    notify(posted)
    assert told(dsn)[2:] == [("ops", "void", "ended")]


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("nothing", ("sent", None)),
        ("it ends", ("void", "passed")),
        ("released", ("void", "ended")),
        ("put off", ("void", "moved")),
    ],
)
def test_a_notice_of_an_embargo_that_waited_is_sent_while_it_is_true(
    world: World, context: Context, mail: MailServer, meanwhile: str, expected: tuple[str, str]
) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.routed(under_embargo("2026-12-21T18:00:00Z"))
    world.at("2026-12-21 14:00")
    world.watch()
    if meanwhile == "it ends":
        world.at("2026-12-21 18:00")
    elif meanwhile == "released":
        (item,) = (part["id"] for part in receipt["deliveries"] if part["agency"] == SCHOOL)
        assert act(world, item, "release", reason="He is arrested.").status_code == 200
    elif meanwhile == "put off":
        correct(world, receipt, under_embargo("2026-12-22T18:00:00Z"))
        world.drain()
    notify(with_notifiers(context, mail))
    query = "select state, code from notice where kind = 'delivery.embargo_ending'"
    assert rows(context, query) == [expected]
    is_sent = "An embargo ends soon" in "".join(text for _, text in mail.got)
    assert is_sent is (meanwhile == "nothing")


@pytest.mark.parametrize("is_back", [False, True])
def test_a_notice_of_a_hand_over_that_waited_is_dropped_once_another_team_has_it(
    world: World, context: Context, mail: MailServer, *, is_back: bool
) -> None:
    held_by_the_team(world, "acknowledged")
    world.at("2026-12-29 09:00")
    world.watch()
    if is_back:
        world.at("2026-12-29 17:00")
        world.watch()
    notify(with_notifiers(context, mail))
    query = (
        "select data ->> 'to', state, code from notice"
        " where kind = 'delivery.handed_over' and channel = 'email' order by id"
    )
    first = (OFFICE, "void", "ended") if is_back else (OFFICE, "sent", None)
    assert rows(context, query) == [first, first, *([(TEAM, "sent", None)] * 2 if is_back else [])]


def told(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select organisation, state, code from notice where channel = 'email' order by id"
        ).fetchall()


def test_a_way_that_is_not_set_fails_at_once_and_says_so(
    world: World, context: Context, dsn: str
) -> None:
    warned(world)
    notify(context)
    assert states(dsn) == [("email", "failed", "channel_not_set", 1)]


def paged_by_commands(world: World, context: Context, folder: Path) -> Context:
    """Have Stoke's duty paged by a program that takes its time, and its manager by a quick one."""
    documents = documents_from(POLICIES)
    directory = documents["directory.yaml"]
    for contact, name in (("duty", "slow"), ("manager", "quick")):
        address = f"{contact}@stoke-csc.example.org"
        directory = directory.replace(
            f"{{email: {address},", f"{{email: {address}, command: {name},"
        )
        program = folder / name
        program.write_text(f"#!/bin/sh\n{'/bin/sleep 0.2' if name == 'slow' else ''}\n")
        program.chmod(0o700)
    changed = documents | {"directory.yaml": directory}
    publish(context.ledger, changed, now=context.clock(), channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0
    programs = {name: str(folder / name) for name in ("slow", "quick")}
    return replace(context, notifiers={NoticeChannel.COMMAND: Command(programs)})


def test_a_slow_receiver_holds_up_its_own_notices_alone(
    world: World, context: Context, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five notices for one that takes its time were due before the one for another."""
    monkeypatch.setattr(notifying, "SERVER_SECONDS", 0.1)
    monkeypatch.setattr(notifying, "BATCH", 3)
    late(world)
    at_work = paged_by_commands(world, context, tmp_path)
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from notice where kind <> 'delivery.escalated'")
        connection.execute(
            "update notice set channel = 'command', next_attempt_at = next_attempt_at"
            " - interval '1 hour', code = 'exit_3', attempt = 1"
        )
        connection.execute(
            "insert into notice (id, kind, organisation, contact, channel, referral, delivery,"
            " escalation, data, next_attempt_at, created_at)"
            " select gen_random_uuid(), kind, organisation, contact, channel, referral, delivery,"
            " escalation, data, next_attempt_at + n * interval '1 minute', created_at"
            " from notice, generate_series(1, 4) n"
        )
        connection.execute(
            "insert into notice (id, kind, organisation, contact, channel, referral, delivery,"
            " escalation, data, next_attempt_at, created_at)"
            " select gen_random_uuid(), kind, organisation, 'manager', channel, referral, delivery,"
            " escalation, data, created_at - interval '1 second', created_at from notice limit 1"
        )
    state = "select contact, state, attempt, code from notice order by contact, next_attempt_at, id"
    notify(at_work)
    duty = [row for row in rows(context, state) if row[0] == "duty"]
    assert duty[:2] == [("duty", "due", 0, None)] * 2
    assert sorted(duty[2:]) == [("duty", "due", 0, None)] * 2 + [("duty", "sent", 2, None)]
    notify(at_work)
    assert ("manager", "sent", 1, None) in rows(context, state)
    assert [row[1] for row in rows(context, state)].count("sent") == 3
    while notify(at_work):
        pass
    sent = [(contact, state, code) for contact, state, _, code in rows(context, state)]
    assert sent == [*[("duty", "sent", None)] * 5, ("manager", "sent", None)]


def test_an_address_is_looked_up_when_it_is_used(
    world: World, context: Context, mail: MailServer
) -> None:
    warned(world)
    documents = documents_from(POLICIES)
    moved = documents["directory.yaml"].replace("duty@stoke-csc.", "new-duty@stoke-csc.")
    publish(
        context.ledger,
        documents | {"directory.yaml": moved},
        now=context.clock(),
        channels=CHANNELS.forms,
    )
    context.policies._fresh_until = 0.0
    notify(with_notifiers(context, mail))
    assert mail.got[0][0] == ["new-duty@stoke-csc.example.org"]
    assert NoticeChannel.EMAIL in with_notifiers(context, mail).notifiers


def history(dsn: str, referral: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a referral about alerts, in order."""
    with psycopg.connect(dsn) as connection:
        question = b"""select kind, data from event
                       where referral = %s
                         and (kind like '%%.notice_%%' or kind like '%%.escalated')
                       order by id"""
        return connection.execute(question, [referral]).fetchall()


def test_the_history_says_asked_then_sent_or_failed(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    id_ = late(world)["id"]
    before = [(kind, data["asked"]) for kind, data in history(dsn, id_)]
    assert ("delivery.escalated", ["email"]) in before
    assert "delivery.notice_sent" not in dict(before)
    notify(with_notifiers(context, mail))
    sent = [data for kind, data in history(dsn, id_) if kind == "delivery.notice_sent"]
    escalated = [data for data in sent if "escalation" in data]
    assert {data["contact"] for data in escalated} == {"duty"}
    assert {data["channel"] for data in escalated} == {"email"}
    assert all("code" not in data for data in sent)


def test_an_alert_that_fails_brings_the_next_contact_at_once(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    """The manager is alerted an hour after the duty officer; without waiting when nobody was."""
    id_ = late(world)["id"]
    mail.answer = "550 no such user"
    posted = with_notifiers(context, mail)
    notify(posted)
    failed = [data for kind, data in history(dsn, id_) if kind == "delivery.notice_failed"]
    assert {data["contact"] for data in failed} == {"duty"}
    assert {data["code"] for data in failed} == {"recipient_refused"}
    world.watch()
    steps = [data for kind, data in history(dsn, id_) if kind == "delivery.escalated"]
    assert [data["contact"] for data in steps] == ["duty", "manager"]


def test_an_alert_that_arrives_leaves_the_next_contact_its_time(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    id_ = late(world)["id"]
    notify(with_notifiers(context, mail))
    world.watch()
    steps = [data for kind, data in history(dsn, id_) if kind == "delivery.escalated"]
    assert [data["contact"] for data in steps] == ["duty"]


def test_a_lost_lease_writes_neither_result_nor_event(
    world: World, context: Context, dsn: str
) -> None:
    id_ = late(world)["id"]
    now, lease = context.clock(), LeaseId(context.new_id())
    taken = context.ledger.alarms.claim_notices(
        20, lease=lease, lease_for=timedelta(minutes=10), now=now
    )
    assert taken
    results = [NoticeResult(notice.id, NoticeState.SENT) for notice in taken]
    stranger = LeaseId(context.new_id())
    assert context.ledger.alarms.settle_notices(results, lease=stranger, now=now) == 0
    assert {state for _, state, _, _ in states(dsn)} == {"sending"}
    assert not [kind for kind, _ in history(dsn, id_) if "notice" in kind]


def test_the_notices_of_a_sender_that_died_are_sent_by_the_next(
    world: World, context: Context, mail: MailServer, dsn: str
) -> None:
    late(world)
    taken = context.ledger.alarms.claim_notices(
        20, lease=LeaseId(context.new_id()), lease_for=timedelta(minutes=10), now=context.clock()
    )
    posted = with_notifiers(context, mail)
    assert notify(posted) == 0
    world.clock.advance(minutes=11)
    assert notify(posted) == len(taken)
    assert {(state, attempt) for _, state, _, attempt in states(dsn)} == {("sent", 2)}


def test_the_list_of_notices_says_whom_and_why(world: World, context: Context) -> None:
    warned(world)
    notify(context)
    ops = world.key("ops", Scope.OPS)
    listed = world.client.get("/v1/notices?state=failed", headers=ops).json()["notices"]
    assert [(line["organisation"], line["contact"], line["code"]) for line in listed] == [
        ("stoke-csc", "duty", "channel_not_set")
    ]
    assert world.client.get("/v1/notices?state=sent", headers=ops).json() == {"notices": []}
    refused = world.client.get("/v1/notices?state=lost", headers=ops)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/state")
    assert world.client.get("/v1/notices", headers=world.police).status_code == 403
