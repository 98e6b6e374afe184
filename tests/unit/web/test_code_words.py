"""Every code that a page may show has words; a new one without them fails here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from broker.domain import task
from broker.transport.queues import QUEUE_FULL, REFUSED
from broker.web import code_words
from schemas import codes
from schemas.codes import NO_LONGER_ADDRESSED
from tests.conftest import ROOT

CLOSED = (
    *(codes.Grade, codes.DeliveryState, codes.ReferralState, codes.Outcome, codes.ReturnReason),
    *(codes.RecallReason, codes.PauseReason, codes.Role, codes.NoticeChannel),
)
CODE = re.compile(r"[a-z]+(?:[_-][a-z]+)+")
EVENT = re.compile(r"(?:referral|delivery|organisation|inbox)\.[a-z_]+")


def failures() -> Iterator[str]:
    """Go through the codes with which sending an alert or calling another system fails."""
    modules = [*(ROOT / "broker" / "notices").glob("*.py"), ROOT / "broker/transport/http.py"]
    for module in [*modules, ROOT / "broker/flow/notify.py"]:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name("Refused" | "Deferred" | "Forbidden" | "Unanswered"),
                    args=[ast.Constant(str(code)), *_],
                ):
                    yield code


def event_kinds() -> set[str]:
    """Return the kinds of events that statements write and the guide names."""
    statements = (ROOT / "broker/ledger/sql").rglob("*.sql")
    written = {
        kind
        for path in statements
        for kind in re.findall(rf"'({EVENT.pattern})'", path.read_text(encoding="utf-8"))
    }
    guide = (ROOT / "docs" / "api-publishers.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`(?:referral|delivery|organisation)\.[^|]*) \|", guide, re.M):
        subject = ""
        for name in re.findall(r"`([a-z_.]+)`", row):
            subject = name.partition(".")[0] or subject
            written.add(f"{subject}.{name.rpartition('.')[2]}")
    return written


def test_every_closed_list_has_words() -> None:
    values = {str(code) for closed in CLOSED for code in closed} - {"held", "other"}
    tasks = {
        value
        for name, value in vars(task).items()
        if name.isupper() and type(value) is str and " " not in value
    }
    lasting = {QUEUE_FULL, REFUSED, "no_encryption_key", "unavailable", "render", "fault"}
    asked = values | tasks | lasting | {NO_LONGER_ADDRESSED} | set(failures())
    assert sorted(code for code in asked if not code_words.words_for(code)) == []


def test_every_reason_why_an_alert_is_over_has_words() -> None:
    judged = (ROOT / "broker/ledger/sql/alarms/judge_notice.sql").read_text(encoding="utf-8")
    reasons = set(re.findall(r"then '([a-z_]+)'", judged.partition(" as over_because")[0]))
    assert reasons
    assert reasons <= code_words.OVER.keys()


def test_every_event_has_words() -> None:
    kinds = event_kinds()
    assert len(kinds) > 60
    silent = {
        kind
        for kind in kinds
        if kind.partition(".")[2].replace("_", " ") in code_words.event_in_words(kind)
        and "_" in kind
    }
    unknown = {kind for kind in kinds if code_words.event_in_words(kind)[0].islower()}
    assert (silent, unknown) == (set(), set())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sms_http_400", "the text message service refused the message (error 400)"),
        ("http_503", "their system has a fault of its own (error 503)"),
        ("webhook_timed_out", "their system: no answer in time"),
        ("sms_not_encrypted", "the text message service: the address does not use an encrypted"),
        ("exit_3", "the alert program on the broker’s server failed"),
        ("very_high", "very high"),
        ("sent_in_error", "it was sent by mistake"),
        ("some-new_code", "some new code"),
        (None, "–"),
    ],
)
def test_a_code_is_a_phrase(code: str | None, words: str) -> None:
    assert code_words.in_words(code).startswith(words)


def test_words_have_no_code_in_them() -> None:
    every = [*code_words.EVENTS.values(), *map(code_words.in_words, set(failures()))]
    assert [text for text in every if re.search(r"\w_\w|\.\w", text)] == []
