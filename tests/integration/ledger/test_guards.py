"""Nobody changes what is another's, or what no longer stands: the rows before and after are equal.

Each case is a call that writes, made as it should be made and in every way it must not count. What
is compared is the whole ledger, row by row, and not what the call returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import Right, Stage
from broker.domain.credential import Credential
from broker.domain.delivery import Offer, Receipt
from broker.domain.escalation import TakenOn
from broker.domain.ids import CredentialId, EscalationId, LeaseId, OrganisationCode, ReferralId
from broker.domain.notice import NoticeResult, NoticeState
from broker.domain.push import Attempt, Deferred, PushOutcome, Refused
from broker.domain.referral import NewVersion, Withdrawal
from broker.ledger.bulk_actions import NewPlan
from tests.integration.ledger.conftest import (
    LEASE,
    NOW,
    POLICE,
    SHROPSHIRE,
    STOKE,
    Book,
    by_ops,
)

LATER = NOW + timedelta(seconds=30)
HOUR = timedelta(hours=1)
STRANGER = LeaseId(ids.uuid7())
LINK, SESSION, OTHER_SESSION = (bytes([number] * 32) for number in (1, 2, 3))
WEST_MERCIA = OrganisationCode("west-mercia-police")
TABLES = """
select tablename from pg_tables
where schemaname = 'public' and tablename not in ('migration', 'schema_migration')
order by 1
"""


Rows = dict[str, list[str]]


def everything(book: Book) -> Rows:
    """Return every row of the ledger as text."""
    with psycopg.connect(book.dsn) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        return {
            name: [
                row
                for (row,) in connection.execute(
                    f'select t::text from "{name}" t order by 1'.encode()
                )
            ]
            for name in names
        }


class Act(Protocol):
    """A call that writes, about what was arranged."""

    def __call__(self, book: Book, subject: Any, /, **changes: Any) -> object: ...


@dataclass(frozen=True)
class Case:
    """What is there, the call that counts, and the ways of it that must not."""

    arrange: Callable[[Book], Any]
    act: Act
    wrong: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By what is wrong: arguments of the call that differ."""
    spoilt: Mapping[str, str] = field(default_factory=dict)
    """By what is wrong: a statement that is run before the call."""
    takes_all: bool = False
    """Whether it is about everything that is due, and not about one thing."""


def named(book: Book, subject: Any) -> set[str]:
    """Return the ids of what was arranged for the call; each row that it writes has one."""
    match subject:
        case Offer():
            return {str(subject.id), str(subject.referral)}
        case tuple():
            return {str(notice.id) for notice in subject[1]}
    late = book.look("select delivery from escalation where id::text = %s", str(subject))
    return {str(subject), *(str(delivery) for (delivery,) in late)}


def leased(book: Book) -> Offer:
    """A delivery that an agency holds, and one beside it that another holds."""
    book.routed_to(STOKE)
    book.collect(STOKE)
    book.routed_to(SHROPSHIRE)
    (offer,) = book.collect(SHROPSHIRE)
    return offer


def extend(
    book: Book,
    offer: Offer,
    *,
    agency: OrganisationCode = SHROPSHIRE,
    lease: UUID | None = None,
    now: Any = LATER,
) -> object:
    assert offer.lease
    held = [(offer.id, LeaseId(lease or offer.lease.id))]
    return book.ledger.deliveries.extend(agency, held, lease_for=LEASE, now=now)


def release(
    book: Book, offer: Offer, *, agency: OrganisationCode = SHROPSHIRE, lease: UUID | None = None
) -> object:
    assert offer.lease
    held = [(offer.id, LeaseId(lease or offer.lease.id))]
    return book.ledger.deliveries.release(agency, held, now=LATER, actor="key:x")


def pushed(book: Book) -> Offer:
    book.routed_to(STOKE, channel="queue")
    book.routed_to(SHROPSHIRE, channel="queue")
    claim = book.ledger.deliveries.claim_pushes
    offers = claim("queue", limit=9, lease_for=LEASE, now=NOW, new_id=ids.uuid7)
    return offers[0]


def settle_push(
    book: Book, offer: Offer, *, lease: UUID | None = None, outcome: PushOutcome | None = None
) -> object:
    assert offer.lease
    attempt = Attempt(
        offer.id, LeaseId(lease or offer.lease.id), outcome or Deferred(LATER, "busy")
    )
    return book.ledger.deliveries.settle_pushes([attempt], now=NOW, actor="channel:queue")


def answer(
    book: Book,
    offer: Offer,
    *,
    agency: OrganisationCode = SHROPSHIRE,
    lease: UUID | None = None,
    stage: Stage = Stage.ACKNOWLEDGED,
) -> object:
    return book.answer(
        agency, Receipt(offer.id, stage, "A. Person", lease=LeaseId(lease) if lease else None)
    )


def routed(book: Book) -> ReferralId:
    """A referral beside another one."""
    book.routed_to(SHROPSHIRE)
    return book.routed_to(SHROPSHIRE)


def correct(book: Book, id_: ReferralId, *, publisher: OrganisationCode = POLICE) -> object:
    new = NewVersion(id_, publisher, None, bytes([2] * 32), b"{}", LATER, "key:x")
    return book.ledger.corrections.correct(new)


def recall(book: Book, id_: ReferralId, *, publisher: OrganisationCode = POLICE) -> object:
    return book.recall(Withdrawal(id_, publisher, "unlawful", "A. Person", LATER, "key:x"))


ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', 'acknowledge', referral, id, agency, %s, %s, %s
from delivery where agency = %s returning id
"""


def escalated(book: Book) -> EscalationId:
    """Two agencies that are late, each with an escalation."""
    leased(book)
    for agency in (STOKE, SHROPSHIRE):
        book.do(ESCALATE, NOW, NOW, NOW + HOUR, agency)
    return of_agency(book, "escalation", SHROPSHIRE)


def of_agency(book: Book, table: str, agency: OrganisationCode) -> Any:
    return book.look(f"select id from {table} where organisation = %s", agency)[0][0]


def acknowledge(
    book: Book, id_: EscalationId, *, visible_to: OrganisationCode | None = SHROPSHIRE
) -> object:
    return book.ledger.alarms.acknowledge_escalation(
        id_, by_ops(LATER), TakenOn("A. Person", LATER + HOUR, LATER + HOUR), visible_to=visible_to
    )


TAKEN = """
update escalation
set state = 'acknowledged', acknowledged_at = %s, acknowledged_by = 'person:Jo', taken_until = %s,
    postponed_step_at = next_step_at, next_step_at = null
"""
ENDED = (
    "update escalation set state = 'ended', ended_at = now(), ended_because = 'met',"
    " next_step_at = null"
)


def taken(book: Book) -> EscalationId:
    """Two escalations that Jo deals with for an hour."""
    id_ = escalated(book)
    book.do(TAKEN, NOW, LATER + HOUR)
    return id_


def release_escalation(book: Book, id_: EscalationId) -> object:
    return book.ledger.alarms.release_escalation(id_, by_ops(LATER))


def offer(book: Book, id_: EscalationId, *, by: str = "person:Jo") -> object:
    action = replace(by_ops(LATER), by=by)
    return book.ledger.alarms.offer_escalation(id_, action, to="person:Kim")


def reopen(book: Book, _: EscalationId, *, now: Any = LATER + HOUR) -> object:
    return book.ledger.alarms.reopen_escalations(9, now=now)


def steps(book: Book, _: EscalationId, *, now: Any = NOW + HOUR, end: bool = False) -> object:
    """Take the next step of each escalation that is due."""
    with book.ledger.alarms.claim_steps(9, now=now) as batch:
        if end:
            batch.end_escalations([step.id for step in batch.steps], because="met", now=now)
    return None


NOTICE = """
insert into notice (id, kind, organisation, contact, channel, state, next_attempt_at, created_at)
values (gen_random_uuid(), 'late', %s, 'duty', 'email', 'due', %s, %s)
"""


def noticed(book: Book) -> Any:
    """Two notices that a sender has leased."""
    for agency in (STOKE, SHROPSHIRE):
        book.do(NOTICE, agency, NOW, NOW)
    lease = LeaseId(ids.uuid7())
    return lease, book.ledger.alarms.claim_notices(9, lease=lease, lease_for=LEASE, now=NOW)[:1]


def settle_notice(book: Book, taken: Any, *, lease: LeaseId | None = None) -> object:
    results = [NoticeResult(notice.id, NoticeState.SENT) for notice in taken[1]]
    return book.ledger.alarms.settle_notices(results, lease=lease or taken[0], now=LATER)


def claim_notices(book: Book, _: Any, *, now: Any = NOW + LEASE) -> object:
    return book.ledger.alarms.claim_notices(9, lease=STRANGER, lease_for=LEASE, now=now)


def linked(book: Book) -> UUID:
    """Two people with a link each."""
    people = book.ledger.people
    for name, secret in (("J. Other", bytes(32)), ("A. Person", LINK)):
        person = people.add_person(ids.uuid7(), name, [Right.VIEW], subject=name, now=NOW)
        people.add_link(person, secret, now=NOW, expires_at=NOW + HOUR)
    return person


def use_link(book: Book, _: UUID, *, secret: bytes = LINK, now: Any = LATER) -> object:
    return book.ledger.people.use_link(secret, SESSION, now=now, expires_at=NOW + 8 * HOUR)


def begin_session(book: Book, _: UUID, *, subject: str = "A. Person") -> object:
    return book.ledger.people.begin_session(
        subject, SESSION, answer_sha256=LINK, now=LATER, expires_at=LATER + HOUR
    )


def in_session(book: Book) -> UUID:
    person = linked(book)
    for subject, secret in (("A. Person", SESSION), ("J. Other", OTHER_SESSION)):
        book.ledger.people.begin_session(
            subject, secret, answer_sha256=secret, now=NOW, expires_at=NOW + HOUR
        )
    return person


def end_session(book: Book, _: UUID, *, secret: bytes = SESSION) -> object:
    return book.ledger.people.end_session(secret, now=LATER)


def pause(book: Book, offer: Offer, *, agency: OrganisationCode | None = SHROPSHIRE) -> object:
    with book.ledger.clock_pauses.clocks(offer.id, agency=agency) as batch:
        return batch.pause_clock(
            ids.uuid7(), reason="legal_hold", milestones=["acknowledge"], actor="key:x", now=NOW
        )


def undeliverable(book: Book) -> Offer:
    offer = pushed(book)
    settle_push(book, offer, outcome=Refused("gone"))
    return offer


def registered(book: Book) -> str:
    """A key of an agency beside another one's."""
    for agency, id_ in ((STOKE, "key-1"), (SHROPSHIRE, "key-2")):
        book.ledger.queue_keys.register(agency, id_, bytes([int(id_[-1])] * 32), NOW)
        book.ledger.queue_keys.register_encryption_key(agency, id_, f"public {id_}", NOW)
    return "key-2"


def credited(book: Book) -> CredentialId:
    """A credential beside another one."""
    for number, agency in enumerate((STOKE, SHROPSHIRE)):
        id_ = CredentialId(f"{number}" * 16)
        scopes = frozenset({"collect"})
        credential = Credential(id_, agency, scopes, bytes(32), "x", NOW, None, None, None)
        book.ledger.credentials.add_credential(credential)
    return id_


def suspended(book: Book) -> str:
    for agency in (STOKE, SHROPSHIRE):
        book.ledger.operator_actions.suspend_agency(agency, by_ops(NOW))
    return SHROPSHIRE


def planned(book: Book) -> UUID:
    """A replay that is planned beside another one."""
    for _ in range(2):
        id_ = ids.uuid7()
        new = NewPlan(id=id_, per_minute=60, by="person:J")
        book.ledger.bulk_actions.plan_replay(new, now=NOW)
    return id_


def turn(book: Book, id_: UUID, *, frm: str = "planned") -> object:
    return book.ledger.bulk_actions.turn_replay(
        id_, frm=[frm], to="stopped", by="person:J", reason="R", now=LATER
    )


def unroutable(book: Book) -> ReferralId:
    """Two referrals that nobody can route."""
    book.accept("other")
    id_ = book.accept("ref")
    book.do(
        "update referral set state = 'unroutable', reason = 'no_area', attend_by = %s, "
        "next_attempt_at = null",
        NOW,
    )
    return id_


CLOSED = "update referral set recalled_at = now(), recall_reason = 'x', recalled_by = 'x'"
CASES: dict[str, Case] = {
    "deliveries.extend": Case(
        leased,
        extend,
        {
            "another agency": {"agency": STOKE},
            "another lease": {"lease": STRANGER},
            "it has lapsed": {"now": NOW + LEASE},
        },
        {
            "it is available again": "update delivery set state = 'available', lease_until = null",
            "it is collected": "update delivery set state = 'collected', lease_until = null",
            "its referral is recalled": CLOSED,
        },
    ),
    "deliveries.release": Case(
        leased,
        release,
        {"another agency": {"agency": STOKE}, "another lease": {"lease": STRANGER}},
        {
            "it is available again": "update delivery set state = 'available', lease_until = null",
            "it is collected": "update delivery set state = 'collected', lease_until = null",
            "its referral is recalled": CLOSED,
        },
    ),
    "deliveries.settle_pushes": Case(
        pushed,
        settle_push,
        {"another lease": {"lease": STRANGER}},
        {
            "it is available again": "update delivery set state = 'available', lease_until = null",
            "it is collected": "update delivery set state = 'collected', lease_until = null",
            "its referral is recalled": CLOSED,
        },
    ),
    "receipts.settle": Case(
        leased,
        answer,
        {"another agency": {"agency": STOKE}, "another lease": {"lease": STRANGER}},
        {
            "it is held": "update delivery set state = 'held', lease_until = null",
            "it is undeliverable": "update delivery set state = 'undeliverable', "
            "lease_until = null, undeliverable_at = now(), refused_because = 'gone'",
        },
    ),
    "corrections.correct": Case(
        routed,
        correct,
        {"another publisher": {"publisher": WEST_MERCIA}},
        {"it is recalled": CLOSED},
    ),
    "corrections.recall": Case(
        routed,
        recall,
        {"another publisher": {"publisher": WEST_MERCIA}},
        {"it is recalled": CLOSED},
    ),
    "alarms.acknowledge_escalation by an agency": Case(
        escalated,
        acknowledge,
        {
            "another agency": {"visible_to": STOKE},
            "another publisher": {"visible_to": WEST_MERCIA},
        },
        {
            "it has ended": "update escalation set state = 'ended', ended_at = now(), "
            "ended_because = 'met', next_step_at = null",
            "a person has it": "update escalation set state = 'acknowledged', "
            "acknowledged_at = now(), acknowledged_by = 'x', next_step_at = null",
            "the agency has it": "update escalation set own_acknowledged_by = 'x', "
            "own_acknowledged_at = now(), own_until = now()",
        },
    ),
    "alarms.acknowledge_escalation by a publisher": Case(
        escalated,
        partial(acknowledge, visible_to=POLICE),
        {},
        {
            "it has ended": "update escalation set state = 'ended', ended_at = now(), "
            "ended_because = 'met', next_step_at = null",
            "a person has it": "update escalation set state = 'acknowledged', "
            "acknowledged_at = now(), acknowledged_by = 'x', next_step_at = null",
        },
    ),
    "alarms.release_escalation": Case(
        taken,
        release_escalation,
        {},
        {
            "it has ended": ENDED,
            "people are alerted again": "update escalation set state = 'open', "
            "acknowledged_by = null, acknowledged_at = null, taken_until = null",
        },
    ),
    "alarms.offer_escalation": Case(
        taken,
        offer,
        {"somebody who does not deal with it": {"by": "person:Kim"}},
        {
            "it has ended": ENDED,
            "somebody else deals with it": "update escalation set acknowledged_by = 'person:Kim'",
        },
    ),
    "alarms.reopen_escalations": Case(
        taken,
        reopen,
        {"before its time is over": {"now": LATER + HOUR - timedelta(seconds=1)}},
        {"it has ended": ENDED},
        takes_all=True,
    ),
    "alarms.end_escalations": Case(
        escalated,
        partial(steps, end=True),
        {"before its next step": {"now": NOW + HOUR - timedelta(seconds=1)}},
        {
            "it has ended": "update escalation set state = 'ended', ended_at = now(), "
            "ended_because = 'met', next_step_at = null",
        },
        takes_all=True,
    ),
    "alarms.settle_notices": Case(
        noticed,
        settle_notice,
        {"another lease": {"lease": STRANGER}},
        {
            "it is due again": "update notice set state = 'due', lease_until = null, "
            "next_attempt_at = created_at",
            "it was sent": "update notice set state = 'sent', lease_until = null, ended_at = now()",
        },
    ),
    "alarms.claim_notices": Case(
        noticed,
        claim_notices,
        {"its sender still holds it": {"now": NOW + LEASE - timedelta(seconds=1)}},
        {"it was sent": "update notice set state = 'sent', lease_until = null, ended_at = now()"},
        takes_all=True,
    ),
    "people.use_link": Case(
        linked,
        use_link,
        {"no such link": {"secret": SESSION}, "it has ended": {"now": NOW + HOUR}},
        {"it was used": "update sign_in_link set used_at = now()"},
    ),
    "people.begin_session": Case(
        linked,
        begin_session,
        {"nobody is known so": {"subject": "nobody"}},
        {"the person is disabled": "update person set disabled_at = now()"},
    ),
    "people.end_session": Case(
        in_session,
        end_session,
        {"no such session": {"secret": bytes(32)}},
        {"it has ended": "update session set ended_at = now()"},
    ),
    "clock_pauses.clocks": Case(
        leased,
        pause,
        {"another agency": {"agency": STOKE}},
        {
            "it is paused": "update delivery set paused_at = now()",
            "it is returned": "update delivery set state = 'returned', lease_until = null, "
            "returned_at = now()",
        },
    ),
    "queue_keys.revoke_agency_key": Case(
        registered,
        lambda book, id_, **_: book.ledger.queue_keys.revoke_agency_key(id_, LATER),
        {},
        {"it has ended": "update agency_key set revoked_at = now()"},
    ),
    "queue_keys.revoke_encryption_key": Case(
        registered,
        lambda book, id_, **_: book.ledger.queue_keys.revoke_encryption_key(id_, LATER),
        {},
        {"it has ended": "update encryption_key set revoked_at = now()"},
    ),
    "credentials.revoke": Case(
        credited,
        lambda book, id_, **_: book.ledger.credentials.revoke(id_, LATER),
        {},
        {"it has ended": "update credential set revoked_at = now()"},
    ),
    "credentials.expire": Case(
        credited,
        lambda book, id_, **_: book.ledger.credentials.expire(id_, LATER),
        {},
        {"it has ended": "update credential set revoked_at = now()"},
    ),
    "operator_actions.resume_agency": Case(
        suspended,
        lambda book, agency, **_: book.ledger.operator_actions.resume_agency(agency, by_ops(LATER)),
        {},
        {"it is over": "update stop set ended_at = now()"},
    ),
    "bulk_actions.turn_replay": Case(planned, turn, {"another state": {"frm": "running"}}),
    "routing.retry_routing": Case(
        unroutable,
        lambda book, id_, **_: book.ledger.routing.retry_routing(id_, by_ops(LATER)),
        {},
        {"it is routed": "update referral set state = 'routed', routed_at = now()"},
    ),
    "routing.give_areas": Case(
        unroutable,
        lambda book, id_, **_: book.ledger.routing.give_areas(
            id_, {"c1": "E1"}, by_ops(LATER), check=lambda _: None
        ),
        {},
        {"it is routed": "update referral set state = 'routed', routed_at = now()"},
    ),
    "operator_actions.replay_delivery": Case(
        undeliverable,
        lambda book, offer, **_: book.ledger.operator_actions.replay_delivery(
            offer.id, by_ops(LATER)
        ),
        {},
        {
            "it is available": "update delivery set state = 'available', undeliverable_at = null, "
            "refused_because = null, lease_until = null, next_attempt_at = now()",
            "its referral is recalled": CLOSED,
        },
    ),
}
WRONG = [(name, label) for name, case in CASES.items() for label in (*case.wrong, *case.spoilt)]


def tried(book: Book, name: str, label: str | None) -> tuple[Any, Rows, Rows]:
    """Return what a call is about, and the ledger before and after it."""
    book.ledger.organisations.sync_organisations(
        [(WEST_MERCIA, "West Mercia Police", "police", "mailbox")]
    )
    case = CASES[name]
    subject = case.arrange(book)
    if label in case.spoilt:
        book.do(case.spoilt[label])
    before = everything(book)
    case.act(book, subject, **case.wrong.get(label or "", {}))
    return subject, before, everything(book)


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_counts_writes_about_its_subject_alone(book: Book, name: str) -> None:
    subject, before, after = tried(book, name, None)
    # What is only counted bears no id.
    tables = [table for table in after if not table.endswith("_delta")]
    written = [row for table in tables for row in {*after[table]} ^ {*before[table]}]
    assert written
    ids_of_it = named(book, subject)
    of_others = [row for row in written if not any(id_ in row for id_ in ids_of_it)]
    assert CASES[name].takes_all or of_others == []


@pytest.mark.parametrize(("name", "label"), WRONG)
def test_a_call_that_must_not_count_writes_nothing(book: Book, name: str, label: str) -> None:
    _, before, after = tried(book, name, label)
    assert before == after
