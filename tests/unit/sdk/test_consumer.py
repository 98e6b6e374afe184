"""What an agency may rely on when it consumes over HTTP."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from referral_broker_client import Answer, Consumer, Denied, Invalid, Unavailable

from tests.conftest import PATIENCE_SECONDS, eventually
from tests.unit.sdk.scripted import Script

NOTHING = {"deliveries": []}


def delivery(number: int, *, lease_seconds: float = 60) -> dict[str, Any]:
    until = datetime.now(UTC) + timedelta(seconds=lease_seconds)
    return {
        "delivery": f"d{number}",
        "referral": f"r{number}",
        "reference": f"REF/{number}",
        "publisher": "staffordshire-police",
        "agency": "stoke-csc",
        "attempt": 1,
        "role": "lead",
        "lease": {"id": f"l{number}", "until": until.isoformat()},
        "content": {"children": [{"given_name": "Invented"}]},
        "deadlines": {"acknowledge_by": "2026-12-21T12:50:00+00:00", "decide_by": None},
    }


def offers(script: Script, *numbers: int, lease_seconds: float = 60) -> None:
    """Offer these once, and then nothing."""
    taken = [delivery(number, lease_seconds=lease_seconds) for number in numbers]
    script.say("/v1/collect", 200, {"deliveries": taken})
    script.say("/v1/collect", 200, NOTHING)
    script.say("/v1/receipts", 200, {"results": []})
    script.say("/v1/leases/extend", 200, {"leases": []})
    script.say("/v1/leases/release", 200, {"leases": []})


def consumer(script: Script, *, wait: float = 0) -> Consumer:
    return Consumer(script.url, "rb_k_s", by="Intake desk", wait=wait)


def receipts(script: Script) -> list[dict[str, str]]:
    return [receipt for body in script.bodies("/v1/receipts") for receipt in body["receipts"]]


def released(script: Script) -> list[str]:
    bodies = script.bodies("/v1/leases/release")
    return [lease["delivery"] for body in bodies for lease in body["leases"]]


def test_a_clean_exit_says_collected_under_the_lease_in_the_name_of_the_desk(
    script: Script,
) -> None:
    offers(script, 1)
    with consumer(script) as work:
        for taken in work:
            with taken:
                assert taken.deadlines == {
                    "acknowledge_by": datetime(2026, 12, 21, 12, 50, tzinfo=UTC)
                }
    assert receipts(script) == [
        {"delivery": "d1", "stage": "collected", "by": "Intake desk", "lease": "l1"}
    ]
    assert not released(script)


@pytest.mark.parametrize(
    ("say", "members"),
    [
        (lambda taken: taken.collected(), {"stage": "collected"}),
        (
            lambda taken: taken.acknowledge(by="  A.  Person "),
            {"stage": "acknowledged", "by": "A. Person"},
        ),
        (
            lambda taken: taken.decide("assessment", by="A. Person", note="Seen"),
            {"stage": "decided", "by": "A. Person", "outcome": "assessment", "note": "Seen"},
        ),
        (
            lambda taken: taken.return_("wrong_area", area="E06000051"),
            {"stage": "returned", "reason": "wrong_area", "area": "E06000051"},
        ),
    ],
)
def test_what_was_said_inside_is_what_goes_out_on_exit(
    script: Script, say: Callable[[Any], None], members: dict[str, str]
) -> None:
    offers(script, 1)
    with consumer(script) as work:
        for taken in work:
            with taken:
                say(taken)
                assert not receipts(script)
    (receipt,) = receipts(script)
    assert members.items() <= receipt.items()


@pytest.mark.parametrize("name", ["", "  ", "-", "24/7", "Intake desk", " INTAKE  desk"])
def test_software_acknowledges_and_decides_nothing(script: Script, name: str) -> None:
    offers(script, 1)
    with consumer(script) as work:
        for taken in work:
            with pytest.raises(Invalid), taken:
                taken.acknowledge(by=name)
            with pytest.raises(Invalid):
                taken.decide("assessment", by=name)
    assert released(script) == ["d1"]
    assert not receipts(script)


def test_an_error_gives_back_the_one_in_hand_and_those_not_begun(script: Script) -> None:
    offers(script, 1, 2, 3)

    def fail_on_the_first() -> None:
        with consumer(script) as work:
            for taken in work:
                with taken:
                    raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_on_the_first()
    assert sorted(released(script)) == ["d1", "d2", "d3"]
    assert not receipts(script)


def test_breaking_off_gives_back_what_was_not_begun(script: Script) -> None:
    offers(script, 1, 2)
    with consumer(script) as work:
        for taken in work:
            with taken:
                break
    assert [receipt["delivery"] for receipt in receipts(script)] == ["d1"]
    assert released(script) == ["d2"]


def test_a_lease_is_kept_alive_while_its_delivery_is_in_hand(script: Script) -> None:
    offers(script, 1, lease_seconds=1.5)
    with consumer(script) as work:
        for taken in work:
            with taken:
                eventually(lambda: len(script.bodies("/v1/leases/extend")) >= 2)
    extension = script.bodies("/v1/leases/extend")[0]
    assert extension == {"leases": [{"delivery": "d1", "lease": "l1"}]}


def test_answers_that_pile_up_share_a_request(script: Script) -> None:
    offers(script, *range(50))
    with consumer(script) as work:
        for taken in work:
            with taken:
                pass
    assert len(receipts(script)) == 50
    assert len(script.bodies("/v1/receipts")) < 50


def test_sigterm_finishes_the_one_in_hand_and_gives_back_the_rest(script: Script) -> None:
    offers(script, 1, 2)
    before = signal.getsignal(signal.SIGTERM)
    with consumer(script, wait=20) as work:
        for taken in work:
            with taken:
                os.kill(os.getpid(), signal.SIGTERM)
    assert [receipt["delivery"] for receipt in receipts(script)] == ["d1"]
    assert released(script) == ["d2"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_a_wait_for_work_at_once(script: Script) -> None:
    script.hold("/v1/collect")
    main = threading.get_ident()

    def end() -> None:
        eventually(lambda: bool(script.calls))
        signal.pthread_kill(main, signal.SIGTERM)

    threading.Thread(target=end).start()
    with consumer(script, wait=3600) as work:
        assert list(work) == []
    script.let_go()


def test_in_another_thread_it_stops_when_told_and_leaves_signals_alone(script: Script) -> None:
    script.say("/v1/collect", 200, NOTHING)
    work = consumer(script, wait=1)
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: list(work))
    thread.start()
    eventually(lambda: bool(script.calls))
    assert signal.getsignal(signal.SIGTERM) is before
    work.stop()
    thread.join(timeout=PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_a_refused_key_ends_the_loop(script: Script) -> None:
    script.say("/v1/collect", 401, {"title": "Denied", "code": "denied"})
    with pytest.raises(Denied), consumer(script, wait=5) as work:
        list(work)


def test_answers_that_could_not_be_sent_are_not_forgotten_silently(script: Script) -> None:
    offers(script, 1)
    script.answer_only("/v1/receipts", 503)

    def take_everything() -> None:
        with consumer(script) as work:
            for taken in work:
                with taken:
                    pass

    with pytest.raises(Unavailable):
        take_everything()


def test_nothing_of_the_content_is_in_a_repr_or_a_log(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    offers(script, 1)
    with consumer(script) as work:
        for taken in work:
            with taken:
                taken.decide("advice", by="A. Person", note="Invented note")
                shown = repr(taken)
    assert "Invented" not in shown + caplog.text


def test_a_person_answers_later_without_a_lease(script: Script) -> None:
    result = {"delivery": "d1", "result": "already", "state": "decided", "at": None}
    script.say("/v1/receipts", 200, {"results": [result]})
    answer = Answer(delivery="d1", stage="decided", by="A. Person", outcome="advice")
    (settled,) = consumer(script).answer(answer)
    assert settled.ok
    assert "lease" not in receipts(script)[0]


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"Internal Server Error"), (502, b"<html>Bad gateway</html>")]
)
def test_the_loop_goes_on_after_a_stop_that_cut_a_wait_off(
    script: Script, status: int, body: bytes
) -> None:
    for _ in range(6):  # more often than one call is repeated
        script.say("/v1/collect", status, body, Retry_After="0")
    offers(script, 1)
    with consumer(script, wait=0.1) as waiting:
        (first,) = itertools.islice(waiting, 1)
        with first:
            pass
    assert [receipt["delivery"] for receipt in receipts(script)] == ["d1"]


def test_the_loop_goes_on_after_connections_that_were_cut_off(script: Script) -> None:
    for _ in range(6):  # more often than one call is repeated
        script.hang_up("/v1/collect")
    offers(script, 1)
    with consumer(script, wait=0.1) as waiting:
        (first,) = itertools.islice(waiting, 1)
    assert first.id == "d1"


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b'{"deliveries": [{}]}'])
def test_the_loop_goes_on_after_an_answer_that_is_not_understood(
    script: Script, body: bytes
) -> None:
    script.say("/v1/collect", 200, body)
    offers(script, 1)
    with consumer(script, wait=0.1) as waiting:
        (first,) = itertools.islice(waiting, 1)
    assert first.id == "d1"


def test_the_loop_ends_for_a_key_that_is_denied(script: Script) -> None:
    script.say("/v1/collect", 401, {"title": "Denied", "code": "denied"})
    with consumer(script, wait=0.1) as waiting, pytest.raises(Denied):
        next(iter(waiting))
