"""When alarms ring, when steps are due, and what is wrong in the policy's sections about them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from broker.domain.codes import Contact, Grade, NoticeChannel, NoticeRecipient
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId, TaskId
from broker.errors import Fault
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.alarm_records import Watched
from broker.policy.monitoring.alarms import (
    BREACH,
    OWN_ACKNOWLEDGEMENT,
    TAKEN_ON,
    AlarmRules,
    EscalationPolicy,
    Ring,
    RunningClock,
    Step,
    attending,
    due_rings,
    first_ring,
    next_step_at,
    read_alarms,
)
from broker.policy.monitoring.embargoes import EmbargoRules, read_embargoes
from broker.policy.time.calendars import BankHolidays, WorkingCalendar
from broker.policy.time.deadlines import Unit, Within

START = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
DUE = START + timedelta(minutes=100)
CLOCK = RunningClock("acknowledge", Unit.CALENDAR_HOUR, START, DUE)
TELL = Step(NoticeRecipient.AGENCY, Contact.DUTY, (NoticeChannel.EMAIL,))


@pytest.fixture
def calendar(holidays: Mapping[str, BankHolidays]) -> WorkingCalendar:
    return WorkingCalendar(holidays["ENG"])


def at(percent: int) -> datetime:
    return START + timedelta(minutes=percent)


def ring(percent: int) -> Ring:
    return Ring("acknowledge", percent, at(percent), DUE)


def rung(percent: int) -> tuple[str, int, datetime]:
    return "acknowledge", percent, at(percent)


@pytest.mark.parametrize(
    ("fired", "now", "due", "following"),
    [
        ([], at(49), [], at(50)),
        ([], at(50), [ring(50)], at(BREACH)),
        ([50], at(60), [], at(BREACH)),
        ([50], at(BREACH), [ring(BREACH)], None),
        ([], at(BREACH), [ring(50), ring(BREACH)], None),
        ([50, BREACH], at(BREACH), [], None),
    ],
)
def test_an_alarm_rings_from_its_instant_on_and_once(
    calendar: WorkingCalendar,
    fired: list[int],
    now: datetime,
    due: list[Ring],
    following: datetime | None,
) -> None:
    rings = due_rings([CLOCK], warn_at=[50], calendar=calendar, fired={*map(rung, fired)}, now=now)
    assert rings == (due, following)
    assert [each.is_breach for each in due] == [each.percent == BREACH for each in due]


def test_the_first_alarm_is_the_earliest_warning_or_the_breach(calendar: WorkingCalendar) -> None:
    new = [(Unit.CALENDAR_HOUR, START, DUE), (Unit.CALENDAR_HOUR, START, at(60))]
    assert first_ring(new, warn_at=(50, 75), calendar=calendar) == at(30)
    assert first_ring(new, warn_at=(), calendar=calendar) == at(60)
    assert first_ring([], warn_at=(50,), calendar=calendar) is None
    assert attending(START, DUE).due_at == DUE


def test_a_step_is_due_at_once_or_after_its_time_until_the_last(calendar: WorkingCalendar) -> None:
    later = Step(TELL.to, TELL.contact, TELL.by, Within.parse("30 minutes"))
    policy = EscalationPolicy("high", "", frozenset({"high"}), (TELL, later), "policy:1")
    due = [next_step_at(policy, step, since=START, calendar=calendar) for step in range(3)]
    assert due == [START, at(30), None]
    rules = AlarmRules(escalation_policies={"high": policy})
    assert rules.escalation_policy("high") is policy
    assert rules.escalation_policy("low") is None


def test_an_alarm_is_about_the_task_then_the_delivery_then_the_referral() -> None:
    referral, delivery, task = (UUID(int=number) for number in (1, 2, 3))

    def subject(*, referral: UUID | None, delivery: UUID | None, task: UUID | None) -> UUID:
        return Watched(
            ReferralId(referral) if referral else None,
            DeliveryId(delivery) if delivery else None,
            *(None, OrganisationCode("a"), "open", "1", None, (), frozenset()),
            task=TaskId(task) if task else None,
        ).subject

    assert subject(referral=referral, delivery=delivery, task=task) == task
    assert subject(referral=referral, delivery=delivery, task=None) == delivery
    assert subject(referral=referral, delivery=None, task=None) == referral
    assert subject(referral=None, delivery=None, task=task) == task
    with pytest.raises(AssertionError):
        subject(referral=None, delivery=None, task=None)


def node(text: str, faults: list[Fault]) -> Node:
    root = Node.parse("policy.yaml", text, faults)
    assert root is not None
    return root


STEP = "{to: agency, contact: duty, by: [email, webhook]}"


def test_the_sections_are_read() -> None:
    faults: list[Fault] = []
    rules = read_alarms(
        node(
            "alarms:\n  warn_at: [1, 50, 99]\n  tell: [" + STEP + "]\n"
            "  own_acknowledgement: 10 minutes\n  taken_on: 20 minutes\n"
            "ladders:\n  fast:\n    sentence: Quickly.\n    for: [high, silence]\n"
            "    steps: [" + STEP.replace("}", ", after: 5 minutes}") + "]\n",
            faults,
        )
    )
    assert faults == []
    assert rules.warn_at == (1, 50, 99)
    by = (NoticeChannel.EMAIL, NoticeChannel.WEBHOOK)
    assert rules.tell == (Step(NoticeRecipient.AGENCY, Contact.DUTY, by),)
    assert rules.own_acknowledgement == Within.parse("10 minutes")
    assert rules.taken_on == Within.parse("20 minutes")
    (fast,) = rules.escalation_policies.values()
    assert (fast.name, fast.sentence) == ("fast", "Quickly.")
    assert fast.subjects == {"high", "silence"}
    assert [step.after for step in fast.steps] == [Within.parse("5 minutes")]


def test_what_the_sections_leave_out_is_as_without_them() -> None:
    faults: list[Fault] = []
    assert read_alarms(node("other: 1", faults)) == AlarmRules()
    rules = read_alarms(node("alarms: {warn_at: [50]}", faults))
    assert faults == []
    assert (rules.tell, rules.escalation_policies) == ((), {})
    assert (rules.own_acknowledgement, rules.taken_on) == (OWN_ACKNOWLEDGEMENT, TAKEN_ON)
    assert read_embargoes(node("{}", faults)) == EmbargoRules()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("alarms: {warn_at: [50, 50]}", "wrong-order"),
        ("alarms: {warn_at: [75, 50]}", "wrong-order"),
        ("alarms: {warn_at: [0]}", "wrong-type"),
        ("alarms: {warn_at: [100]}", "wrong-type"),
        (
            "alarms: {warn_at: [50], tell: [{to: nobody, contact: duty, by: [email]}]}",
            "unknown-name",
        ),
        ("alarms: {warn_at: [50], tell: [{to: agency, contact: x, by: [email]}]}", "unknown-name"),
        ("alarms: {warn_at: [50], tell: [{to: agency, contact: duty, by: [x]}]}", "unknown-name"),
        ("ladders: {fast: {sentence: Q., for: [x], steps: []}}", "unknown-name"),
        ("alarms: {}", "missing"),
        ("ladders: {fast: {}}", "missing"),
        ("alarms: {warn_at: [50], tell: [{}]}", "missing"),
    ],
)
def test_what_is_wrong_in_the_sections_is_a_fault(text: str, code: str) -> None:
    faults: list[Fault] = []
    read_alarms(node(text, faults))
    assert {fault.code for fault in faults} == {code}


def test_the_section_of_embargoes_is_read() -> None:
    faults: list[Fault] = []
    text = f"warn_before: 2 hours\ntell: [{STEP}]\ngoes_despite_words: [high, low]"
    rules = read_embargoes(node(text, faults))
    assert faults == []
    assert rules.warn_before == Within.parse("2 hours")
    assert [step.to for step in rules.tell] == [NoticeRecipient.AGENCY]
    assert rules.goes_despite_words == {Grade.HIGH, Grade.LOW}


def test_an_embargo_is_told_of_by_the_clock_and_goes_by_grades() -> None:
    faults: list[Fault] = []
    text = "warn_before: 1 working day\ngoes_despite_words: [lowish, low]"
    rules = read_embargoes(node(text, faults))
    assert [fault.code for fault in faults] == ["wrong-deadline", "unknown-name"]
    assert rules.warn_before == EmbargoRules().warn_before
    assert rules.goes_despite_words == {Grade.LOW}
