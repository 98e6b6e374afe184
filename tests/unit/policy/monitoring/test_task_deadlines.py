"""By when a task is settled is said by the grade that is stated, as far as it can be read."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from broker.domain.codes import Grade
from broker.domain.task import TaskDeadline
from broker.errors import Fault
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.alarms import UNROUTABLE, AlarmRules, EscalationPolicy
from broker.policy.monitoring.task_deadlines import (
    ANY,
    DEFAULT,
    check_task_deadlines,
    read_task_deadlines,
    stated_grade,
    stated_in,
    task_deadline,
)
from broker.policy.time.calendars import BankHolidays, WorkingCalendar
from broker.policy.time.deadlines import Within, compute

SINCE = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
TWO, THREE = Within.parse("2 hours"), Within.parse("3 hours")


def read(text: str) -> tuple[Mapping[str, Within], list[str]]:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", text, faults)
    assert node is not None
    return read_task_deadlines(node), [fault.message for fault in faults]


def test_each_grade_or_any_has_a_length_of_time() -> None:
    assert read("{high: 2 hours, any: 3 hours}") == ({"high": TWO, ANY: THREE}, [])
    every = dict.fromkeys(map(str, Grade), TWO)
    assert read("\n".join(f"{grade}: 2 hours" for grade in every)) == (every, [])


def test_a_grade_that_is_left_out_or_unknown_is_a_fault() -> None:
    deadlines, messages = read("{immediate: 2 hours, very_high: 2 hours, high: 2 hours, lowish: x}")
    assert deadlines == dict.fromkeys(("immediate", "very_high", "high"), TWO)
    assert [message.split(",")[0] for message in messages] == [
        "'lowish' is no grade; known are immediate",
        "Say by when a task graded medium is settled",
        "Say by when a task graded low is settled",
    ]


def test_a_section_needs_somebody_who_is_told_of_a_missed_deadline() -> None:
    told = EscalationPolicy("ops", "", frozenset({UNROUTABLE}), (), "policy.yaml:1")
    nobody, somebody = AlarmRules(), AlarmRules(escalation_policies={"ops": told})
    (fault,) = check_task_deadlines("policy.yaml:7", {ANY: TWO}, nobody)
    assert (fault.pointer, fault.code) == ("policy.yaml:7", "nobody")
    assert list(check_task_deadlines("policy.yaml:7", {ANY: TWO}, somebody)) == []
    assert list(check_task_deadlines("policy.yaml:7", DEFAULT, nobody)) == []


@pytest.mark.parametrize(
    ("deadlines", "grade", "within"),
    [
        ({"low": TWO, ANY: THREE}, Grade.LOW, TWO),
        ({"low": TWO, ANY: THREE}, Grade.HIGH, THREE),
        ({}, Grade.LOW, Within.parse("1 working day")),
        (DEFAULT, Grade.HIGH, Within.parse("4 hours")),
    ],
)
def test_the_grade_counts_before_any_and_any_before_a_working_day(
    holidays: Mapping[str, BankHolidays],
    deadlines: Mapping[str, Within],
    grade: Grade,
    within: Within,
) -> None:
    calendar = WorkingCalendar(holidays["ENG"])
    alarms = AlarmRules(warn_at=())
    due_at = compute(within, start=SINCE, calendar=calendar).due_at
    assert task_deadline(
        grade, SINCE, deadlines=deadlines, calendar=calendar, policy_alarms=alarms
    ) == TaskDeadline(grade, due_at, due_at)


@pytest.mark.parametrize(
    ("document", "grade"),
    [
        ({"grade": {"level": "low"}}, Grade.LOW),
        ({"grade": {"level": " Very high "}}, Grade.VERY_HIGH),
        ({"grade": "medium"}, Grade.MEDIUM),
        ({"grade": {"level": "lowish"}}, Grade.IMMEDIATE),
        ({"grade": {"level": 3}}, Grade.IMMEDIATE),
        ({"grade": ["low"]}, Grade.IMMEDIATE),
        ({}, Grade.IMMEDIATE),
        (["low"], Grade.IMMEDIATE),
        (None, Grade.IMMEDIATE),
    ],
)
def test_a_grade_that_cannot_be_read_is_immediate(document: object, grade: Grade) -> None:
    assert stated_grade(document) is grade


@pytest.mark.parametrize(
    ("body", "stated"),
    [
        (b'{"reference": "A/1", "grade": {"level": "low"}}', ("A/1", Grade.LOW)),
        (b'{"reference": "A/1", "grade": {"level": "very high"', ("A/1", Grade.VERY_HIGH)),
        (b'{"reference": "A/1", "gra', ("A/1", Grade.IMMEDIATE)),
        (b'"level" : "low"', (None, Grade.LOW)),
        (b'{"reference": 5}', (None, Grade.IMMEDIATE)),
        (b'{"reference": "\\u0000 "}', (None, Grade.IMMEDIATE)),
        (b'[{"reference": "A/1", "level": "low"}]', ("A/1", Grade.LOW)),
        (b"", (None, Grade.IMMEDIATE)),
    ],
)
def test_what_a_refused_body_states_is_read_where_it_can_be(
    body: bytes, stated: tuple[str | None, Grade]
) -> None:
    assert stated_in(body) == stated
